"""Replies as bytes: one encode for a result, none for what was encoded before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    """An HTTP reply to be sent whole; an empty body is sent without a content type."""

    status: int
    body: bytes
    headers: Sequence[Header] = ()


ACCEPTED: Final = Reply(202, b"")


class _Text(msgspec.Struct):
    text: str
    type: str = "text"


class _Result(msgspec.Struct, rename="camel", omit_defaults=True):
    content: tuple[_Text]
    structured_content: Any = msgspec.UNSET
    is_error: bool = False
    result_type: str | msgspec.UnsetType = msgspec.UNSET
    meta: Mapping[str, Any] = msgspec.field(default={}, name="_meta")


def succeed(request_id: Id, result: bytes) -> Reply:
    """Return the reply that holds `result`, which is JSON already."""
    return Reply(200, b'{"jsonrpc":"2.0","id":%b,"result":%b}' % (_encode(request_id), result))


def failure(
    status: int, request_id: Id | None, code: int, message: str, data: Any = None, headers: Sequence[Header] = ()
) -> Reply:
    """Return the reply that holds a JSON-RPC error, keys in it masked; an unknown id is null (JSON-RPC 2.0, 5)."""
    error: dict[str, Any] = {"code": code, "message": message}
    if data is not None:
        error["data"] = data
    body = b'{"jsonrpc":"2.0","id":%b,"error":%b}' % (_encode(request_id), KEY.sub(b"[key]", _encode(error)))
    return Reply(status, body, headers)


def called(result: ToolResult, *, modern: bool) -> bytes:
    """Return the tool's result in the era's form: only 2026-07-28 lets structuredContent be any JSON value."""
    structured = msgspec.UNSET if result.structured is None else result.structured
    if modern:
        meta = {**_STAMP, **result.meta} if result.meta else _STAMP
        return _encode(_Result((_Text(result.text),), structured, result.is_error, "complete", meta))
    if structured is not msgspec.UNSET:
        structured = _as_object(structured)
    return _encode(_Result((_Text(result.text),), structured, result.is_error, msgspec.UNSET, result.meta))


def _as_object(value: Any) -> msgspec.Raw:
    raw = bytes(value) if isinstance(value, msgspec.Raw) else _encode(value)
    return msgspec.Raw(raw if raw.lstrip()[:1] == b"{" else b'{"result":%b}' % raw)
