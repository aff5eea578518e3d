"""What the addresses of servers in settings have in common: scheme://user:password@host:port, and a secret in it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from ipaddress import ip_address
from urllib.parse import SplitResult, unquote, urlsplit

ENCODE = "write / as %2F, # as %23 and ? as %3F in a password"
HOST = re.compile(r"(?=.{1,253}\Z)[a-z0-9]([a-z0-9_-]{0,62})(\.[a-z0-9_]([a-z0-9_-]{0,62}))*\.?")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def split(text: str, schemes: Collection[str], shape: str) -> SplitResult:
    """Return the address's parts; raise ValueError, with no secret, unless it is one of those schemes with a port."""
    if has_control(text):
        raise ValueError(f"it holds a control character; {shape}.")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise ValueError(f"it is no address, or has no port from 1 to 65535; {ENCODE}; {shape}.") from None
    if parts.scheme not in schemes:
        raise ValueError(f"it begins with neither {' nor '.join(f'{scheme}://' for scheme in schemes)}; {shape}.")
    return parts


def problems(parts: SplitResult, example: str, hosts: re.Pattern[str] = HOST) -> Iterator[str]:
    """Yield what is wrong with the host, of which `example` is a right one, and the port."""
    host = parts.hostname or ""
    if not hosts.fullmatch(host) and not is_ip(host):
        yield f"it names no host, like {example}"
    if parts.port == 0:
        yield "it has no port from 1 to 65535"


def login(parts: SplitResult) -> tuple[str | None, str | None]:
    """Return user and password as they are meant; None for what is not there."""
    return (
        unquote(parts.username) if parts.username else None,
        unquote(parts.password) if parts.password else None,
    )


def shown(host: str) -> str:
    """Return the host as it stands in an address."""
    return f"[{host}]" if ":" in host else host


def has_control(text: str) -> bool:
    """Return whether the text holds a control character, or what some readers take for the end of a line."""
    return _CONTROL.search(text) is not None


def is_ip(host: str) -> bool:
    """Return whether the host is an address, not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
