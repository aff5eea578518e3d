"""How the text of a setting becomes its value; each refusal says what is wrong and what to write instead.

No refusal repeats a value that may hold a secret.
"""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from urllib.parse import SplitResult, urlsplit

from devmesh.settings import url

Network = IPv4Network | IPv6Network

MASTER_KEY_BYTES = 32
_SHORTEST_TOKEN = 16
_HIGHEST_PORT = 65535
_SLUG = re.compile(r"[a-z0-9][a-z0-9-]{1,48}[a-z0-9]")
_PLAN = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True)
class AllowEntry:
    """An exception to the address guard, for one `organization` (its slug) or, if None, for all.

    Either a `host` (a lower-case name or an IP literal in canonical form) with its `port`,
    or a `network` with one `port` or, if None, any.
    """

    organization: str | None
    host: str | None
    port: int | None
    network: Network | None


def path(text: str) -> Path:
    """Return an absolute path, `~` expanded."""
    return Path(text).expanduser().absolute()


def file(text: str) -> Path:
    """Return the absolute path of a file that this process can read."""
    found = path(text)
    if not found.is_file():
        raise ValueError(f"there is no file {found}; correct the path.")
    if not os.access(found, os.R_OK):
        raise ValueError(f"the file {found} cannot be read; give this user the right to.")
    return found


def yes_or_no(text: str) -> bool:
    """Return whether the text is `true`; raise ValueError if it is not `false` either."""
    return choice("true", "false")(text) == "true"


def choice(*allowed: str) -> Callable[[str], str]:
    """Return a reader that takes one of `allowed` in any case."""

    def one(text: str) -> str:
        if text.lower() not in allowed:
            raise ValueError(f"'{text}' is none of {', '.join(allowed)}; choose one of them.")
        return text.lower()

    return one


def token(text: str) -> str:
    """Return a secret that is long enough not to be guessed."""
    if len(text) < _SHORTEST_TOKEN or not text.isascii() or not text.isprintable():
        raise ValueError("it needs at least 16 printable ASCII characters; make one with 'openssl rand -hex 24'.")
    return text


def plan(text: str) -> str:
    """Return the name of a plan."""
    if not _PLAN.fullmatch(text):
        raise ValueError(f"'{text}' is no plan's name; use lower-case letters, digits, - and _.")
    return text


