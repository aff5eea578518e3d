"""Artifactory's three ways to page: AQL's offset, Access's cursor, and the last name of a Docker registry."""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_DEFAULT_LIMIT = 100
_WINDOW = re.compile(rb"\.offset\(([0-9]+)\)\.limit\(([0-9]+)\)$")
_PRINTABLE = re.compile("[!-~]{1,500}")


class QueryPaging:
    """AQL takes the page at the end of the query's text; a page that is full may have another behind it.

    https://jfrog.com/help/r/jfrog-artifactory-documentation/limits-and-pagination
    """

    max_limit = 1000

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request with the page at the end of its query; raise Invalid for a cursor never given."""
        offset = 0 if cursor is None else _offset(cursor)
        window = f".offset({offset}).limit({limit or _DEFAULT_LIMIT})"
        return structs.replace(request, content=(request.content or b"") + window.encode())

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the rows, and the offset of those that follow."""
        body = reply.json()
        rows, rest = _parted(body, items)
        found = _WINDOW.search(request.content or b"")
        if found is None or not isinstance(rows, list) or len(rows) < int(found[2]):
            return Page(rows, None, rest)
        return Page(rows, cursor_of(offset=int(found[1]) + int(found[2])), rest)


class AccessPaging:
    """Access gives the name behind which the next page begins, as `cursor`; on the last page none."""

    max_limit = 1000

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for the page behind that name; raise Invalid for a cursor that was never given."""
        query = {**request.query, "limit": limit or _DEFAULT_LIMIT}
        if cursor is not None:
            query["cursor"] = _name(cursor)
        return structs.replace(request, query=query)

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items, and the cursor that the reply holds."""
        rows, rest = _parted(reply.json(), items)
        following = rest.pop("cursor", None)
        more = isinstance(following, str) and _PRINTABLE.fullmatch(following) and rows
        return Page(rows, cursor_of(after=following) if more else None, rest)


class RegistryPaging:
    """A Docker registry goes on behind the last name of a page that is full.

    https://distribution.github.io/distribution/spec/api/#pagination
    """

    max_limit = 1000

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for the page behind that name; raise Invalid for a cursor that was never given."""
        query = {**request.query, "n": limit or _DEFAULT_LIMIT}
        if cursor is not None:
            query["last"] = _name(cursor)
        return structs.replace(request, query=query)

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the names, and the last of them where there may be more."""
        rows, rest = _parted(reply.json(), items)
        full = isinstance(rows, list) and len(rows) >= request.query["n"] and isinstance(rows[-1], str)
        return Page(rows, cursor_of(after=rows[-1]) if full and _PRINTABLE.fullmatch(rows[-1]) else None, rest)


def _parted(body: Any, items: str) -> tuple[Any, dict[str, Any]]:
    if not isinstance(body, dict):
        return body, {}
    return body.get(items, []), {name: value for name, value in body.items() if name != items}


def _offset(cursor: str) -> int:
    offset = place_in(cursor, {"offset"})["offset"]
    if not re.fullmatch("[1-9][0-9]{0,8}", offset):
        raise strange_cursor()
    return int(offset)


def _name(cursor: str) -> str:
    name = place_in(cursor, {"after"})["after"]
    if not _PRINTABLE.fullmatch(name):
        raise strange_cursor()
    return name
