"""Which Host and which Origin are answered: the guard against rebound names and foreign pages."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import urlsplit

from devmesh.errors import Forbidden, WrongHost

_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[^\[\]:@/\\?#\s]+?)\.?(?::(?P<port>\d{1,5}))?")
_MEMORY = 512
_REQUEST_HEADERS = frozenset(
    (
        "authorization",
        "x-api-key",
        "x-tenant-id",
        "idempotency-key",
        "content-type",
        "accept",
        "if-match",
        "if-none-match",
        "last-event-id",
    )
)
_REQUEST_PREFIXES = ("mcp-", "x-service-", "x-mesh-")
_METHODS = b"GET, HEAD, POST, PUT, PATCH, DELETE"
_EXPOSED = (
    b"X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, RateLimit, RateLimit-Policy, Retry-After, "
    b"X-Request-Id, ETag, WWW-Authenticate, Idempotency-Replayed, Mcp-Session-Id"
)
_VARY = (b"vary", b"Origin")
_EXPOSE = (b"access-control-expose-headers", _EXPOSED)


class ForeignOrigin(Forbidden):
    """A web page of another origin may not call us."""

    code = "origin_not_allowed"
    error = "Origin Not Allowed"
    hint = "Add the origin to DEVMESH_ALLOWED_ORIGINS."


class Hosts:
    """The Host headers that are answered: loopback, the public URL's, and the allowed ones."""

    def __init__(self, public_url: str, allowed: Iterable[str]) -> None:
        self._names = {*allowed, _authority(public_url)[0]}
        self._known: set[bytes] = set()

    def check(self, host: bytes) -> None:
        """Return if `host` is answered; otherwise raise WrongHost, which names the setting."""
        if host in self._known:
            return
        if not self._answers(host.decode("latin-1").lower()):
            raise WrongHost("This server does not answer for the host in the Host header.")
        if len(self._known) < _MEMORY:
            self._known.add(host)

    def _answers(self, host: str) -> bool:
        match = _HOST.fullmatch(host)
        if match is None:
            return False
        name, port = match["name"], match["port"]
        return name in self._names or f"{name}:{port}" in self._names or is_loopback(name)


class Origins:
    """The web origins that may call: our own, the allowed ones, and outside production any on loopback."""

    def __init__(self, public_url: str, allowed: Iterable[str], *, loopback: bool) -> None:
        self._origins = {*allowed, public_url.lower().rstrip("/")}
        self._loopback = loopback
        self._known: dict[bytes, tuple[tuple[bytes, bytes], ...]] = {}

    def headers(self, origin: bytes) -> tuple[tuple[bytes, bytes], ...]:
        """Return the headers that let a page of `origin` read the reply; raise ForeignOrigin if it may not."""
        found = self._known.get(origin)
        if found is None:
            if not self._allows(origin.decode("latin-1").lower()):
                raise ForeignOrigin("Pages of this origin may not call this server.")
            found = ((b"access-control-allow-origin", origin), _VARY, _EXPOSE)
            if len(self._known) < _MEMORY:
                self._known[origin] = found
        return found

    def _allows(self, origin: str) -> bool:
        if origin in self._origins:
            return True
        scheme, found, authority = origin.partition("://")
        match = _HOST.fullmatch(authority) if found and scheme in ("http", "https") else None
        return self._loopback and match is not None and is_loopback(match["name"])


def preflight(requested: bytes) -> list[tuple[bytes, bytes]]:
    """Return what a preflight is told: our methods, and those of the requested headers that we read."""
    names = [name.strip() for name in requested.decode("latin-1").lower().split(",")]
    ours = [name for name in names if name in _REQUEST_HEADERS or name.startswith(_REQUEST_PREFIXES)]
    return [
        (b"access-control-allow-methods", _METHODS),
        (b"access-control-allow-headers", ", ".join(ours).encode("latin-1")),
        (b"access-control-max-age", b"600"),
    ]


def is_loopback(name: str) -> bool:
    """Return whether a Host's name is this machine in every resolver: `localhost` or a loopback literal."""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name.strip("[]")).is_loopback
    except ValueError:
        return False


def _authority(url: str) -> tuple[str, int | None]:
    parts = urlsplit(url)
    name = parts.hostname or ""
    return (f"[{name}]" if ":" in name else name), parts.port
