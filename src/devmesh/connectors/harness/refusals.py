"""Harness's refusals in words, each with the next step: `{"status": "ERROR", "code": …, "message": …}`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
# Harness counts by the minute, and often names no time.
_WAIT = 60.0
_STORE_ANEW = 'Store a new Harness token: POST /api/v1/credentials with "service_type": "harness".'
_NOT_ACCEPTED = f"The stored token is mistyped, expired or revoked, or of another Harness. {_STORE_ANEW}"
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments: identifiers (not names) of organization, project and the thing itself.",
    401: _NOT_ACCEPTED,
    403: "The token is good, but its roles lack the permission in this organization or project.",
    404: "Check the identifiers, and in which organization and project the thing is; list_projects shows them.",
    409: "It conflicts with what there is, or has changed meanwhile: read it again, then decide.",
    422: "Correct the fields named above and call again.",
}
_BY_CODE: Mapping[str, str] = {
    "DUPLICATE_FIELD": "The identifier is taken: choose another, or change what there is.",
    "EXPIRED_TOKEN": _NOT_ACCEPTED,
    "INVALID_TOKEN": _NOT_ACCEPTED,
    "ENTITY_NOT_FOUND": _STEPS[404],
    "RESOURCE_NOT_FOUND": _STEPS[404],
    "RESOURCE_NOT_FOUND_EXCEPTION": _STEPS[404],
    "NG_ACCESS_DENIED": _STEPS[403],
    "ACCESS_DENIED": _STEPS[403],
}


def explain(reply: Reply) -> Failure:
    """Return what Harness said, bounded, the next step, and how long to wait if it is a matter of waiting."""
    code, words = error_code(reply), "; ".join(_words(reply.json()))
    said = f"Harness answered {reply.status}{f' {code}' if code else ''}{f': {words}' if words else '.'}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        wait = max(1.0, asked) if (asked := reply.retry_after()) is not None else _WAIT
        return Failure(said, f"Harness's rate limit is used up. Call again after {math.ceil(wait)} seconds.", wait)
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "Harness has trouble. Call again in a moment; before repeating a write, read whether it took effect."
        return Failure(said, step, reply.retry_after())
    if reply.status < HTTPStatus.BAD_REQUEST:
        return Failure(said, "The server did not answer as Harness's API does: check base_url.")
    return Failure(said, _BY_CODE.get(code) or _STEPS.get(reply.status, _STEPS[400]), reply.retry_after())


def error_code(reply: Reply) -> str:
    """Return the reply's `code`, bounded; empty if it has none in words."""
    body = reply.json()
    code = body.get("code") if isinstance(body, dict) else None
    return bounded(code, 100) if isinstance(code, str) else ""


def _words(body: Any) -> list[str]:
    """Return what is wrong: the message, and one phrase for each field, at most ten."""
    if not isinstance(body, dict):
        return []
    message, errors = body.get("message"), body.get("errors")
    # A proxy's page in place of words says nothing to an agent.
    words = [bounded(message, 500)] if isinstance(message, str) and not message.lstrip().startswith("<") else []
    fields = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    words += [bounded(_of_field(one), 200) for one in fields[:_MAX_ERRORS]]
    return words + _of_yaml(body.get("metadata"))


def _of_yaml(metadata: Any) -> list[str]:
    """Return what is wrong with a definition, at which place of it: the message says no more than that it is."""
    errors = metadata.get("schemaErrors") if isinstance(metadata, dict) else None
    told = [one for one in errors if isinstance(one, dict)] if isinstance(errors, list) else []
    texts = [one.get("messageWithFQN") or one.get("message") for one in told[:_MAX_ERRORS]]
    return [bounded(text, 200) for text in texts if isinstance(text, str)]


def _of_field(error: Mapping[str, Any]) -> str:
    field, words = error.get("fieldId"), error.get("error")
    said = words if isinstance(words, str) else "is not valid"
    return f"{field} {said}" if isinstance(field, str) else said
