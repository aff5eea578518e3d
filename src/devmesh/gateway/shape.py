"""From a service's reply to a result that fits an agent: JSON as text and structured, pages, chosen fields."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from devmesh.crypto.tokens import PATTERN as KEY
from devmesh.gateway.model import ToolResult, last_line
from devmesh.upstream.arguments import Paged
from devmesh.upstream.errors import OutcomeUnknown
from devmesh.upstream.model import Page, Reply, Request, Tool, bounded

# A server, or a proxy before it, that failed while it had the request: of a write nobody can say whether it happened.
_UNKNOWN = frozenset({500, 502, 503, 504})
_LOOK = OutcomeUnknown.hint
# Seconds: who is told to wait for longer is told so by a clock that is wrong, or by somebody who means harm.
_LONGEST_WAIT = 86_400.0
_REPEAT = "Its outcome is unknown. To repeat it changes nothing more: call it again."

_NO_API = (
    "A sign-in page or a proxy may stand before it: ask the person to check the credential's base_url, and to "
    "validate it (POST /api/v1/credentials/{service}/validate)."
)

_raw = msgspec.json.Decoder(msgspec.Raw)


def shape(
    tool: Tool, checked: Paged, request: Request, reply: Reply, meta: dict[str, Any], *, reads: bool
) -> ToolResult:
    """Return the result for `reply`; a refusal becomes an error result with the next step."""
    connector = tool.connector
    if connector.failed(reply):
        failure = connector.explain(reply)
        meta["code"] = "upstream_error"
        meta["upstream_status"] = reply.status
        if not reads and reply.status in _UNKNOWN:
            failure = replace(failure, next_step=_REPEAT if tool.idempotent else _LOOK)
            meta["code"] = OutcomeUnknown.code
        if failure.retry_after is not None:
            meta["retry_after"] = min(failure.retry_after, _LONGEST_WAIT)
        # A key of ours can come back only in what the vendor says of a request that held it.
        said = KEY.sub("[key]", failure.message)
        text = f"{said}\n{failure.next_step}{last_line(meta.get('retry_after'))}"
        return ToolResult(text, None, is_error=True, meta=meta)
    page = tool.page(reply, request)
    if reply.is_page and not connector.html and _expects_json(tool, page, reads=reads):
        meta["code"] = "upstream_error" if reads else OutcomeUnknown.code
        meta["upstream_status"] = reply.status
        said = f"{connector.title} answered with a web page, and not as its API does."
        return ToolResult(f"{said}\n{_NO_API.format(service=connector.name)}", None, is_error=True, meta=meta)
    if page is not None:
        items = project(page.items, checked.fields)
        return _json({**page.rest, "items": items, "next_cursor": page.next_cursor}, meta)
    if not reply.body:
        return _json({"done": True, "status": reply.status}, meta)
    if checked.fields is not None and reply.is_json:
        return _json(project(reply.json(), checked.fields), meta)
    return _whole(reply, meta)


def _expects_json(tool: Tool, page: Page | None, *, reads: bool) -> bool:
    """Return whether a web page is no answer to the call: to a download and to a read by `call_api` it may be one."""
    if not reads or page is not None:
        return True
    return tool.projects and tool.items is None and tool.safe is None


def project(value: Any, fields: list[str] | None) -> Any:
    """Return only the dotted `fields` of an object, or of each object of a list; None keeps everything."""
    if fields is None:
        return value
    if isinstance(value, list):
        return [project(item, fields) if isinstance(item, Mapping) else item for item in value]
    if not isinstance(value, Mapping):
        return value
    kept: dict[str, Any] = {}
    nested: dict[str, list[str]] = {}
    for field in fields:
        name, _, rest = field.partition(".")
        if name in value:
            if rest:
                nested.setdefault(name, []).append(rest)
            else:
                kept[name] = value[name]
    for name, inner in nested.items():
        kept.setdefault(name, project(value[name], inner))
    return kept


def _whole(reply: Reply, meta: dict[str, Any]) -> ToolResult:
    """Return the body as it came: structured too if it really is JSON, which it is not decoded for."""
    body = reply.body
    if reply.is_json:
        try:
            raw = _raw.decode(body)
            body.decode()  # a Raw's strings are not looked into
            return ToolResult(raw, raw, is_error=False, meta=meta)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            pass  # a service that mislabels its body is not the caller's fault: the text is still of use
    try:
        return ToolResult(body.decode(), None, is_error=False, meta=meta)
    except UnicodeDecodeError:
        kind = bounded(reply.headers.get("content-type", "application/octet-stream"))
        return _json({"content_type": kind, "bytes": len(body), "base64": base64.b64encode(body).decode()}, meta)


def _json(value: Any, meta: dict[str, Any]) -> ToolResult:
    raw = msgspec.Raw(msgspec.json.encode(value))
    return ToolResult(raw, raw, is_error=False, meta=meta)
