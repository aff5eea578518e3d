"""Snyk's refusals in words, each with the next step.

REST answers with JSON:API's `errors` (https://jsonapi.org/format/#errors), v1 with one `message`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
# Snyk counts requests by the minute.
_WAIT = 60.0
_STORE_ANEW = 'Store a new Snyk token: POST /api/v1/credentials with "service_type": "snyk".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again; ids are UUIDs.",
    401: f"The stored token is mistyped, revoked or of another region (base_url). {_STORE_ANEW}",
    403: (
        "The token is good, but its role lacks the permission, or is not of this organization, or the plan has no API. "
        "list_orgs shows the organizations that it reaches."
    ),
    404: "Check the ids: list_orgs and the other lists show them. Snyk also says 404 where the token may not look.",
    409: "It conflicts with what there is: read it again, then decide.",
    413: "Send less in one call.",
    422: "Correct the fields named above and call again.",
}


def explain(reply: Reply) -> Failure:
    """Return what Snyk said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    words = "; ".join(_words(reply.json()))
    said = f"Snyk answered {reply.status}{f': {words}' if words else '.'}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = max(1.0, asked) if (asked := reply.retry_after()) is not None else _WAIT
        return Failure(said, f"Snyk's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "Snyk has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    if reply.status < HTTPStatus.BAD_REQUEST:
        return Failure(said, "The server did not answer as Snyk's API does: check base_url, the region's address.")
    return Failure(said, _STEPS.get(reply.status, _STEPS[400]), reply.retry_after())


def _words(body: Any) -> list[str]:
    """Return one phrase per error, at most ten."""
    if not isinstance(body, dict):
        return []
    errors = body.get("errors")
    if isinstance(errors, list):
        return [bounded(_phrase(error), 300) for error in errors[:_MAX_ERRORS]]
    return [bounded(text) for name in ("message", "error") if isinstance(text := body.get(name), str)][:1]


def _phrase(error: Any) -> str:
    """Return the error's code, what it says, and which member or parameter it concerns."""
    if not isinstance(error, dict):
        return error if isinstance(error, str) else "an error without words"
    told = [text for name in ("title", "detail") if isinstance(text := error.get(name), str)]
    code, source = error.get("code"), error.get("source")
    place = (source.get("pointer") or source.get("parameter")) if isinstance(source, dict) else None
    return (
        f"{f'{code} ' if isinstance(code, str) else ''}{' - '.join(dict.fromkeys(told)) or 'an error without words'}"
        f"{f' (at {place})' if isinstance(place, str) else ''}"
    )