def master_key(text: str) -> bytes:
    """Return the 32 bytes that `text` holds in base64, of either alphabet."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != MASTER_KEY_BYTES:
        raise ValueError("it is not base64 of 32 bytes; make one with 'openssl rand -base64 32'.")
    return key


def master_keys(text: str) -> tuple[bytes, ...]:
    """Return the keys that a file holds, one a line, the present one first."""
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines:
        raise ValueError("it holds no key; make one with 'openssl rand -base64 32'.")
    return tuple(master_key(line) for line in lines)


def database_url(text: str) -> str:
    """Return a PostgreSQL address that names a user, a host and a database."""
    shape = "postgresql://user:password@host:5432/database"
    if url.has_control(text):  # the parser would leave it out
        raise ValueError(f"it holds a control character; write {shape}.")
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018 - reading it checks it
    except ValueError:
        raise ValueError(f"it is no database address; write {shape}.") from None
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError(f"it does not begin with postgresql://; write {shape}.")
    if not parts.username or not parts.path.strip("/"):
        raise ValueError(f"it does not name both a user and a database; write {shape}.")
    return text


def origin(text: str) -> str:
    """Return `scheme://host[:port]` in lower case, without a trailing slash."""
    example = "write it like https://mesh.example.com"
    if url.has_control(text):  # the parser would leave it out
        raise ValueError(f"it holds a control character; {example}.")
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise ValueError(f"it is no address; {example}.") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or not _is_host(parts.hostname):
        raise ValueError(f"it is no http or https address; {example}.")
    if _beyond_origin(parts):
        raise ValueError(f"it holds more than a scheme, a host and a port; {example}.")
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{url.shown(parts.hostname)}" + ("" if port in {None, usual} else f":{port}")


def origins(text: str) -> tuple[str, ...]:
    """Return web origins; `*` is refused."""
    if "*" in _items(text):
        raise ValueError("'*' would let every web page call with a user's key; name the origins.")
    return tuple(origin(item) for item in _items(text))


def hosts(text: str) -> tuple[str, ...]:
    """Return host names in lower case, some with a port."""
    found = []
    for item in _items(text):
        name, port = _split_port(item.lower())
        if not _is_host(name):
            raise ValueError(f"'{item}' is no host; write a name like mesh.example.com, without http://.")
        shown = url.shown(name)
        found.append(shown if port is None else f"{shown}:{port}")
    return tuple(found)


def networks(text: str) -> tuple[Network, ...]:
    """Return networks; a bare address is the network of it alone."""
    return tuple(_network(item) for item in _items(text))


def address(text: str) -> tuple[str, int]:
    """Return host and port; `:9090` is that port on loopback."""
    host, port = _split_port(text.lower())
    if port is None or (host and not _is_host(host)):
        raise ValueError(f"'{text}' is no host:port; write it like 127.0.0.1:9090.")
    return host or "127.0.0.1", port


def allow_entries(text: str) -> tuple[AllowEntry, ...]:
    """Return the exceptions to the address guard."""
    return tuple(_allow_entry(item) for item in _items(text))


def _allow_entry(item: str) -> AllowEntry:
    slug, bound, rest = item.rpartition("=")
    slug = slug.strip().lower()
    rest = rest.strip().lower()
    if bound and not _SLUG.fullmatch(slug):
        raise ValueError(f"'{slug}' in '{item}' is no organization's slug; write it like my-org=10.0.0.5:8080.")
    organization = slug if bound else None
    if "/" in rest:
        base, _, after = rest.partition("/")
        bits, colon, port = after.partition(":")
        network = _network(f"{base.strip('[]')}/{bits}")
        return AllowEntry(organization, None, _port(port, item) if colon else None, network)
    host, port_number = _split_port(rest)
    if url.is_ip(host) and port_number is None:
        return AllowEntry(organization, None, None, _network(host))
    if port_number is None or not _is_host(host):
        raise ValueError(f"'{item}' is neither host:port nor a CIDR; write it like 10.0.0.5:8080 or 10.0.0.0/8.")
    canonical = str(ip_address(host)) if url.is_ip(host) else host.rstrip(".")
    return AllowEntry(organization, canonical, port_number, None)


def _items(text: str) -> list[str]:
    return [item.strip() for item in text.split(",") if item.strip()]


def _beyond_origin(parts: SplitResult) -> bool:
    return bool(parts.path.strip("/") or parts.query or parts.fragment or "@" in parts.netloc)


def _split_port(text: str) -> tuple[str, int | None]:
    """Split `host:port`, `[v6]:port`, `[v6]`, a bare v6 address or a bare host; the port is checked."""
    if text.startswith("["):
        host, _, after = text[1:].partition("]")
        return host, _port(after[1:], text) if after.startswith(":") else None
    if text.count(":") > 1:
        return text, None
    host, colon, port = text.partition(":")
    return host, _port(port, text) if colon else None


def _port(text: str, item: str) -> int:
    if not (text.isascii() and text.isdecimal() and 1 <= int(text) <= _HIGHEST_PORT):
        raise ValueError(f"'{item}' has no port from 1 to 65535 after the colon; correct it.")
    return int(text)


def _network(item: str) -> Network:
    try:
        return ip_network(item)
    except ValueError:
        pass
    try:
        meant = ip_network(item, strict=False)
    except ValueError:
        raise ValueError(f"'{item}' is no address and no CIDR; write it like 10.0.0.0/8.") from None
    raise ValueError(f"'{item}' has bits set beyond its prefix; write {meant}, or the address alone.")


def _is_host(text: str) -> bool:
    return url.is_ip(text) or url.HOST.fullmatch(text) is not None
