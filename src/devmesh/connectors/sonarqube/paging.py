"""SonarQube's pages: numbered, of a size, and none behind the 10,000th result.

https://next.sonarqube.com/sonarqube/web_api (parameters p and ps), and pageIndex and pageSize of its second version.
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_DEFAULT_LIMIT = 100
_WINDOW = 10_000
_NUMBER = re.compile("[1-9][0-9]{0,4}")


class CountedPaging:
    """A cursor holds the next page's number and size: pages are counted in sizes, so both belong together."""

    max_limit = 500

    def __init__(self, page: str, size: str) -> None:
        self._page = page
        self._size = size

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        page, size = (1, limit or _DEFAULT_LIMIT) if cursor is None else self._opened(cursor)
        if limit not in (None, size):
            raise Invalid([Fault("limit", f"must stay {size}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, self._page: page, self._size: size})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items, the next page's cursor, and what else the reply says, its totals too."""
        body = reply.json()
        if not isinstance(body, dict):
            return Page(body, None)
        rest = {name: value for name, value in body.items() if name != items}
        page, size, total = request.query[self._page], request.query[self._size], _total(body)
        if page * size >= total:
            return Page(body.get(items, []), None, rest)
        if (page + 1) * size > _WINDOW:
            rest["incomplete"] = (
                f"SonarQube shows the first {_WINDOW} of these {total}: narrow the search for the rest."
            )
            return Page(body.get(items, []), None, rest)
        return Page(body.get(items, []), cursor_of(page=page + 1, size=size), rest)

    def _opened(self, cursor: str) -> tuple[int, int]:
        place = place_in(cursor, {"page", "size"})
        if not (_NUMBER.fullmatch(place["page"]) and _NUMBER.fullmatch(place["size"])):
            raise strange_cursor()
        page, size = int(place["page"]), int(place["size"])
        if size > self.max_limit or page * size > _WINDOW:
            raise strange_cursor()
        return page, size


def _total(body: dict[str, Any]) -> int:
    """Return how many results there are; it stands in `paging`, in `page`, or beside the items."""
    places = (body.get("paging"), body.get("page"), body)
    totals = (place.get("total") for place in places if isinstance(place, dict))
    return next((total for total in totals if isinstance(total, int)), 0)
