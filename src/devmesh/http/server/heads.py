"""A request's head as ASGI's scope; what llhttp lets through and HTTP does not is refused here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

from httptools import HttpParserInvalidURLError, parse_url

from devmesh.errors import BadRequest
from devmesh.http.problem import Header, Scope

_VERSIONS = frozenset({"1.1", "1.0"})
_ONE_OF_EACH = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})
# As numbers: to look for bytes in bytes, Python first makes an error of their being no number.
_PERCENT, _HASH = b"%#"
_SCHEMES = frozenset({b"http", b"https"})

# What a request brings to its connection's scope, before it has brought it: a copy with room for all need not grow.
UNREAD: Mapping[str, Any] = dict.fromkeys(("http_version", "method", "path", "raw_path", "query_string", "headers"))


def scope_of(
    base: Mapping[str, Any], version: str, method: str, target: bytes, headers: list[Header], fields: dict[bytes, bytes]
) -> Scope:
    """Return the scope of a request on the connection that `base` describes; `fields` are the headers by name.

    Raises BadRequest for what is no request, or one whose end two readers could see in two places.
    """
    if version not in _VERSIONS:
        raise BadRequest(f"HTTP/{version} is not spoken here; HTTP/1.1 is.")
    if len(fields) != len(headers):
        _refuse_repeated(headers)
    coding = fields.get(b"transfer-encoding")
    if coding is not None and (coding.lower() != b"chunked" or version == "1.0" or b"content-length" in fields):
        raise BadRequest("The request's Transfer-Encoding is not 'chunked' alone.")
    if not target.startswith(b"/"):
        target = _origin_form(target, method, headers, fields)
    raw_path, _, query = target.partition(b"?")
    path = unquote_to_bytes(raw_path).decode("utf-8", "replace") if _PERCENT in raw_path else raw_path.decode("ascii")
    if _HASH in target:
        raise BadRequest("The request's target holds a fragment.")
    scope: Scope = {**base}
    scope["http_version"] = version
    scope["method"] = method
    scope["path"] = path
    scope["raw_path"] = raw_path
    scope["query_string"] = query
    scope["headers"] = headers
    return scope


def _refuse_repeated(headers: list[Header]) -> None:
    seen = set()
    for name, _ in headers:
        if name in seen and name in _ONE_OF_EACH:
            raise BadRequest(f"The header {name.decode()} stands twice.")
        seen.add(name)


def _origin_form(target: bytes, method: str, headers: list[Header], fields: dict[bytes, bytes]) -> bytes:
    """Return path and query of a whole URL; its host is the request's, whatever Host says (RFC 9112, 3.2.2)."""
    if target == b"*" and method == "OPTIONS":
        return target
    try:
        url = parse_url(target)
    except HttpParserInvalidURLError:
        raise BadRequest("The request's target cannot be read.") from None
    if url.schema is None or url.schema.lower() not in _SCHEMES or url.host is None or url.userinfo is not None:
        raise BadRequest("The request's target is neither a path nor an address of http.")
    host = b"[%b]" % url.host if b":" in url.host else url.host
    if url.port is not None:
        host += b":%d" % url.port
    headers[:] = [(b"host", host), *(header for header in headers if header[0] != b"host")]
    fields[b"host"] = host
    query = b"" if url.query is None else b"?" + url.query
    return (url.path or b"/") + query + (b"" if url.fragment is None else b"#")
