"""The client's address: the socket's, or what a proxy that we trust says of it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from functools import lru_cache

from devmesh.settings import Network

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Addresses:
    """Tells the client's address from the socket's peer and `X-Forwarded-For`."""

    def __init__(self, trusted: Sequence[Network]) -> None:
        self._trusted = tuple(trusted)
        self._is_trusted = lru_cache(maxsize=1024)(self._in_trusted)

    def of(self, peer: str, forwarded: bytes | None) -> str:
        """Return the client's address; `forwarded` counts only from a trusted peer, read from the right.

        A hop that is no address ends the reading: what stands left of it could be anybody's invention.
        """
        address = fold(peer) if ":" in peer else peer
        if forwarded is None or not self._trusted or not self._is_trusted(address):
            return address
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            found = _hop(hop.strip())
            if found is None:
                return address
            address = found
            if not self._is_trusted(address):
                return address
        return address

    def _in_trusted(self, address: str) -> bool:
        parsed = _parsed(address)
        return parsed is not None and any(parsed in network for network in self._trusted)


@lru_cache(maxsize=1024)
def fold(address: str) -> str:
    """Return the address in its one spelling, an IPv4 address mapped into IPv6 as IPv4."""
    parsed = _parsed(address)
    return address if parsed is None else str(parsed)


@lru_cache(maxsize=4096)
def network(address: str) -> str:
    """Return an IPv6 address's /64, for whoever has one address has all of them; any other address as it is."""
    if ":" not in address:
        return address
    try:
        return str(ipaddress.IPv6Network((address.partition("%")[0], 64), strict=False))
    except ValueError:
        return address


def _parsed(address: str) -> Address | None:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return None
    return (parsed.ipv4_mapped or parsed) if isinstance(parsed, ipaddress.IPv6Address) else parsed


def _hop(text: str) -> str | None:
    """Return the address of one hop, which may be written with a port; None if it is none."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    parsed = _parsed(text)
    return None if parsed is None else str(parsed)
