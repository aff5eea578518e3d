"""The bytes of a request (RFC 9112), written once; what no header or request line can carry is refused here."""

from __future__ import annotations

import re
from functools import lru_cache

from devmesh import __version__
from devmesh.errors import Fault, Invalid
from devmesh.upstream.message import Message
from devmesh.upstream.origin import Origin

# RFC 9110, 5.1 and 5.5: a name is a token; a value has no control character but the tab, and is one byte a character.
_TOKEN = re.compile("[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VALUE = re.compile("[\t\x20-\x7e\x80-\xff]*")
_TARGET = re.compile("/[\x21-\x7e]*")
_DEFAULTS = (("accept", "accept: */*\r\n"), ("user-agent", f"user-agent: developer-mesh/{__version__}\r\n"))
_DEFAULT_PORTS = {"http": 80, "https": 443}
# A body may be empty, and a server may insist on being told so (RFC 9110, 8.6).
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def host_of(origin: Origin) -> str:
    """Return the origin as the Host header names it: without the port that goes without saying."""
    if origin.port == _DEFAULT_PORTS[origin.scheme]:
        return f"[{origin.host}]" if ":" in origin.host else origin.host
    return origin.place


def head_of(message: Message, host: str) -> bytes:
    """Return the request line and the headers, with the empty line; raises Invalid, which repeats no value."""
    headers = {**message.credential, **message.headers}
    values = "".join(headers.values())
    # Looked at all together: where none is wrong, which is the rule, it costs what one header costs.
    if not ((values.isascii() and values.isprintable()) or _VALUE.fullmatch(values)) or not _are_tokens(tuple(headers)):
        raise Invalid([Fault("headers", "a field of the credential holds a character that no header can")])
    if not _TARGET.fullmatch(message.target):
        raise Invalid([Fault("path", "must be percent-encoded")])
    lines = [f"{message.method} {message.target} HTTP/1.1\r\nhost: {host}\r\naccept-encoding: gzip\r\n"]
    lines += [f"{name}: {value}\r\n" for name, value in headers.items()]
    lines += [line for name, line in _DEFAULTS if name not in headers]
    if message.body is not None:
        lines.append(f"content-length: {len(message.body)}\r\n")
    elif message.method in _WITH_BODY:
        lines.append("content-length: 0\r\n")
    lines.append("\r\n")
    return "".join(lines).encode("latin-1")


@lru_cache(maxsize=256)
def _are_tokens(names: tuple[str, ...]) -> bool:
    return all(map(_TOKEN.fullmatch, names))
