"""Slack's refusals in words, each with the next step: a status of 200 with `ok: false` is the usual one.

https://docs.slack.dev/apis/web-api/#responses
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_MESSAGES = 5
# What Slack asks for where it names no time: its limits are counted by the minute.
_WAIT = 60.0
_LIMITED = frozenset({"ratelimited", "rate_limited"})
_STORE_ANEW = 'Store a new Slack token: POST /api/v1/credentials with "service_type": "slack".'
_NOT_ACCEPTED = f"The stored token is not accepted any more. {_STORE_ANEW}"
_MIGRATING = "The workspace is being moved into an Enterprise organization: call again when that is done."
_TROUBLE = "Slack has trouble. Call again in a moment; before repeating a write, read whether it took effect."
_JOIN = "Join the public channel with join_channel, or have a member invite the app to the private one."
_DONE = "It is so already: do not repeat the call."
_STEPS: Mapping[str, str] = {
    "account_inactive": _NOT_ACCEPTED,
    "already_archived": _DONE,
    "already_in_channel": _DONE,
    "already_pinned": _DONE,
    "already_reacted": _DONE,
    "cant_delete_message": "The token may delete only its own messages, or its user must be an administrator.",
    "cant_update_message": "The token may edit only the messages that it posted itself.",
    "channel_not_found": "Check the channel's ID; list_channels shows those that the token sees.",
    "edit_window_closed": "The workspace no longer lets the message be edited: post a new one.",
    "fatal_error": _TROUBLE,
    "file_not_found": "Check the file's ID; list_files shows those that the token sees.",
    "internal_error": _TROUBLE,
    "invalid_auth": f"Slack does not accept the token, or not from this server's IP address. {_STORE_ANEW}",
    "invalid_blocks": "Correct the blocks as the messages say, or send text alone.",
    "invalid_cursor": "Begin with the first page again: leave cursor out.",
    "is_archived": "The channel is archived: restore it with unarchive_channel first.",
    "message_not_found": "Check channel and timestamp; get_channel_history shows the `ts` of messages.",
    "method_not_supported_for_channel_type": "This kind of conversation does not allow it.",
    "msg_too_long": "Send a shorter text.",
    "name_taken": "Choose another name; a channel of this name exists, perhaps archived or private.",
    "no_permission": f"The app lacks the right, or is no member of the conversation. {_JOIN}",
    "no_reaction": "There is no such reaction of the token's owner: do not repeat the call.",
    "not_allowed_token_type": f"The call takes another kind of token (search: a user's, xoxp-). {_STORE_ANEW}",
    "not_archived": _DONE,
    "not_authed": _NOT_ACCEPTED,
    "not_in_channel": f"The token's owner is no member of the channel. {_JOIN}",
    "not_pinned": _DONE,
    "org_login_required": _MIGRATING,
    "request_timeout": _TROUBLE,
    "restricted_action": "A setting of the workspace forbids it: an administrator can change it.",
    "service_unavailable": _TROUBLE,
    "team_access_not_granted": "The app is not approved for that workspace: an administrator of the organization can.",
    "team_added_to_org": _MIGRATING,
    "thread_not_found": "Check thread_ts: it is the `ts` of the thread's first message.",
    "time_in_past": "Name a time in the future.",
    "token_expired": _NOT_ACCEPTED,
    "token_revoked": _NOT_ACCEPTED,
    "user_not_found": "Check the user's ID; list_users and lookup_user_by_email show it.",
    "users_not_found": "No user has this address, or the token may not see them.",
}
_BY_STATUS: Mapping[int, str] = {
    401: _NOT_ACCEPTED,
    403: "Slack, or a proxy before it, refuses the request: an administrator knows the reason.",
    404: "Check the method's name, and base_url: https://slack.com/api, or https://slack-gov.com/api for GovSlack.",
}


class _Outcome(msgspec.Struct):
    ok: bool = False


_outcome = msgspec.json.Decoder(_Outcome)


def failed(reply: Reply) -> bool:
    """Whether Slack refused, whatever the status: only a success that says `"ok": true` is one."""
    if reply.status != HTTPStatus.OK:
        return True
    try:
        return not _outcome.decode(reply.body).ok
    except (msgspec.DecodeError, RecursionError):
        return True


def explain(reply: Reply) -> Failure:
    """Return what Slack said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    body = reply.json()
    said: Mapping[str, Any] = body if isinstance(body, dict) else {}
    code = error_code(reply)
    message = f"Slack answered {code or reply.status}{_detail(said)}"
    if code in _LIMITED or reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = max(1.0, asked) if (asked := reply.retry_after()) is not None else _WAIT
        return Failure(message, f"Slack's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if code == "missing_scope":
        return Failure(message, _scope(said))
    return Failure(message, _step(code, reply.status), reply.retry_after())


def error_code(reply: Reply) -> str:
    """Return the reply's `error`, bounded; empty if it has none."""
    body = reply.json()
    code = body.get("error") if isinstance(body, dict) else None
    return bounded(code, 100) if isinstance(code, str) else ""


def _detail(said: Mapping[str, Any]) -> str:
    """Return what Slack says beside the code: of the arguments, and of each of several users."""
    metadata = said.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    errors = said.get("errors")
    words = [one for one in messages if isinstance(one, str)] if isinstance(messages, list) else []
    words += [_of_user(one) for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    return f": {'; '.join(bounded(one, 200) for one in words[:_MAX_MESSAGES])}" if words else "."


def _of_user(error: Mapping[str, Any]) -> str:
    return f"{error.get('user', 'one of them')}: {error.get('error', 'refused')}"


def _scope(said: Mapping[str, Any]) -> str:
    needed, provided = (
        bounded(value, 300) if isinstance(value := said.get(name), str) and value else ""
        for name in ("needed", "provided")
    )
    return (
        f"The token needs {needed or 'another scope'}, and holds {provided or 'none'}: add the scope to the Slack app, "
        f"install it anew, and store its token. {_STORE_ANEW}"
    )


def _step(code: str, status: int) -> str:
    if code:
        return _STEPS.get(code, "Correct the arguments and call again.")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return _TROUBLE
    return _BY_STATUS.get(status, "The server did not answer as Slack's API does: check base_url.")
