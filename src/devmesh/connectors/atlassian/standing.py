"""Whether a credential of one of Atlassian's products is good, from the reply to the read of its own profile."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from devmesh.connectors.atlassian.refusals import Explain, anonymous, lacks_scope
from devmesh.upstream.model import Identity, Reply, Verdict

# What the products call an account, the best name first: in the cloud accounts have ids, in Data Center names.
_NAMES = ("emailAddress", "email", "displayName", "publicName", "name", "username", "accountId")


def judge(explain: Explain, reply: Reply, account: Callable[[dict[str, object]], bool]) -> Verdict:
    """Return valid for a credential whose profile names an `account`, invalid only where the product says so."""
    product = explain.product
    if lacks_scope(reply):
        return Verdict("valid", "The token is good, but its scopes do not include reading the profile.")
    if reply.status == HTTPStatus.UNAUTHORIZED or anonymous(reply):
        return Verdict("invalid", explain.refused(reply))
    if reply.status == HTTPStatus.OK:
        profile = reply.json()
        if isinstance(profile, dict) and account(profile):
            return _belongs(product, profile)
    return Verdict("unknown", _unclear(product, reply))


def _belongs(product: str, profile: dict[str, object]) -> Verdict:
    shown = next(name for key in _NAMES if isinstance(name := profile.get(key), str) and name)
    reason = f"The credential belongs to {shown}."
    if "accountId" not in profile:
        reason += f" It is one of {product} Data Center: a tool that needs the cloud says what to call instead."
    return Verdict("valid", reason, Identity(shown))


def _unclear(product: str, reply: Reply) -> str:
    if reply.status == HTTPStatus.FORBIDDEN:
        return f"{product} refused without saying whether the token is good: log in there with a browser once."
    if reply.status == HTTPStatus.TOO_MANY_REQUESTS:
        return f"{product}'s rate limit is used up, so it did not look at the token. Validate later."
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return f"{product} failed with {reply.status}. Validate later."
    strange = f"The server answered {reply.status}, but not as {product}'s API does: check base_url."
    if reply.host.endswith((".atlassian.net", "api.atlassian.com")):
        return strange
    return f"{strange} Of {product} Data Center only a personal access token is taken, as `token` without email."
