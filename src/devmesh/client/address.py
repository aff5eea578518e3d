"""A server's address, as a person writes it."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import SplitResult, urlsplit

from devmesh.client.failure import Exit, Failed

DEFAULT_URL = "http://localhost:8081"
_SECURE = "https"
_PORTS = {"http": 80, _SECURE: 443}


@dataclass(frozen=True, slots=True)
class Address:
    """Where a server is: its scheme (http or https), host and port."""

    scheme: str
    host: str
    port: int

    @classmethod
    def of(cls, url: str, *, insecure: bool = False) -> Address:
        """Return the address in `url`; raise Failed for what is none, and for one that secrets would be read on.

        Without encryption only this machine's own addresses are taken, unless `insecure` says to trust the way there.
        """
        address = _read(url.strip())
        if address.scheme != _SECURE and not insecure and not is_loopback(address.host):
            raise Failed(
                f"Nothing is sent to {address.host} unencrypted: anybody on the way could read it.",
                "Write https://, or add --insecure where you trust the whole way there.",
                Exit.USAGE,
            )
        return address

    @property
    def secure(self) -> bool:
        """Whether it is reached over TLS."""
        return self.scheme == _SECURE

    @property
    def url(self) -> str:
        """The address as one writes it; two that name the same server alike are equal."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")


def is_loopback(host: str) -> bool:
    """Return whether nothing that is sent to `host` leaves this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _read(url: str) -> Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise _strange("The server's address cannot be read.") from None
    if "@" in parts.netloc:
        # Not repeated: there is a password in it.
        raise _strange("A server's address holds no name and no password.")
    host = parts.hostname or ""
    if parts.scheme not in _PORTS or not host or not host.isascii() or not host.isprintable() or " " in host:
        raise _strange("That is no server's address.")
    if not _is_root(parts):
        raise _strange(f"A server's address ends with its host and port: {parts.scheme}://{parts.netloc}")
    return Address(parts.scheme, host, _PORTS[parts.scheme] if port is None else port)


def _is_root(parts: SplitResult) -> bool:
    return parts.path in ("", "/") and not parts.query and not parts.fragment


def _strange(what: str) -> Failed:
    return Failed(what, f"Write one like {DEFAULT_URL} with --url, or in DEVMESH_URL.", Exit.USAGE)
