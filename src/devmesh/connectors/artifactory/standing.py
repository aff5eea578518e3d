"""Whether Artifactory takes the credential: a token tells of itself, an API key only whether it is taken."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Identity, Reply, Verdict, bounded

_CHECK_URL = "check base_url: the platform's address, such as https://TENANT.jfrog.io, without /artifactory"


def judge(reply: Reply) -> Verdict:
    """Return valid for what the platform knows, invalid only where it says so, else unknown."""
    if reply.status == HTTPStatus.OK:
        return _known(reply.json())
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict(
            "invalid",
            "Artifactory does not accept the token or key: it is mistyped, expired or revoked. API keys ended with "
            "2024 and may be switched off: store an identity token as `token`.",
        )
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"Artifactory answered {reply.status}. Validate later.")
    if reply.status == HTTPStatus.FORBIDDEN:
        return Verdict("unknown", "Artifactory refused the request without saying whether the credential is good.")
    return Verdict("unknown", f"The server answered {reply.status}, not as Artifactory does: {_CHECK_URL}.")


def _known(body: Any) -> Verdict:
    told = body if isinstance(body, dict) else {}
    subject, version = told.get("subject"), told.get("version")
    if isinstance(subject, str) and subject and "token_id" in told:
        account = _account(subject)
        return Verdict("valid", f"The token belongs to {bounded(account, 100)}.", _identity(account, told))
    if isinstance(version, str) and version and ("revision" in told or "addons" in told):
        return Verdict(
            "valid",
            "Artifactory accepts the key, but does not say whose it is. API keys ended with 2024: change to a token.",
        )
    return Verdict("unknown", f"The server answered, but not as Artifactory does: {_CHECK_URL}.")


def _account(subject: str) -> str:
    """Return the user of a subject such as `jfac@01c5…/users/ada`, or all of another one."""
    _, _, user = subject.partition("/users/")
    return user or subject


def _identity(account: str, told: Mapping[str, Any]) -> Identity:
    scope, expiry = told.get("scope"), told.get("expiry")
    scopes = tuple(scope.split()) if isinstance(scope, str) else None
    return Identity(account, scopes, _moment(expiry) if isinstance(expiry, int) else None)


def _moment(seconds: int) -> datetime | None:
    """Return the time; None for 0, which stands for never, and for what is no time."""
    try:
        return datetime.fromtimestamp(seconds, UTC) if seconds > 0 else None
    except (ValueError, OverflowError, OSError):
        return None
