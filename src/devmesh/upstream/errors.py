"""What can go wrong on the way to a service: each error says whether the request can have reached it."""

from __future__ import annotations

from typing import ClassVar

from devmesh.errors import BadGateway, Forbidden

SETTING = "DEVMESH_UPSTREAM_ALLOW"


class AddressRefused(Forbidden):
    """The address guard does not let this server connect there; nothing was sent."""

    code = "upstream_address_refused"
    error = "Upstream Address Refused"
    hint = f"Use the service's public https address, or ask the operator to open the address with {SETTING}."

    @classmethod
    def openable(cls, detail: str, entry: str) -> AddressRefused:
        """Return the refusal that names the entry which would open the address."""
        return cls(
            detail,
            hint=f"If the service is yours, ask the operator to add '{entry}' to {SETTING}.",
            extra={"setting": SETTING, "entry": entry},
        )


class UpstreamUnreachable(BadGateway):
    """No connection came about: the request was provably not sent."""

    code = "upstream_unreachable"
    error = "Upstream Unreachable"
    hint = "Nothing was sent. Check that the service is up and its base_url right, then try again."
    may_have_happened = False


class NameNotResolved(UpstreamUnreachable):
    """The service's host name has no address (at the moment); nothing was sent."""

    code = "upstream_name_not_resolved"
    error = "Upstream Name Not Resolved"
    hint = (
        "Nothing was sent. Check that the gateway's machine can resolve the name (proxies of the environment are not "
        "used), and the host in base_url if one was given."
    )


_MAY_HAVE_HAPPENED = "It may have happened all the same: look at the service's present state before you repeat it."
_ONLY_READ = "It was only a read: send it again."


class OutcomeUnknown(BadGateway):
    """The request was sent, or perhaps sent, and no whole answer came back."""

    code = "upstream_outcome_unknown"
    error = "Upstream Outcome Unknown"
    hint = _MAY_HAVE_HAPPENED

    def __init__(self, detail: str, *, wrote: bool) -> None:
        super().__init__(detail, hint=_MAY_HAVE_HAPPENED if wrote else _ONLY_READ)
        self.wrote = self.may_have_happened = wrote


class UpstreamTimeout(OutcomeUnknown):
    """The request was sent, or perhaps sent, and the answer did not come in time."""

    status: ClassVar[int] = 504
    error = "Upstream Timeout"


class ResponseTooLarge(BadGateway):
    """The service answered with more than is taken in; what it was asked to do is done."""

    code = "upstream_response_too_large"
    error = "Upstream Response Too Large"
    hint = "Ask for less at a time (a smaller limit or a narrower query). Do not repeat a write: it was answered."


class RedirectRefused(BadGateway):
    """The service pointed elsewhere, and the request does not follow."""

    code = "upstream_redirect_refused"
    error = "Upstream Redirect Refused"
    hint = "Name the place that the service pointed to (its base_url, or the renamed thing) and send the request anew."
