"""Whether a Bitbucket credential is good, from the reply to `GET /2.0/user`."""

from __future__ import annotations

from http import HTTPStatus

from devmesh.connectors.bitbucket.refusals import (
    DATA_CENTER,
    TOKEN_PAGE,
    is_cloud,
    is_data_center,
    lacks_scope,
    scopes_in,
)
from devmesh.upstream.model import Identity, Reply, Verdict, bounded

_REFUSED = "Bitbucket does not accept the credential: it is mistyped, expired or revoked."
# https://www.atlassian.com/blog/bitbucket/bitbucket-cloud-transitions-to-api-tokens-enhancing-security-with-app-password-deprecation
_ENDED = (
    "App passwords were removed on 2026-07-28: make an API token with scopes for Bitbucket at "
    f"{TOKEN_PAGE}, and store it as `email` (the account's address) and `api_token`."
)


def judge(reply: Reply) -> Verdict:
    """Return valid for a credential that Bitbucket knows, invalid only where it says so, else unknown."""
    if is_data_center(reply):
        return Verdict("unknown", f"{DATA_CENTER}.")
    if reply.status == HTTPStatus.OK:
        return _known(reply)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        return Verdict("invalid", f"{_REFUSED} {_ENDED}" if is_cloud(reply) else _REFUSED)
    if lacks_scope(reply):
        return _unnamed(reply)
    return Verdict("unknown", _unclear(reply))


def _unclear(reply: Reply) -> str:
    status = reply.status
    if status == HTTPStatus.FORBIDDEN:
        return "Bitbucket refused the request without saying whether the credential is good."
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return "Bitbucket's rate limit is used up, so it did not look at the credential. Validate later."
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"Bitbucket failed with {status}. Validate later."
    strange = f"The server answered {status}, not as Bitbucket Cloud does: check base_url, which is given without /2.0."
    return strange if is_cloud(reply) else f"{strange} {DATA_CENTER}."


def _known(reply: Reply) -> Verdict:
    user = reply.json()
    names = [user.get(name) for name in ("username", "nickname", "account_id")] if isinstance(user, dict) else []
    account = next((name for name in names if isinstance(name, str) and name), None)
    if account is None or not isinstance(user.get("uuid"), str):
        strange = "The server answered, but not as Bitbucket Cloud does: check base_url."
        return Verdict("unknown", strange if is_cloud(reply) else f"{strange} {DATA_CENTER}.")
    account = bounded(account, 100)
    return Verdict("valid", f"The credential belongs to {account}.", Identity(account, _scopes(reply)))


def _unnamed(reply: Reply) -> Verdict:
    """Return that the credential is good; a repository's, project's or workspace's token belongs to no person."""
    held = scopes_in(reply, "granted") or _scopes(reply)
    needed = ", ".join(scopes_in(reply, "required")) or "account"
    reason = f"The credential is good, but may not read whose it is: that takes the scope {bounded(needed, 150)}."
    return Verdict("valid", reason, Identity("not told", held))


def _scopes(reply: Reply) -> tuple[str, ...] | None:
    """Return the scopes that Bitbucket names beside each reply to a token; None where it does not."""
    value = reply.headers.get("x-oauth-scopes")
    if value is None:
        return None
    return tuple(scope for part in value.split(",") if (scope := part.strip()))
