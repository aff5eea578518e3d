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
    if fields.get(b"mcp-protocol-version", b"").strip(_BLANKS) == MODERN.encode():
        return True
    meta = message.params.get("_meta")
    return isinstance(meta, dict) and META_VERSION in meta


def legacy_version(fields: dict[bytes, bytes]) -> str:
    """Return the handshake-era version that the header names, the oldest without one; raise Refused for any other."""
    value = fields.get(b"mcp-protocol-version")
    if value is None:
        return BATCHING
    version = value.strip(_BLANKS).decode("latin-1")
    if version not in LEGACY:
        raise _unsupported(version)
    return version


def check_modern(fields: dict[bytes, bytes], message: Message) -> None:
    """Return if `_meta` is complete and the headers repeat the body, in a version that we speak; else raise Refused."""
    version = fields.get(b"mcp-protocol-version", b"").strip(_BLANKS)
    if message.request_id is None:
        if version != MODERN.encode():
            raise _unsupported(version.decode("latin-1"))
        return
    meta = message.params.get("_meta")
    if not isinstance(meta, dict) or META_VERSION not in meta or not isinstance(meta.get(META_CAPABILITIES), dict):
        raise Refused(
            INVALID_PARAMS,
            f"params._meta must be an object with {META_VERSION!r} and the object {META_CAPABILITIES!r}.",
        )
    _check_mirror(fields, "MCP-Protocol-Version", version, meta[META_VERSION])
    _check_mirror(fields, "Mcp-Method", fields.get(b"mcp-method", b"").strip(_BLANKS), message.method)
    if message.method in NAMED:
        member = NAMED[message.method]
        value = message.params.get(member)
        if not isinstance(value, str):
            raise Refused(INVALID_PARAMS, f"params.{member} must be a string.")
        _check_mirror(fields, "Mcp-Name", decoded(fields.get(b"mcp-name", b"").strip(_BLANKS)), value)
    if version != MODERN.encode():
        raise _unsupported(version.decode("latin-1"))


def decoded(value: bytes) -> bytes | None:
    """Return the header's value, out of its `=?base64?…?=` wrapping if it has one; None if that is malformed."""
    if not (value.startswith(_PREFIX) and value.endswith(_SUFFIX) and len(value) >= len(_PREFIX) + len(_SUFFIX)):
        return value
    wrapped = value[len(_PREFIX) : -len(_SUFFIX)]
    try:
        plain = base64.b64decode(wrapped, validate=True)
    except binascii.Error:
        return None
    return plain if base64.b64encode(plain) == wrapped else None


def _check_mirror(fields: dict[bytes, bytes], name: str, value: bytes | None, body: Any) -> None:
    if value is not None and isinstance(body, str) and value == body.encode() and name.lower().encode() in fields:
        return
    if name.lower().encode() not in fields:
        raise Refused(HEADER_MISMATCH, f"Header mismatch: the header {name} is missing.")
    raise Refused(HEADER_MISMATCH, f"Header mismatch: the header {name} does not say what the body says.")


def _unsupported(version: str) -> Refused:
    return Refused(
        UNSUPPORTED_VERSION,
        "Unsupported protocol version.",
        data={"supported": list(VERSIONS), "requested": version[:64]},
    )
