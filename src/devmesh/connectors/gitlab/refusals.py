"""GitLab's refusals in words, each with the next step.

https://docs.gitlab.com/api/rest/troubleshooting/
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
# What GitLab's own limits are counted over, where it names no time.
_WAIT = 60.0
_STORE_ANEW = 'Store a new GitLab token: POST /api/v1/credentials with "service_type": "gitlab".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again.",
    401: (
        "The token is mistyped, expired or revoked, or its owner may not do this (approve, merge): GitLab says 401 "
        f"to both. Validate the credential to see which. {_STORE_ANEW}"
    ),
    403: "The token is good, but its owner lacks the role (Reporter, Developer, Maintainer) that this takes, or the "
    "feature is switched off in the project.",
    404: "Check id and the other names or numbers (iid, not id). GitLab also says 404 where the token's owner may not "
    "see a thing.",
    405: "The present state does not allow it: read it again (draft, conflicts, pipeline, approvals) before a retry.",
    409: "The state has changed or conflicts: read it again, take the present sha, then repeat the call.",
    412: "It has changed since it was read: read it again, then repeat the call.",
    413: "Send less in one call.",
    422: "GitLab understood it and cannot do it: correct the fields named above, or read the present state first.",
}


def explain(reply: Reply) -> Failure:
    """Return what GitLab said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    said = f"GitLab answered {reply.status}{_named(reply.status)}{_detail(reply)}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = _wait(reply)
        return Failure(said, f"GitLab's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "GitLab has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    return Failure(said, _step(reply))


def error_of(reply: Reply) -> dict[str, Any]:
    """Return the members of the reply's error; empty where the body is none."""
    body = reply.json()
    return body if isinstance(body, dict) else {}


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _detail(reply: Reply) -> str:
    body = error_of(reply)
    said = [
        phrase
        for member in (body.get("message"), body.get("error"), body.get("error_description"))
        for phrase in _phrases(member)
    ]
    parts = [bounded(phrase) for phrase in said[:_MAX_ERRORS] if phrase]
    return f": {'; '.join(parts)}" if parts else "."


def _phrases(member: Any) -> Iterator[str]:
    """Yield one phrase for each error of `"text"`, `["text"]` or `{"title": ["can't be blank"]}`."""
    if isinstance(member, str):
        yield member
    elif isinstance(member, list):
        yield from (one for one in member if isinstance(one, str))
    elif isinstance(member, dict):
        for field, errors in list(member.items())[:_MAX_ERRORS]:
            for error in errors if isinstance(errors, list) else [errors]:
                yield f"{field} {error}" if isinstance(error, str) else f"{field} is not valid"


def _wait(reply: Reply) -> float:
    """Return the seconds until GitLab answers again: as it says, else to the window's end, else a minute."""
    asked = reply.retry_after()
    if asked is not None:
        return max(1.0, asked)
    reset = reply.headers.get("ratelimit-reset", "")
    if re.fullmatch("[0-9]{1,12}", reset):
        return max(1.0, math.ceil(int(reset) - time.time()))
    return _WAIT


def _step(reply: Reply) -> str:
    body = error_of(reply)
    if reply.status == HTTPStatus.FORBIDDEN and body.get("error") in (
        "insufficient_scope",
        "insufficient_granular_scope",
    ):
        scope = body.get("scope")
        needed = f" {bounded(scope, 150)}" if isinstance(scope, str) and scope else ", such as api"
        return f"The token is good, but lacks the scope: it needs one of{needed}. {_STORE_ANEW}"
    if reply.status < HTTPStatus.BAD_REQUEST:
        return "It has moved (renamed or transferred?): read it anew and use its present path."
    return _STEPS.get(reply.status, _STEPS[400])
