"""Replies as bytes: one encode for a result, none for what was encoded before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec

from devmesh.gateway.model import ToolResult
from devmesh.http.problem import KEY, Header
from devmesh.mcp.protocol import META_SERVER, SERVER_INFO

Id = int | str

_encode: Final = msgspec.json.Encoder().encode
_SERVER: Final = msgspec.Raw(_encode(SERVER_INFO))
_STAMP: Final[dict[str, Any]] = {META_SERVER: _SERVER}


class Reply(NamedTuple):
    """An HTTP reply to be sent whole, its body in pieces: a result may be long, and nobody has to put it together.

    An empty body is sent without a content type.
    """

    status: int
    body: Sequence[bytes]
    headers: Sequence[Header] = ()


ACCEPTED: Final = Reply(202, ())


def succeed(request_id: Id, *result: bytes) -> Reply:
    """Return the reply that holds the result, which is JSON already, in one piece or in several."""
    return Reply(200, (b'{"jsonrpc":"2.0","id":%b,"result":' % _encode(request_id), *result, b"}"))


def failure(
    status: int, request_id: Id | None, code: int, message: str, data: Any = None, headers: Sequence[Header] = ()
) -> Reply:
    """Return the reply that holds a JSON-RPC error, keys in it masked; an unknown id is null (JSON-RPC 2.0, 5)."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    body = b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_encode(request_id), KEY.sub(b"[key]", _encode(error)))
    return Reply(status, (body,), headers)


def called(result: ToolResult, *, modern: bool) -> list[bytes]:
    """Return, in pieces, the tool's result in the era's form: only 2026-07-28 lets structuredContent be any JSON."""
    text, structured, meta = result.text, result.structured, result.meta
    raw = b""
    if isinstance(text, str):
        parts = [b'{"content":[{"text":', _encode(text), b',"type":"text"}]']
    else:
        raw = bytes(text)
        parts = [b'{"content":[{"text":"', _escaped(raw), b'","type":"text"}]']
    if structured is not None:
        raw = raw if raw and structured is text else _as_raw(structured)
        parts += (b',"structuredContent":', raw if modern else _as_object(raw))
    if result.is_error:
        parts.append(b',"isError":true')
    if modern:
        parts.append(b',"resultType":"complete"')
        meta = {**_STAMP, **meta} if meta else _STAMP
    if meta:
        parts += (b',"_meta":', _encode(meta))
    parts.append(b"}")
    return parts


def _escaped(json: bytes) -> bytes:
    """Return JSON as what stands in a JSON string.

    It needs no other escapes: within strings JSON has no control characters, between them three of the four blanks.
    """
    text = json.replace(b"\\", b"\\\\").replace(b'"', b'\\"')
    return text.replace(b"\n", b"\\n").replace(b"\r", b"\\r").replace(b"\t", b"\\t")


def _as_raw(value: Any) -> bytes:
    return bytes(value) if type(value) is msgspec.Raw else _encode(value)


def _as_object(raw: bytes) -> bytes:
    return raw if raw[:1] == b"{" or raw.lstrip()[:1] == b"{" else b'{"result":%b}' % raw
