"""Whether a GitLab token is good, from the reply to what `tokens.probe` asks.

https://docs.gitlab.com/api/personal_access_tokens/#self-inform and https://docs.gitlab.com/api/oauth2/
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from http import HTTPStatus
from typing import Any

from devmesh.connectors.gitlab.refusals import error_of
from devmesh.upstream.model import Identity, Reply, Verdict, bounded

# Said to an OAuth token of an unusual form, which GitLab knows or it would have said 401.
_NOT_PERSONAL = "requires token type to be a personal access token"
# Said to good tokens alone, of which it then names the scopes that they lack.
_LACKS_SCOPE = ("insufficient_scope", "insufficient_granular_scope")
# The one scope of a fine-grained token: what it may do stands elsewhere.
_GRANULAR = "granular"


def judge(reply: Reply) -> Verdict:
    """Return valid for a token that GitLab knows, invalid only where it says so, else unknown."""
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict("invalid", "GitLab does not accept the token: it is mistyped, expired or revoked.")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict("unknown", "GitLab's rate limit is used up, so it did not look at the token. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"GitLab failed with {reply.status}. Validate later.")
    return _refused(reply)


def _refused(reply: Reply) -> Verdict:
    body = error_of(reply)
    if reply.status == HTTPStatus.FORBIDDEN and body.get("error") in _LACKS_SCOPE:
        return Verdict("valid", "The token is good, but has no scope to read about itself: tools may refuse it, too.")
    if reply.status == HTTPStatus.BAD_REQUEST and _NOT_PERSONAL in str(body.get("message")):
        return Verdict("valid", "The token is good, and of a kind of which GitLab tells nothing more.")
    if reply.status == HTTPStatus.FORBIDDEN:
        return Verdict("unknown", "GitLab refused the request without saying whether the token is good.")
    strange = f"The server answered {reply.status}, not as GitLab's API does (15.5 on)"
    return Verdict("unknown", f"{strange}: check base_url, which is given without /api/v4.")


def _known(reply: Reply) -> Verdict:
    body = error_of(reply)
    for read in (_personal, _oauth, _job):
        verdict = read(body)
        if verdict is not None:
            return verdict
    return Verdict("unknown", "The server answered, but not as GitLab's API does: check base_url.")


def _personal(body: dict[str, Any]) -> Verdict | None:
    user, scopes = body.get("user_id"), _names(body.get("scopes"))
    if not isinstance(user, int) or scopes is None:
        return None
    if body.get("revoked") is True or body.get("active") is False:
        return Verdict("invalid", "GitLab says that the token is revoked or expired.")
    name = body.get("name")
    called = f" {bounded(name, 100)!r}" if isinstance(name, str) and name else ""
    granted = None if _GRANULAR in scopes else scopes
    identity = Identity(f"user {user}", granted, _end_of(body.get("expires_at")))
    return Verdict("valid", f"The token{called} belongs to user {user}.", identity)


def _oauth(body: dict[str, Any]) -> Verdict | None:
    user, scopes = body.get("resource_owner_id"), _names(body.get("scope"))
    if not isinstance(user, int) or scopes is None:
        return None
    seconds = body.get("expires_in")
    ends = datetime.now(UTC) + timedelta(seconds=max(0, min(seconds, 10**9))) if isinstance(seconds, int) else None
    return Verdict("valid", f"The OAuth token belongs to user {user}.", Identity(f"user {user}", scopes, ends))


def _job(body: dict[str, Any]) -> Verdict | None:
    user, job = body.get("user"), body.get("id")
    name = user.get("username") if isinstance(user, dict) else None
    if not isinstance(name, str) or not name or not isinstance(job, int):
        return None
    return Verdict("valid", f"The token is of the running job {job}, and ends with it.", Identity(bounded(name, 100)))


def _names(value: Any) -> tuple[str, ...] | None:
    """Return the scopes, which GitLab lists, or separates by blanks; None for anything else."""
    if isinstance(value, str):
        return tuple(value.split())
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        return None
    return tuple(value)


def _end_of(day: Any) -> datetime | None:
    """Return the moment at which a token ends: midnight UTC as that day begins."""
    try:
        return datetime.combine(date.fromisoformat(day), time(), UTC)
    except (TypeError, ValueError):
        return None
