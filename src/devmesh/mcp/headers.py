"""The request headers of Streamable HTTP: which era a message belongs to, and that they say what the body says."""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache
from typing import Any, Final

from devmesh.errors import BadRequest
from devmesh.mcp.envelope import Message
from devmesh.mcp.errors import Refused
from devmesh.mcp.protocol import (
    BATCHING,
    HEADER_MISMATCH,
    INVALID_PARAMS,
    LEGACY,
    META_CAPABILITIES,
    META_VERSION,
    MODERN,
    NAMED,
    UNSUPPORTED_VERSION,
    VERSIONS,
)

_VERSION: Final = b"mcp-protocol-version"
_METHOD: Final = b"mcp-method"
_NAME: Final = b"mcp-name"
_MODERN: Final = MODERN.encode()
_PREFIX: Final = b"=?base64?"
_SUFFIX: Final = b"?="
_BLANKS: Final = b" \t"


class NotAcceptable(BadRequest):
    """The client takes no JSON."""

    status = 406
    code = "not_acceptable"
    error = "Not Acceptable"
    hint = "Send 'Accept: application/json, text/event-stream', or leave the header out."


@lru_cache(maxsize=64)
def check_accept(accept: bytes) -> None:
    """Return unless the value of `Accept` excludes JSON (RFC 9110, section 12.5.1): then raise NotAcceptable."""
    if not accept.strip():
        return
    best = (0, 0.0)
    for item in accept.lower().split(b","):
        name, *parameters = (part.strip() for part in item.split(b";"))
        precedence = {b"application/json": 3, b"application/*": 2, b"*/*": 1}.get(name, 0)
        best = max(best, (precedence, _quality(parameters)))
    if not all(best):
        raise NotAcceptable


def _quality(parameters: list[bytes]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition(b"=")
        if name.strip() == b"q":
            try:
                return float(value)
            except ValueError:
                return 1.0
    return 1.0


def is_modern(fields: dict[bytes, bytes], message: Message) -> bool:
    """Return whether the message is of the era without handshake: its header or its `_meta` says so."""
    if fields.get(_VERSION, b"").strip(_BLANKS) == _MODERN:
        return True
    meta = message.params.get("_meta")
    return type(meta) is dict and META_VERSION in meta


def legacy_version(fields: dict[bytes, bytes]) -> str:
    """Return the handshake-era version that the header names, the oldest without one; raise Refused for any other."""
    value = fields.get(_VERSION)
    if value is None:
        return BATCHING
    version = value.strip(_BLANKS).decode("latin-1")
    if version not in LEGACY:
        raise _unsupported(version)
    return version


def check_modern(fields: dict[bytes, bytes], message: Message) -> None:
    """Return if `_meta` is complete and the headers repeat the body, in a version that we speak; else raise Refused."""
    version = fields.get(_VERSION, b"").strip(_BLANKS)
    if message.request_id is not None:
        meta = message.params.get("_meta")
        if type(meta) is not dict or META_VERSION not in meta or type(meta.get(META_CAPABILITIES)) is not dict:
            needed = f"{META_VERSION!r} and the object {META_CAPABILITIES!r}"
            raise Refused(INVALID_PARAMS, f"params._meta must be an object with {needed}.")
        if not _repeats(fields.get(_VERSION), meta[META_VERSION]):
            raise _mismatch(fields, _VERSION, "MCP-Protocol-Version")
        if not _repeats(fields.get(_METHOD), message.method):
            raise _mismatch(fields, _METHOD, "Mcp-Method")
        if message.method in NAMED:
            _check_name(fields, message)
    if version != _MODERN:
        raise _unsupported(version.decode("latin-1"))


def _check_name(fields: dict[bytes, bytes], message: Message) -> None:
    member = NAMED[message.method]
    value = message.params.get(member)
    if type(value) is not str:
        raise Refused(INVALID_PARAMS, f"params.{member} must be a string.")
    if not _repeats(decoded(fields.get(_NAME)), value):
        raise _mismatch(fields, _NAME, "Mcp-Name")


def decoded(value: bytes | None) -> bytes | None:
    """Return the header's value, out of its `=?base64?…?=` wrapping if it has one; None if that is malformed."""
    if value is None or _PREFIX not in value:
        return value
    inner = value.strip(_BLANKS)
    if not (inner.startswith(_PREFIX) and inner.endswith(_SUFFIX) and len(inner) >= len(_PREFIX) + len(_SUFFIX)):
        return value
    wrapped = inner[len(_PREFIX) : -len(_SUFFIX)]
    try:
        plain = base64.b64decode(wrapped, validate=True)
    except binascii.Error:
        return None
    return plain if base64.b64encode(plain) == wrapped else None


def _repeats(value: bytes | None, body: Any) -> bool:
    """Return whether the header says what the body says; blanks around it are none of it (RFC 9110, section 5.5)."""
    if value is None or type(body) is not str:
        return False
    said = body.encode()
    return value == said or value.strip(_BLANKS) == said


def _mismatch(fields: dict[bytes, bytes], header: bytes, name: str) -> Refused:
    fault = "does not say what the body says" if header in fields else "is missing"
    return Refused(HEADER_MISMATCH, f"Header mismatch: the header {name} {fault}.")


def _unsupported(version: str) -> Refused:
    return Refused(
        UNSUPPORTED_VERSION,
        "Unsupported protocol version.",
        data={"supported": list(VERSIONS), "requested": version[:64]},
    )
