"""SonarQube's refusals in words, each with the next step: `{"errors": [{"msg": …}]}`, or `message` in version two."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
_STORE_ANEW = 'Store a new token: POST /api/v1/credentials with "service_type": "sonarqube".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments named above and call again; SonarQube Cloud also needs `organization` for many things.",
    401: f"The stored token is mistyped, expired or revoked, or the server wants it as basic. {_STORE_ANEW}",
    403: "The token is good, but its user lacks the permission (Browse, Administer, …) for this project or server: an "
    "administrator grants it. A token of analysis may not read most things; store a user token.",
    404: "Check the keys: search_components finds projects, get_component_tree their files. SonarQube also says 404 "
    "where this version or edition lacks the operation.",
    413: "Send less in one call.",
    503: "SonarQube is starting or being upgraded: get_system_status tells. Call again in a moment.",
}


def explain(reply: Reply) -> Failure:
    """Return what SonarQube said, bounded, and the next step."""
    said = "; ".join(_errors(reply))
    message = f"SonarQube answered {reply.status}{_named(reply.status)}{f': {said}' if said else '.'}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(message, "Wait, then call again.", reply.retry_after())
    if reply.status in _STEPS:
        return Failure(message, _STEPS[reply.status], reply.retry_after())
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "SonarQube failed. Call again in a moment; before repeating a change, read whether it took effect."
        return Failure(message, step, reply.retry_after())
    if reply.status < HTTPStatus.BAD_REQUEST:
        return Failure(message, "The server points elsewhere: check base_url, its scheme and its context path.")
    return Failure(message, _STEPS[400])


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _errors(reply: Reply) -> list[str]:
    body = reply.json()
    if not isinstance(body, dict):
        return []
    errors, message = body.get("errors"), body.get("message")
    listed = errors[:_MAX_ERRORS] if isinstance(errors, list) else []
    words = [entry["msg"] for entry in listed if isinstance(entry, dict) and isinstance(entry.get("msg"), str)]
    return [bounded(text) for text in (*words, message) if isinstance(text, str)]
