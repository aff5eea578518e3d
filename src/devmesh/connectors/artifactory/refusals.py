"""Artifactory's refusals in words: `{"errors": [{"status", "message"}]}`, Access's with `code` and `detail`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
_STORE_ANEW = 'Store a new token: POST /api/v1/credentials with "service_type": "artifactory".'
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments named above and call again; some operations need Artifactory Pro.",
    401: "The stored token or key is mistyped, expired or revoked. API keys ended with 2024, and never opened users, "
    f"groups, permissions and projects. {_STORE_ANEW}",
    403: "The credential is good, but lacks the permission for this repository or operation: administrators grant it.",
    404: "Check the repository's key and the path: list_repositories and list_files show them. base_url must be the "
    "platform's address without /artifactory. Xray's operations need Xray.",
    409: "It conflicts with what is there (a folder and a file of one name, or a checksum that is not the content's).",
    413: "The file is larger than the server takes.",
}


def explain(reply: Reply) -> Failure:
    """Return what Artifactory said, bounded, and the next step."""
    said = "; ".join(_errors(reply))
    message = f"Artifactory answered {reply.status}{_named(reply.status)}{f': {said}' if said else '.'}"
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Failure(message, "Wait, then call again.", reply.retry_after())
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        step = "Artifactory failed. Call again in a moment; before repeating a change, read whether it took effect."
        return Failure(message, step, reply.retry_after())
    if reply.status < HTTPStatus.BAD_REQUEST:
        return Failure(message, "The server points elsewhere: check base_url, its scheme and its path.")
    return Failure(message, _STEPS.get(reply.status, _STEPS[400]))


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _errors(reply: Reply) -> list[str]:
    """Return one phrase per error; Xray has a single `error` instead of the list."""
    body = reply.json()
    if not isinstance(body, dict):
        return []
    errors = body.get("errors")
    listed = errors[:_MAX_ERRORS] if isinstance(errors, list) else []
    texts = [entry.get("message") for entry in listed if isinstance(entry, dict)]
    return [bounded(text) for text in (*texts, body.get("error"), body.get("message")) if isinstance(text, str)]
