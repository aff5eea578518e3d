"""Bitbucket's pages: `pagelen`, and a `next` in the body that is an address, of which only the place is kept.

https://developer.atlassian.com/cloud/bitbucket/rest/intro/#pagination
"""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import combinations
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, given, place_in, strange_cursor

# What Bitbucket names a place by: a number, or a text that only it understands.
_POSITION = ("page", "ctx", "after")
_SHAPES = [
    {*names, *size}
    for count in range(1, len(_POSITION) + 1)
    for names in combinations(_POSITION, count)
    for size in ((), ("pagelen",))
]
_OURS = ("values", "next", "previous", "page", "pagelen")
_LONGEST = 1000


class NextPaging:
    """A cursor holds the next page's place and size; never an address, so it cannot lead elsewhere."""

    max_limit = 100

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        if cursor is None:
            return structs.replace(request, query={**request.query, **given(pagelen=limit)})
        place = _opened(cursor)
        if limit is not None and place.get("pagelen") != str(limit):
            size = place.get("pagelen", "left out")
            raise Invalid([Fault("limit", f"must stay {size}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, request: Request) -> Page | None:
        """Return the items, the cursor of the page that `next` names, and what else the reply says.

        None for a reply that is no page: a file, where a directory would have been one.
        """
        body = reply.json()
        if not isinstance(body, dict) or not isinstance(body.get(items), list):
            return None
        rest: dict[str, Any] = {name: value for name, value in body.items() if name not in _OURS}
        return Page(body[items], _next_cursor(body.get("next"), request), rest)


class CountedPaging(NextPaging):
    """Those of Pipelines, which tells how many items there are and not where the next page is.

    https://jira.atlassian.com/browse/BCLOUD-20639
    """

    def read(self, reply: Reply, items: str, request: Request) -> Page | None:
        """Return the page, with the cursor of the one that follows by its number where Bitbucket names none."""
        page = super().read(reply, items, request)
        if page is None or page.next_cursor is not None or not page.items:
            return page
        return replace(page, next_cursor=_counted(reply.json(), request))


def _counted(body: dict[str, Any], request: Request) -> str | None:
    number, size, total = body.get("page"), request.query.get("pagelen") or body.get("pagelen"), body.get("size")
    if not (isinstance(number, int) and isinstance(total, int) and re.fullmatch("[1-9][0-9]?|100", str(size))):
        return None
    return cursor_of(pagelen=str(size), page=number + 1) if 0 < number * int(str(size)) < total else None


def _next_cursor(address: Any, request: Request) -> str | None:
    if not isinstance(address, str):
        return None
    try:
        query = dict(parse_qsl(urlsplit(address).query))
    except ValueError:  # no address: whatever answers is not Bitbucket
        return None
    place = {name: query[name] for name in _POSITION if 0 < len(query.get(name, "")) <= _LONGEST}
    if not place:
        return None
    return cursor_of(**given(pagelen=query.get("pagelen") or request.query.get("pagelen")), **place)


def _opened(cursor: str) -> dict[str, str]:
    """Return what the cursor holds; raise Invalid for a text that no page of ours can have given."""
    place = place_in(cursor, *_SHAPES)
    if not re.fullmatch("[1-9][0-9]?|100", place.get("pagelen", "1")):
        raise strange_cursor()
    return place
