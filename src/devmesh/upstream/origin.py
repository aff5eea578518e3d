"""Where a request goes: a base URL read once by the parser that also connects, and the URLs built on it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, NamedTuple
from urllib.parse import quote

from pyreqwest.http import Url

from devmesh.errors import Fault, Invalid
from devmesh.upstream.addresses import Address

_UNRESERVED = re.compile("[A-Za-z0-9._~-]*")  # RFC 3986, 2.3
# RFC 3986, 3.3: what a path consists of; every parser leaves it as it is unless a segment is `.` or `..`.
_PATH = re.compile("(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]++|%[0-9A-Fa-f]{2})++")
_DOTTED = re.compile("/(?:[.]|%2[Ee]){1,2}(?:/|$)")
_PORTS = {"http": 80, "https": 443}
_LONGEST_NAME = 253
_LONGEST_LABEL = 63
_LONGEST_URL = 8000
_LONGEST_BASE = 2000


class Origin(NamedTuple):
    """Scheme, host and port; the host is in lower case, without trailing dots, an IPv6 literal without brackets."""

    scheme: str
    host: str
    port: int

    @property
    def address(self) -> Address | None:
        """The address if the host is an IP literal, else None."""
        try:
            return ip_address(self.host)
        except ValueError:
            return None

    @property
    def place(self) -> str:
        """`host:port`, as an allow entry spells it."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Base:
    """A checked base URL: `text` is the origin in ASCII, `path` the base path without its trailing slash."""

    origin: Origin
    text: str
    path: str

    def target(self, path: str, query: Mapping[str, Any]) -> str:
        """Return `path` below this base with the query, as a request line holds it.

        Raises Invalid for a path that any parser could take for another one.
        """
        if path and path[0] != "/":
            raise Invalid([Fault("path", "must begin with '/'")])
        whole = self.path + path or "/"
        encoded = _encode(query) if query else ""
        if len(whole) + len(encoded) > _LONGEST_URL:
            raise Invalid([Fault("path", f"the address with its query must not exceed {_LONGEST_URL} characters")])
        if not _PATH.fullmatch(whole) or (("/." in whole or "/%" in whole) and _DOTTED.search(whole)):
            raise Invalid([Fault("path", "must be percent-encoded and hold no '.' or '..' segment, '?' or '#'")])
        return f"{whole}?{encoded}" if encoded else whole


@lru_cache(maxsize=1024)
def base_of(base_url: str) -> Base:
    """Return the base URL, read and checked; raises Invalid naming `base_url`."""
    if len(base_url) > _LONGEST_BASE:  # what is remembered by it is bounded in number, and so in bytes
        raise Invalid([Fault("base_url", f"must be at most {_LONGEST_BASE} characters long")])
    try:
        url = Url(base_url)
        origin, url = origin_of(url)
    except ValueError as error:
        raise Invalid([Fault("base_url", str(error))]) from None
    if url.query_string is not None or url.fragment is not None:
        raise Invalid([Fault("base_url", "must have no query and no fragment")])
    return Base(origin, url.origin_ascii, url.path.removesuffix("/"))


def origin_of(url: Url) -> tuple[Origin, Url]:
    """Return the URL's origin, and the URL with its host in the one form that is checked and connected to.

    Raises ValueError, its text fit for the user, for what is no plain http or https address.
    """
    if url.scheme not in _PORTS:
        raise ValueError("must be an https address")
    if url.username or url.password is not None:
        raise ValueError("must hold no user name or password")
    host = url.host_str or ""
    if host.endswith("."):
        # A parser may take `127.1..` for a name and what is left without the dots for an address: read it again.
        url = url.with_host(host.rstrip(".") or None)
        host = url.host_str or ""
    if not _is_host(host):
        raise ValueError("must name a host")
    port = url.port if url.port is not None else _PORTS[url.scheme]
    return Origin(url.scheme, host.lower().strip("[]"), port), url


def _is_host(host: str) -> bool:
    labels = host.split(".")
    return len(host) <= _LONGEST_NAME and all(0 < len(label) <= _LONGEST_LABEL for label in labels)


def _encode(query: Mapping[str, Any]) -> str:
    pairs: list[str] = []
    for name, value in query.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is not None:
                text = str(one).lower() if isinstance(one, bool) else str(one)
                pairs.append(f"{_escape(name)}={_escape(text)}")
    return "&".join(pairs)


def _escape(text: str) -> str:
    # Most names and values need no escape, and quote() takes five times as long to find out.
    return text if _UNRESERVED.fullmatch(text) else quote(text, safe="")
