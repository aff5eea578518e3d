"""Slack's pages: by cursor, and by number where a method has no cursor (files, search).

https://docs.slack.dev/apis/web-api/pagination
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

# Slack asks for no more than 200; without a limit some methods try to give everything at once.
_DEFAULT_LIMIT = 100
_DEFAULT_COUNT = 20


class CursorPaging:
    """`cursor` and `limit`; the reply names the next cursor in `response_metadata`, empty on the last page."""

    max_limit = 999

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that no page gave."""
        place = {} if cursor is None else place_in(cursor, {"cursor"})
        return structs.replace(request, query={**request.query, "limit": limit or _DEFAULT_LIMIT, **place})

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items, the cursor of the next page, and what else Slack says of the list."""
        body = reply.json()
        metadata = body.get("response_metadata")
        following = metadata.get("next_cursor") if isinstance(metadata, dict) else None
        cursor = cursor_of(cursor=following) if isinstance(following, str) and following else None
        rest = {name: value for name, value in body.items() if name not in (items, "ok", "response_metadata")}
        return Page(body.get(items, []), cursor, rest)


class PagePaging:
    """`page` and `count`; the reply tells in `paging` how many pages there are.

    A cursor holds the size too, for Slack counts pages in sizes. `within` is the member that holds items and
    paging, where that is not the reply itself.
    """

    max_limit = 100

    def __init__(self, within: str = "") -> None:
        self._within = within

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        place = {"count": str(limit or _DEFAULT_COUNT), "page": "1"} if cursor is None else _opened(cursor)
        if limit is not None and place["count"] != str(limit):
            raise Invalid([Fault("limit", f"must stay {place['count']}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items, the cursor of the next page if there is one, and how many items there are in all."""
        body = reply.json()
        found = body.get(self._within) if self._within else body
        found = found if isinstance(found, dict) else {}
        paging = found.get("paging")
        paging = paging if isinstance(paging, dict) else {}
        return Page(found.get(items, []), _next(paging, request), {"total": paging.get("total")})


def _next(paging: dict[str, Any], request: Request) -> str | None:
    pages, page = paging.get("pages"), int(request.query["page"])
    if not isinstance(pages, int) or page >= pages:
        return None
    return cursor_of(count=request.query["count"], page=page + 1)


def _opened(cursor: str) -> dict[str, str]:
    place = place_in(cursor, {"count", "page"})
    if not re.fullmatch("[1-9][0-9]?|100", place["count"]) or not re.fullmatch("[1-9][0-9]{0,5}", place["page"]):
        raise strange_cursor()
    return place
