"""Jira's pages: counted by `startAt` and `maxResults`, or followed by the token that the page before gave.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/intro/#pagination
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.upstream.model import Page, Reply, Request, cursor_of, given, place_in, strange_cursor

_DEFAULT_LIMIT = 50
# Of a page, what the cursor says, or an address.
_OURS = ("startAt", "maxResults", "isLast", "self", "nextPage", "nextPageToken")


class CountedPaging:
    """A cursor holds the index of the next page's first item.

    `last` is the index after which Jira gives no more: of a bare list, which does not tell whether it goes on.
    """

    def __init__(self, max_limit: int = 100, last: int | None = None) -> None:
        self.max_limit = max_limit
        self._last = last

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that was never given."""
        start = None if cursor is None else place_in(cursor, {"start"})["start"]
        if start is not None and not re.fullmatch("[1-9][0-9]{0,8}", start):
            raise strange_cursor()
        place = given(startAt=start, maxResults=limit or min(_DEFAULT_LIMIT, self.max_limit))
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items, the cursor of the page after them, and what else the reply's object says."""
        body = reply.json()
        found, rest = _parted(body, items)
        start = int(request.query.get("startAt", 0))
        following = start + len(found)
        if self._last is not None:
            # Jira leaves out of a page whom the account may not see, or who cannot be assigned.
            following = start + int(request.query["maxResults"])
            more = following < self._last
        else:
            more = bool(found) and _goes_on(body, following)
        return Page(found, cursor_of(start=following) if more else None, rest)


class TokenPaging:
    """A cursor holds the token of the next page, which Jira gives with all but the last (`search/jql`)."""

    # Jira gives so many where the keys alone are asked for, and fewer on a page where more is.
    max_limit = 5000

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that was never given."""
        token = None if cursor is None else place_in(cursor, {"token"})["token"]
        place = given(maxResults=limit or _DEFAULT_LIMIT, nextPageToken=token)
        return structs.replace(request, query={**request.query, **place})

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items and the cursor of the page after them."""
        body = reply.json()
        found, rest = _parted(body, items)
        token = body.get("nextPageToken") if isinstance(body, dict) and body.get("isLast") is not True else None
        return Page(found, cursor_of(token=token) if isinstance(token, str) and token else None, rest)


def _parted(body: Any, items: str) -> tuple[list[Any], dict[str, Any]]:
    """Return the items and what is neither they nor their place."""
    if not isinstance(body, dict):
        return (body if isinstance(body, list) else []), {}
    found = body.get(items)
    rest = {name: value for name, value in body.items() if name not in (items, *_OURS)}
    return (found if isinstance(found, list) else []), rest


def _goes_on(body: Any, following: int) -> bool:
    """Return whether there is an item at that index, as far as the page tells."""
    if not isinstance(body, dict):
        return False
    if isinstance(body.get("isLast"), bool):
        return not body["isLast"]
    total = body.get("total")
    return isinstance(total, int) and following < total
