"""Bitbucket's refusals in words, each with the next step.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/#standardized-error-responses
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
# Bitbucket counts over an hour that rolls on, and mostly names no time.
_WAIT = 60.0
# Bitbucket's own, where making a diff takes too long.
_TIMED_OUT = 555
TOKEN_PAGE = "https://id.atlassian.com/manage-profile/security/api-tokens"  # noqa: S105  an address
_CLOUD = "bitbucket.org"
DATA_CENTER = (
    "Bitbucket Data Center (Server) is not supported: its API is another one than Bitbucket Cloud's, which alone these "
    "tools reach. For a repository in Bitbucket Cloud leave base_url out"
)
_STORE_ANEW = (
    f"Make an API token with scopes for Bitbucket at {TOKEN_PAGE} and store it: POST /api/v1/credentials with "
    '"service_type": "bitbucket", fields email and api_token.'
)
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again.",
    401: f"The credential is mistyped, expired or revoked; app passwords ended on 2026-07-28. {_STORE_ANEW}",
    404: "Check workspace, repo_slug and the other names. Bitbucket also says 404 where the token may not see a thing.",
    409: "The state has changed or conflicts: read it again, then repeat the call.",
    410: "It was removed for good: do not repeat the call.",
    413: "Send less in one call.",
}


def explain(reply: Reply) -> Failure:
    """Return what Bitbucket said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    said = f"Bitbucket answered {reply.status}{_named(reply.status)}{_detail(reply)}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = max(1.0, _WAIT if (asked := reply.retry_after()) is None else asked)
        return Failure(said, f"Bitbucket's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status == _TIMED_OUT:
        return Failure(
            said, "It took Bitbucket too long: ask for less (a path, fewer commits), or read whether it is done."
        )
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "Bitbucket has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    return Failure(said, _step(reply))


def error_of(reply: Reply) -> dict[str, Any]:
    """Return the reply's `error`; empty where it has none."""
    body = reply.json()
    error = body.get("error") if isinstance(body, dict) else None
    return error if isinstance(error, dict) else {}


def is_cloud(reply: Reply) -> bool:
    """Whether it came from Bitbucket's own servers, and not from another base URL."""
    return reply.host == _CLOUD or reply.host.endswith(f".{_CLOUD}")


def is_data_center(reply: Reply) -> bool:
    """Whether the reply is Data Center's: a header of Atlassian's servers, or an error with its exception's name."""
    body = reply.json()
    errors = body.get("errors") if isinstance(body, dict) else None
    named = isinstance(errors, list) and any(isinstance(one, dict) and "exceptionName" in one for one in errors)
    return not is_cloud(reply) and (named or "x-arequestid" in reply.headers)


def lacks_scope(reply: Reply) -> bool:
    """Whether the credential was good and lacks a scope: Bitbucket then tells those that are needed."""
    return reply.status == HTTPStatus.FORBIDDEN and (
        bool(scopes_in(reply, "required")) or "privilege scopes" in str(error_of(reply).get("message"))
    )


def scopes_in(reply: Reply, member: str) -> tuple[str, ...]:
    """Return the scopes that the error tells as `granted` or `required`; empty where it does not."""
    detail = error_of(reply).get("detail")
    scopes = detail.get(member) if isinstance(detail, dict) else None
    return tuple(one for one in scopes if isinstance(one, str)) if isinstance(scopes, list) else ()


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _detail(reply: Reply) -> str:
    parts = [bounded(phrase) for phrase in list(_phrases(error_of(reply)))[:_MAX_ERRORS] if phrase]
    return f": {'; '.join(parts)}" if parts else "."


def _phrases(error: dict[str, Any]) -> Iterator[str]:
    """Yield the error's sentences, and one phrase for each of its `fields`: `title: required key not provided`."""
    yield from (text for text in (error.get("message"), error.get("detail")) if isinstance(text, str))
    fields = error.get("fields")
    for field, words in list(fields.items())[:_MAX_ERRORS] if isinstance(fields, dict) else ():
        for text in words if isinstance(words, list) else [words]:
            yield f"{field}: {text}" if isinstance(text, str) else f"{field} is not valid"


def _step(reply: Reply) -> str:
    if is_data_center(reply):
        return f"{DATA_CENTER}."
    if lacks_scope(reply):
        needed = bounded(", ".join(scopes_in(reply, "required")) or "another scope", 150)
        held = bounded(", ".join(scopes_in(reply, "granted")) or "not told", 300)
        return f"The credential is good, but lacks the scope: it needs {needed} (it holds: {held}). {_STORE_ANEW}"
    if reply.status == HTTPStatus.FORBIDDEN:
        return "The credential is good, but its owner lacks the permission (read, write, admin) on this repository."
    if reply.status < HTTPStatus.BAD_REQUEST:
        return "It has moved (renamed or transferred?): read it anew and use its present name."
    return _STEPS.get(reply.status, _STEPS[400])
