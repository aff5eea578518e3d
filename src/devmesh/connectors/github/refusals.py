"""GitHub's refusals in words, each with the next step.

https://docs.github.com/rest/using-the-rest-api/troubleshooting-the-rest-api
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
# GitHub asks for at least a minute where a secondary limit names no time.
_SECONDARY_WAIT = 60.0
_LIMITED = (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
_CODES = {
    "missing": "does not exist",
    "missing_field": "is required",
    "invalid": "is not valid",
    "already_exists": "exists already",
    "unprocessable": "cannot be processed",
}
_STORE_ANEW = 'Store a new GitHub token: POST /api/v1/credentials with "service_type": "github".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again.",
    401: f"The stored token is mistyped, expired or revoked. {_STORE_ANEW}",
    405: "The present state does not allow it: read it again (checks, reviews, conflicts) before another try.",
    409: "The state has changed or conflicts: read it again, take the present sha, then repeat the call.",
    410: "It was removed, or the feature is switched off in this repository: do not repeat the call.",
    413: "Send less in one call.",
    422: "Correct the fields named above and call again.",
    451: "GitHub has blocked this for legal reasons: no token opens it.",
}


def explain(reply: Reply) -> Failure:
    """Return what GitHub said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    said = f"GitHub answered {reply.status}{_named(reply.status)}{_detail(reply)}"
    if is_limited(reply):
        wait = _wait(reply)
        return Failure(said, f"GitHub's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "GitHub has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    return Failure(said, _step(reply))


def is_limited(reply: Reply) -> bool:
    """Whether a limit was hit, primary or secondary: GitHub says so with 403 as well as with 429."""
    if reply.status not in _LIMITED:
        return False
    return (
        reply.status == HTTPStatus.TOO_MANY_REQUESTS
        or reply.headers.get("x-ratelimit-remaining") == "0"
        or "retry-after" in reply.headers
        or "rate limit" in sentence(reply).lower()
    )


def sentence(reply: Reply) -> str:
    """Return the reply's `message`, bounded; empty if it has none."""
    body = reply.json()
    message = body.get("message") if isinstance(body, dict) else None
    return bounded(message) if isinstance(message, str) else ""


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _detail(reply: Reply) -> str:
    parts = [part for part in (sentence(reply), "; ".join(_errors(reply))) if part]
    return f": {' - '.join(parts)}" if parts else "."


def _errors(reply: Reply) -> list[str]:
    """Return one phrase per entry of `errors`, at most ten: `title is required`."""
    body = reply.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    entries = errors if isinstance(errors, list) else [errors] if errors else []
    return [bounded(_phrase(entry), 200) for entry in entries[:_MAX_ERRORS]]


def _phrase(entry: Any) -> str:
    if not isinstance(entry, dict):
        return entry if isinstance(entry, str) else "an error without words"
    field, code, message = (entry.get(name) for name in ("field", "code", "message"))
    if isinstance(message, str):
        return f"{field}: {message}" if field else message
    return f"{field or entry.get('resource') or 'something'} {_CODES.get(str(code), code or 'is not valid')}"


def _wait(reply: Reply) -> float:
    """Return the seconds until GitHub answers again: as it says, else to the window's end, else a minute."""
    asked = reply.retry_after()
    if asked is not None:
        return max(1.0, asked)
    reset = reply.headers.get("x-ratelimit-reset", "")
    if reply.headers.get("x-ratelimit-remaining") == "0" and re.fullmatch("[0-9]{1,12}", reset):
        return max(1.0, math.ceil(int(reset) - time.time()))
    return _SECONDARY_WAIT


def _step(reply: Reply) -> str:
    if reply.status == HTTPStatus.FORBIDDEN:
        return _forbidden(reply)
    if reply.status == HTTPStatus.NOT_FOUND:
        step = "Check owner, repo and the number or name first. If they are right, the token may not see it: "
        return f"{step}{_needed(reply)}."
    if reply.status < HTTPStatus.BAD_REQUEST:
        return "It has moved (renamed or transferred?): read it anew and use its present name."
    return _STEPS.get(reply.status, _STEPS[400])


def _forbidden(reply: Reply) -> str:
    if "x-github-sso" in reply.headers:
        return (
            "The token is good, but not authorized for this organization's single sign-on: its owner opens "
            "https://github.com/settings/tokens, chooses 'Configure SSO' there and authorizes the organization."
        )
    return f"The token is good, but lacks the right: {_needed(reply)}. {_STORE_ANEW}"


def _needed(reply: Reply) -> str:
    """Return what the token has to hold, as far as GitHub's headers tell."""
    permissions = reply.headers.get("x-accepted-github-permissions")
    if permissions:
        return f"a fine-grained token needs {bounded(permissions, 150)} for this repository"
    accepted, held = (
        bounded(reply.headers.get(name, ""), 150) for name in ("x-accepted-oauth-scopes", "x-oauth-scopes")
    )
    if accepted:
        return f"it needs one of the scopes {accepted}, and holds {held or 'none'}"
    return "a classic token needs the scope repo for private repositories, a fine-grained one access to this repository"
