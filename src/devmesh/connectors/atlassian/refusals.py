"""Refusals of Atlassian's products in words, each with the next step.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#status-codes and
https://developer.atlassian.com/cloud/confluence/rest/v2/intro/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Failure, Reply, bounded

_MAX_ERRORS = 10
_SITE, _GATEWAY = ".atlassian.net", "api.atlassian.com"
# What the gateway says to a good token that lacks a scope, with 401.
_LACKS_SCOPE = "scope does not match"
_STEPS: Mapping[int, str] = {
    400: "Correct the arguments and call again.",
    403: "The credential is good, but its account (or a scope of its token) lacks the right: ask an administrator.",
    404: "Check the ids and keys; the same is said of what the account may not see.",
    405: "The base_url or the path is not the API's: check both.",
    409: "The state has changed or conflicts: read it again, then repeat the call with its present version.",
    410: "It was removed: do not repeat the call.",
    413: "Send less in one call.",
    429: "The rate limit is used up: wait, then call again.",
}


def anonymous(reply: Reply) -> bool:
    """Whether the product answered as to a visitor, the credential notwithstanding: so the reply proves nothing."""
    reasons = reply.headers.get("x-seraph-loginreason", "").upper()
    return "AUTHENTICATED_FAILED" in reasons or "AUTHENTICATION_DENIED" in reasons


def failed(reply: Reply) -> bool:
    """Whether the reply is a refusal: a success that a visitor gets leaves out what the account would see."""
    return not HTTPStatus.OK <= reply.status < HTTPStatus.MULTIPLE_CHOICES or anonymous(reply)


def lacks_scope(reply: Reply) -> bool:
    """Whether the token is good, but without the scope for this very operation."""
    return reply.status in (401, 403) and _LACKS_SCOPE in "; ".join(_sentences(reply.json())).lower()


class Explain:
    """Called with a refusal, it returns what the product said, bounded, the next step, and how long to wait."""

    __slots__ = ("_service", "product")

    def __init__(self, product: str, service: str) -> None:
        self.product, self._service = product, service

    def __call__(self, reply: Reply) -> Failure:
        """Return the refusal in words."""
        said = "; ".join(_sentences(reply.json()))
        message = f"{self.product} answered {reply.status}{_named(reply.status)}{f': {said}' if said else '.'}"
        if anonymous(reply) and reply.status < HTTPStatus.BAD_REQUEST:
            message = f"{self.product} did not accept the credential and answered as to a visitor."
        if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
            return Failure(message, _STEPS[429], reply.retry_after())
        if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            step = f"{self.product} has trouble. Call again in a moment; before repeating a write, read what it did."
            return Failure(message, step, reply.retry_after())
        return Failure(message, self._step(reply))

    def refused(self, reply: Reply) -> str:
        """Return why the product refused the credential, and how it may be right."""
        reason = f"{self.product} does not accept the credential: it is mistyped, expired or revoked"
        if not reply.host.endswith(_SITE):
            return f"{reason}."
        site = bounded(reply.host)
        return (
            f"{reason}; or it is a token with scopes, which {site} never accepts: store it with base_url "
            f"https://{_GATEWAY}/ex/{self._service}/CLOUD_ID, where CLOUD_ID is the cloudId that "
            f"https://{site}/_edge/tenant_info shows."
        )

    def _step(self, reply: Reply) -> str:
        if lacks_scope(reply):
            return "The token is good, but lacks a scope for this: make one that has it, and store it in its place."
        if reply.status == HTTPStatus.UNAUTHORIZED or anonymous(reply):
            anew = f'Store a new one: POST /api/v1/credentials with "service_type": "{self._service}".'
            return f"{self.refused(reply)} {anew}"
        if reply.status < HTTPStatus.BAD_REQUEST:
            return "It has moved: check base_url, and take the address that the product has now."
        return _STEPS.get(reply.status, _STEPS[400])


def _named(status: int) -> str:
    try:
        return f" {HTTPStatus(status).phrase}"
    except ValueError:
        return ""


def _sentences(body: Any) -> list[str]:
    """Return what the body says of errors, at most ten sentences, each bounded."""
    found = (bounded(text, 200) for text in _texts(body) if text.strip())
    return [text for text, _ in zip(dict.fromkeys(found), range(_MAX_ERRORS), strict=False)]


def _texts(body: Any) -> Iterator[str]:
    """Yield the error's texts: Jira's errorMessages and errors by field, Confluence's message or list of errors."""
    if not isinstance(body, dict):
        return
    for name in ("message", "errorMessage", "error_description"):
        if isinstance(body.get(name), str):
            yield body[name]
    messages, errors = body.get("errorMessages"), body.get("errors")
    if isinstance(messages, list):
        yield from (text for text in messages if isinstance(text, str))
    if isinstance(errors, dict):
        yield from (f"{field}: {text}" for field, text in errors.items() if isinstance(text, str))
    if isinstance(errors, list):
        yield from (" - ".join(_parts(error)) for error in errors if isinstance(error, dict))


def _parts(error: Mapping[str, Any]) -> Iterator[str]:
    for name in ("title", "detail", "message"):
        if isinstance(error.get(name), str):
            yield error[name]
