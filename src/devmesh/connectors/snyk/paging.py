"""Snyk's pages: REST names the next by a link, v1 counts them.

https://docs.snyk.io/snyk-api/rest-api/about-the-rest-api#pagination
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_DEFAULT_LIMIT = 20
# What belongs to the document and not to the list.
_ENVELOPE = ("jsonapi", "links")


class LinkPaging:
    """`links.next` is an address, of which a cursor holds the place alone, never the rest.

    `size` and `place` are the parameters' names. Most lists take sizes in tens only: others are rounded up to the
    next ten. `within` is the member that holds the items' list, where that is not the document itself.
    """

    def __init__(
        self, place: str = "starting_after", size: str = "limit", *, step: int = 10, most: int = 100, within: str = ""
    ) -> None:
        self.max_limit = most
        self._place, self._size, self._step, self._within = place, size, step, within

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that no page gave."""
        place = {} if cursor is None else place_in(cursor, {self._place})
        if self._place == "offset" and not re.fullmatch("[0-9]{1,9}", place.get("offset", "0")):
            raise strange_cursor()
        size = -(-(limit or _DEFAULT_LIMIT) // self._step) * self._step
        return structs.replace(request, query={**request.query, self._size: size, **place})

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items, the cursor of the page that the link names, and what else the document says."""
        body = reply.json()
        if not isinstance(body, dict):
            return Page(body, None)
        holder = body.get(self._within) if self._within else body
        found = holder.get(items, []) if isinstance(holder, dict) else []
        rest = {name: value for name, value in body.items() if name not in (*_ENVELOPE, items, self._within)}
        return Page(found, self._next(body.get("links")), rest)

    def _next(self, links: Any) -> str | None:
        link = links.get("next") if isinstance(links, dict) else None
        link = link.get("href") if isinstance(link, dict) else link
        if not isinstance(link, str):
            return None
        try:
            values = parse_qs(urlsplit(link).query).get(self._place)
        except ValueError:  # no address: whatever answers is not Snyk
            return None
        return cursor_of(**{self._place: values[0]}) if values else None


class NumberPaging:
    """`page` and `perPage` of v1; the reply says how many items there are in all.

    A cursor holds the size too, for pages are counted in sizes.
    """

    max_limit = 1000

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        place = {"page": "1", "perPage": str(limit or _DEFAULT_LIMIT)} if cursor is None else _opened(cursor)
        if limit is not None and place["perPage"] != str(limit):
            raise Invalid([Fault("limit", f"must stay {place['perPage']}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items, the cursor of the next page if there is one, and how many items there are in all."""
        body = reply.json()
        if not isinstance(body, dict):
            return Page(body, None)
        page, size = int(request.query["page"]), int(request.query["perPage"])
        total = body.get("total")
        more = isinstance(total, int) and page * size < total
        rest = {name: value for name, value in body.items() if name != items}
        return Page(body.get(items, []), cursor_of(page=page + 1, perPage=size) if more else None, rest)


def _opened(cursor: str) -> dict[str, str]:
    place = place_in(cursor, {"page", "perPage"})
    if not re.fullmatch("[1-9][0-9]{0,2}|1000", place["perPage"]) or not re.fullmatch("[1-9][0-9]{0,6}", place["page"]):
        raise strange_cursor()
    return place
