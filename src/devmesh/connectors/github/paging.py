"""GitHub's pages: `per_page` and `page`, or `after`, as the reply's `Link: rel="next"` says.

https://docs.github.com/rest/using-the-rest-api/using-pagination-in-the-rest-api
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_NEXT = re.compile(r'<(?P<address>[^<>]*)>\s*;\s*rel="next"')
_DEFAULT_LIMIT = 30
_POSITION = ("page", "after")


class LinkPaging:
    """A cursor holds the next page's place and size; never an address, so it cannot lead elsewhere.

    The size is in it because GitHub counts pages in sizes: page 2 of 10 after page 1 of 50 would repeat items.
    """

    max_limit = 100

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        if cursor is None:
            place = {"per_page": str(limit or _DEFAULT_LIMIT)}
        else:
            place = _opened(cursor)
            if limit is not None and place["per_page"] != str(limit):
                raise Invalid([Fault("limit", f"must stay {place['per_page']}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items, the cursor of the page that `Link` names next, and what else the reply's object says."""
        body = reply.json()
        cursor = _next_cursor(reply.headers.get("link", ""))
        if not items or not isinstance(body, dict):
            return Page(body, cursor)
        rest: dict[str, Any] = {name: value for name, value in body.items() if name != items}
        return Page(body.get(items, []), cursor, rest)


def _next_cursor(link: str) -> str | None:
    found = _NEXT.search(link)
    if found is None:
        return None
    try:
        query = dict(parse_qsl(urlsplit(found["address"]).query))
    except ValueError:  # no address: whatever answers is not GitHub
        return None
    place = {name: query[name] for name in _POSITION if name in query}
    if not place:
        return None
    return cursor_of(**{"per_page": query.get("per_page", str(_DEFAULT_LIMIT)), **place})


def _opened(cursor: str) -> dict[str, str]:
    """Return what the cursor holds; raise Invalid for a text that no page of ours can have given."""
    place = place_in(cursor, {"per_page", "page"}, {"per_page", "after"})
    if not re.fullmatch("[1-9][0-9]?|100", place["per_page"]) or not re.fullmatch(
        "[1-9][0-9]{0,8}", place.get("page", "1")
    ):
        raise strange_cursor()
    return place
