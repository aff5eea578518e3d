"""Harness's pages: counted from 0, under three pairs of names.

https://developer.harness.io/docs/platform/automation/api/api-quickstart
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_DEFAULT_LIMIT = 20
_TOTALS = ("totalItems", "totalElements", "itemCount")


class PagePaging:
    """`number` and `size` are the parameters' names; the reply says how many pages there are.

    A cursor holds the size too, for pages are counted in sizes.
    """

    max_limit = 100

    def __init__(self, number: str = "pageIndex", size: str = "pageSize") -> None:
        self._number, self._size = number, size

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        number, size = ("0", str(limit or _DEFAULT_LIMIT)) if cursor is None else _opened(cursor)
        if limit is not None and size != str(limit):
            raise Invalid([Fault("limit", f"must stay {size}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, self._number: number, self._size: size})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items, the cursor of the next page if there is one, and how many items there are in all."""
        body = reply.json()
        data = body.get("data") if isinstance(body, dict) else None
        page: Any = data if isinstance(data, dict) else body
        if not isinstance(page, dict):
            return Page(page, None)
        pages, number = page.get("totalPages", page.get("pageCount")), int(request.query[self._number])
        more = isinstance(pages, int) and number + 1 < pages
        cursor = cursor_of(page=number + 1, size=request.query[self._size]) if more else None
        total = next((page[name] for name in _TOTALS if name in page), None)
        return Page(page.get(items, []), cursor, {} if total is None else {"total": total})


# The names under which the services of the pipelines page, and the feature flags.
PIPELINE_PAGES = PagePaging("page", "size")
FLAG_PAGES = PagePaging("pageNumber", "pageSize")


def _opened(cursor: str) -> tuple[str, str]:
    place = place_in(cursor, {"page", "size"})
    if not re.fullmatch("[1-9][0-9]?|100", place["size"]) or not re.fullmatch("[1-9][0-9]{0,6}", place["page"]):
        raise strange_cursor()
    return place["page"], place["size"]
