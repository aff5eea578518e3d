"""Whether a Snyk token is good, from the reply to `GET /rest/self`."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from devmesh.upstream.model import Identity, Reply, Verdict

_KINDS: Mapping[str, str] = {"user": "", "service_account": "the service account ", "app_instance": "the app "}


def judge(reply: Reply) -> Verdict:
    """Return valid for a token that Snyk knows, invalid only where it says so, else unknown."""
    body = reply.json()
    own = isinstance(body, dict) and "jsonapi" in body
    if reply.status == HTTPStatus.OK:
        return _known(body)
    if reply.status == HTTPStatus.UNAUTHORIZED:
        reason = "Snyk does not accept the token: it is mistyped, revoked, or of another region (base_url)."
        return Verdict("invalid", reason)
    if reply.status == HTTPStatus.FORBIDDEN and own:
        return Verdict("valid", "The token is good, but may not read whom it belongs to; perhaps the plan has no API.")
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return Verdict("unknown", "Snyk's rate limit is used up, so it did not look at the token. Validate later.")
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return Verdict("unknown", f"Snyk failed with {reply.status}. Validate later.")
    return Verdict("unknown", f"The server answered {reply.status}, not as Snyk's API does: check base_url.")


def _known(body: Any) -> Verdict:
    data = body.get("data") if isinstance(body, dict) else None
    attributes = data.get("attributes") if isinstance(data, dict) else None
    kind = _KINDS.get(str(data.get("type"))) if isinstance(data, dict) else None
    if not isinstance(data, dict) or not isinstance(attributes, dict) or kind is None:
        return Verdict("unknown", "The server answered, but not as Snyk's API does: check base_url.")
    named = [attributes.get("username"), attributes.get("name"), data.get("id")]
    account = next((name for name in named if isinstance(name, str) and name), None)
    if account is None:
        return Verdict("unknown", "Snyk knows the token, but does not say whose it is. Validate later.")
    return Verdict("valid", f"The token belongs to {kind}{account}.", Identity(account))
