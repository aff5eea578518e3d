"""Whether a GitHub token is good, from the reply to `GET /user`."""

from __future__ import annotations

from datetime import UTC, datetime
from http import HTTPStatus

from devmesh.connectors.github.refusals import is_limited, sentence
from devmesh.upstream.model import Identity, Reply, Verdict

# Said to tokens that are good and belong to no person, or may not read the profile.
_NOT_A_PERSON = "resource not accessible by"


def judge(reply: Reply) -> Verdict:
    """Return valid for a token that GitHub knows, invalid only where it says so, else unknown."""
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict("invalid", "GitHub does not accept the token: it is mistyped, expired or revoked.")
    if reply.status == HTTPStatus.FORBIDDEN and not is_limited(reply):
        return _forbidden(reply)
    if reply.status in (HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS):
        return Verdict("unknown", "GitHub's rate limit is used up, so it did not look at the token. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"GitHub failed with {reply.status}. Validate later.")
    return Verdict("unknown", f"The server answered {reply.status}, not as GitHub's API does: check base_url.")


def _known(reply: Reply) -> Verdict:
    user = reply.json()
    login = user.get("login") if isinstance(user, dict) else None
    if not isinstance(login, str) or not login:
        return Verdict("unknown", "The server answered, but not as GitHub's API does: check base_url.")
    identity = Identity(login, _scopes(reply), _expiry(reply))
    return Verdict("valid", f"The token belongs to {login}.", identity)


def _forbidden(reply: Reply) -> Verdict:
    if "x-github-sso" in reply.headers:
        return Verdict("valid", "The token is good, and still has to be authorized for the organization's SSO.")
    if _NOT_A_PERSON in sentence(reply).lower():
        return Verdict("valid", "The token is good, but not a person's (an app's), or may not read the profile.")
    return Verdict("unknown", "GitHub refused the request without saying whether the token is good.")


def _scopes(reply: Reply) -> tuple[str, ...] | None:
    """Return a classic token's scopes; None for a fine-grained one, of which GitHub does not tell."""
    value = reply.headers.get("x-oauth-scopes")
    if value is None:
        return None
    return tuple(scope for part in value.split(",") if (scope := part.strip()))


def _expiry(reply: Reply) -> datetime | None:
    """Return when the token ends: GitHub writes `2026-12-31 23:59:59 UTC` or with an offset."""
    value = reply.headers.get("github-authentication-token-expiration", "")
    for form in ("%Y-%m-%d %H:%M:%S %z", "%Y-%m-%d %H:%M:%S UTC"):
        try:
            at = datetime.strptime(value, form)  # noqa: DTZ007  the second form says UTC in words
            return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None
