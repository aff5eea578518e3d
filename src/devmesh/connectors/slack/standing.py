"""Whether a Slack token is good, from the reply to `auth.test`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.connectors.slack.refusals import error_code
from devmesh.upstream.model import Identity, Reply, Verdict

_INVALID: Mapping[str, str] = {
    "account_inactive": "The token belongs to a user or a workspace that was deleted.",
    "invalid_auth": (
        "Slack does not accept the token: it is mistyped, of another Slack (GovSlack?), "
        "or not allowed from this server's IP address."
    ),
    "not_authed": "Slack saw no token.",
    "token_expired": "The token has expired: tokens that rotate end after twelve hours.",
    "token_revoked": "The token was revoked, or its app was removed.",
}
# Said of tokens that Slack knows.
_VALID: Mapping[str, str] = {
    "access_denied": "The token is good, but the workspace denies it access.",
    "ekm_access_denied": "The token is good, but administrators have suspended access to the workspace's keys.",
    "enterprise_is_restricted": "The token is good, but not for this method.",
    "missing_scope": "The token is good, but lacks a scope.",
    "no_permission": "The token is good, but lacks the right to be tested.",
    "not_allowed_token_type": "The token is good, but of a kind that cannot be tested.",
    "team_access_not_granted": "The token is good, but the app is not approved for the workspace.",
}


def judge(reply: Reply) -> Verdict:
    """Return valid for a token that Slack knows, invalid only where it says so, else unknown."""
    body = reply.json()
    if reply.status == HTTPStatus.OK and isinstance(body, dict):
        return _known(reply, body) if body.get("ok") is True else _refused(error_code(reply))
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict("unknown", "Slack's rate limit is used up, so it did not look at the token. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"Slack failed with {reply.status}. Validate later.")
    return Verdict("unknown", f"The server answered {reply.status}, not as Slack's API does: check base_url.")


def _refused(code: str) -> Verdict:
    if code in _INVALID:
        return Verdict("invalid", _INVALID[code])
    if code in _VALID:
        return Verdict("valid", _VALID[code])
    return Verdict("unknown", f"Slack answered {code or 'without a reason'}, which says nothing of the token.")


def _known(reply: Reply, body: Mapping[str, Any]) -> Verdict:
    user, team, app = (
        value if isinstance(value := body.get(name), str) else "" for name in ("user", "team", "app_name")
    )
    if isinstance(body.get("user_id"), str):
        account = f"{user or body['user_id']} in {team}" if team else user or body["user_id"]
        return Verdict("valid", f"The token belongs to {account}.", Identity(account, _scopes(reply)))
    if isinstance(body.get("app_id"), str):
        account = app or body["app_id"]
        reason = f"The token is good, but of the app {account} itself (xapp-): the tools need its bot token (xoxb-)."
        return Verdict("valid", reason, Identity(account, _scopes(reply)))
    return Verdict("unknown", "The server answered, but not as Slack's API does: check base_url.")


def _scopes(reply: Reply) -> tuple[str, ...] | None:
    value = reply.headers.get("x-oauth-scopes")
    if value is None:
        return None
    return tuple(scope for part in value.split(",") if (scope := part.strip()))
