"""GitLab's pages: `per_page` and `page`, or by keyset `page_token`, as `Link: rel="next"` says.

https://docs.gitlab.com/api/rest/#pagination
"""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_NEXT = re.compile(r'<(?P<address>[^<>]*)>\s*;\s*rel="?next"?')
_DEFAULT_LIMIT = 20
_NUMBER = re.compile("[1-9][0-9]{0,8}")


class LinkPaging:
    """A cursor holds the next page's place and size; never an address, so it cannot lead elsewhere.

    The size is in it because GitLab counts pages in sizes: page 2 of 10 after page 1 of 50 would repeat items.
    """

    max_limit = 100

    def __init__(self, position: Literal["page", "page_token"]) -> None:
        self._position = position
        # Without it a list that can be read by keyset is read by page, which GitLab refuses far into a large one.
        self._method = {"pagination": "keyset"} if position == "page_token" else {}

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor, or a size beside it, that was never given."""
        if cursor is None:
            place = {"per_page": str(limit or _DEFAULT_LIMIT)}
        else:
            place = self._opened(cursor)
            if limit is not None and place["per_page"] != str(limit):
                raise Invalid([Fault("limit", f"must stay {place['per_page']}, as on the page that gave the cursor")])
        return structs.replace(request, query={**request.query, **self._method, **place})

    def read(self, reply: Reply, _items: str, request: Request) -> Page:
        """Return the items, all of GitLab's lists being bare arrays, and the cursor of the next page."""
        following = self._following(reply)
        if following is None:
            return Page(reply.json(), None)
        size = request.query.get("per_page", _DEFAULT_LIMIT)
        return Page(reply.json(), cursor_of(**{"per_page": size, self._position: following}))

    def _following(self, reply: Reply) -> str | None:
        """Return where the next page begins; GitLab names it in `Link`, and by number in `x-next-page` as well."""
        found = _NEXT.search(reply.headers.get("link", ""))
        if found is not None:
            try:
                return dict(parse_qsl(urlsplit(found["address"]).query)).get(self._position)
            except ValueError:  # no address: whatever answers is not GitLab
                return None
        number = reply.headers.get("x-next-page", "")
        return number if self._position == "page" and _NUMBER.fullmatch(number) else None

    def _opened(self, cursor: str) -> dict[str, str]:
        """Return what the cursor holds; raise Invalid for a text that no page of this list can have given."""
        place = place_in(cursor, {"per_page", self._position})
        if not re.fullmatch("[1-9][0-9]?|100", place["per_page"]) or not _NUMBER.fullmatch(place.get("page", "1")):
            raise strange_cursor()
        return place


PAGES = LinkPaging("page")
KEYSET = LinkPaging("page_token")
