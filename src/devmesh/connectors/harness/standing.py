"""Whether a Harness token is good, from the reply to the read of its user, or of its account."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from devmesh.connectors.harness.refusals import error_code
from devmesh.upstream.model import Identity, Reply, Verdict

# Harness says these with 400 as well as with 401.
_INVALID = frozenset({"EXPIRED_TOKEN", "INVALID_TOKEN", "INVALID_CREDENTIAL", "UNAUTHORIZED"})
_EXPIRED = "The token has expired."
_REFUSED = "Harness does not accept the token: it is mistyped, revoked, or of another Harness."


def judge(reply: Reply) -> Verdict:
    """Return valid for a token that Harness knows, invalid only where it says so, else unknown."""
    code = error_code(reply)
    if reply.status == HTTPStatus.OK:
        return _known(reply.json())
    if reply.status == HTTPStatus.UNAUTHORIZED or (reply.status == HTTPStatus.BAD_REQUEST and code in _INVALID):
        return Verdict("invalid", _EXPIRED if code == "EXPIRED_TOKEN" else _REFUSED)
    if reply.status == HTTPStatus.FORBIDDEN and code:
        return Verdict("valid", "The token is good, but may not read whom it belongs to.")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict("unknown", "Harness's rate limit is used up, so it did not look at the token. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"Harness failed with {reply.status}. Validate later.")
    return Verdict("unknown", f"The server answered {reply.status}, not as Harness's API does: check base_url.")


def _known(body: Any) -> Verdict:
    data = body.get("data") if isinstance(body, dict) and body.get("status") == "SUCCESS" else None
    if not isinstance(data, dict):
        return Verdict("unknown", "The server answered, but not as Harness's API does: check base_url.")
    if isinstance(email := data.get("email"), str) and email:
        return Verdict("valid", f"The token belongs to {email}.", Identity(email))
    name = next((data[key] for key in ("name", "identifier") if isinstance(data.get(key), str) and data[key]), None)
    if name is None:
        return Verdict("unknown", "The server answered, but not as Harness's API does: check base_url.")
    return Verdict("valid", f"The token is a service account's in the account {name}.", Identity(name))
