"""Whether SonarQube knows the token, from the reply to `GET /api/users/current`, which answers nobody too."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from devmesh.upstream.model import Identity, Reply, Verdict, bounded

_EXPIRY = "sonarqube-authentication-token-expiration"


def judge(reply: Reply) -> Verdict:
    """Return valid only for a user who is logged in, with the token's end; SonarQube's tokens have no scopes."""
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict("invalid", "SonarQube does not accept the token: it is mistyped, expired or revoked.")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS or reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"SonarQube answered {reply.status}. Validate later.")
    return Verdict(
        "unknown", f"The server answered {reply.status}, not as SonarQube does: check base_url and its context path."
    )


def _known(reply: Reply) -> Verdict:
    user = reply.json()
    logged_in = user.get("isLoggedIn") if isinstance(user, dict) else None
    if logged_in is False:
        return Verdict(
            "invalid",
            "SonarQube sees nobody behind the request: it does not take the token. A server before 10.0 takes it only "
            'with "scheme": "basic".',
        )
    login = user.get("login") if isinstance(user, dict) else None
    if logged_in is not True or not isinstance(login, str) or not login:
        return Verdict(
            "unknown", "The server answered, but not as SonarQube does: check base_url and its context path."
        )
    return Verdict("valid", f"The token belongs to {bounded(login, 100)}.", Identity(login, None, _expiry(reply)))


def _expiry(reply: Reply) -> datetime | None:
    """Return when the token ends, which servers from 9.6 on tell in a header; None where it never does."""
    try:
        return datetime.strptime(reply.headers.get(_EXPIRY, ""), "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None
