"""Confluence's pages: the reply's `_links.next` holds the next one's cursor, or in older operations its start.

https://developer.atlassian.com/cloud/confluence/rest/v2/intro/#using
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote

from msgspec import structs

from devmesh.upstream.model import Page, Reply, Request, cursor_of, given, place_in, strange_cursor, url

_PLACE = re.compile(r"[?&](?P<name>cursor|next|start)=(?P<value>[^&#]+)")
# With the cursor of a search goes the word that it leads on.
_ONWARD = {"next": "true"}
# Of a page, what its cursor says.
_OURS = ("start", "limit", "size", "_links")
_DEFAULT_LIMIT = 25
# The kinds of content that stand above others, and their routes.
_ROUTES = {
    "page": "pages",
    "folder": "folders",
    "whiteboard": "whiteboards",
    "database": "databases",
    "embed": "embeds",
}


class LinkedPaging:
    """A cursor holds what Confluence calls the next page's cursor or start; never the address that it gives."""

    max_limit = 250

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that was never given."""
        place = {} if cursor is None else place_in(cursor, {"cursor"}, {"cursor", "next"}, {"start"})
        if place.get("next", "true") != "true" or not re.fullmatch("[1-9][0-9]{0,8}", place.get("start", "1")):
            raise strange_cursor()
        return structs.replace(request, query={**request.query, **given(limit=limit), **place})

    def read(self, reply: Reply, items: str, _request: Request) -> Page:
        """Return the items, the cursor of the page that comes next, and what else the reply's object says."""
        body = reply.json()
        if not isinstance(body, dict):
            return Page([], None)
        links = body.get("_links")
        following = links.get("next") if isinstance(links, dict) else None
        cursor = _cursor(following) if isinstance(following, str) else None
        return Page(_listed(body, items), cursor, {name: body[name] for name in body if name not in (items, *_OURS)})


def _cursor(link: str) -> str | None:
    """Return the place that the link names; its start only where there is no cursor, beside which it says nothing."""
    found = {one["name"]: unquote(one["value"]) for one in _PLACE.finditer(link)}
    if "cursor" in found:
        onward = _ONWARD if found.get("next") == "true" else {}
        return cursor_of(cursor=found["cursor"], **onward)
    return cursor_of(start=found["start"]) if "start" in found else None


class AncestorPaging:
    """The page before the highest ancestor is that one's own ancestors; a cursor holds its kind and id."""

    max_limit = 250

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that was never given."""
        path = request.path
        if cursor is not None:
            place = place_in(cursor, {"kind", "id"})
            if place["kind"] not in _ROUTES or not re.fullmatch("[0-9]{1,19}", place["id"]):
                raise strange_cursor()
            path = url("/wiki/api/v2/{kind}/{id}/ancestors", kind=_ROUTES[place["kind"]], id=place["id"])
        return structs.replace(request, path=path, query={**request.query, "limit": limit or _DEFAULT_LIMIT})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the ancestors from the top down; there are more above a page that is full."""
        body = reply.json()
        found = _listed(body, items) if isinstance(body, dict) else []
        full = len(found) >= int(request.query["limit"])
        top = found[0] if full and isinstance(found[0], dict) else {}
        kind, id_ = top.get("type"), top.get("id")
        if isinstance(kind, str) and kind in _ROUTES and isinstance(id_, str):
            return Page(found, cursor_of(kind=kind, id=id_))
        return Page(found, None)


def _listed(body: dict[str, Any], items: str) -> list[Any]:
    found = body.get(items)
    return found if isinstance(found, list) else []
