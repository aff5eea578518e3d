"""Jenkins' pages: a range at the end of `tree`, `jobs[name]{0,51}`, whose end is not part of it.

https://www.jenkins.io/doc/book/using/remote-access-api/#RemoteaccessAPI-Depthcontrol
"""

from __future__ import annotations

import re

from msgspec import structs

from devmesh.upstream.model import Page, Reply, Request, cursor_of, place_in, strange_cursor

_DEFAULT_LIMIT = 50
_RANGE = re.compile(r"\{([0-9]+),([0-9]+)\}$")


class TreePaging:
    """A page is asked for with one item more, which tells whether there is a next; Jenkins counts nothing itself."""

    max_limit = 200

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request with the range of that page; raise Invalid for a cursor that was never given."""
        begin = _begin(cursor)
        end = begin + (limit or _DEFAULT_LIMIT) + 1
        return structs.replace(request, query={**request.query, "tree": f"{request.query['tree']}{{{begin},{end}}}"})

    def read(self, reply: Reply, items: str, request: Request) -> Page:
        """Return the items of the range that the request asked for, without the one too many."""
        body = reply.json()
        listed = body.get(items, []) if isinstance(body, dict) else body
        found = _RANGE.search(request.query["tree"])
        if found is None or not isinstance(listed, list):
            return Page(listed, None)
        begin, last = int(found[1]), int(found[2]) - 1
        more = len(listed) > last - begin
        return Page(listed[: last - begin], cursor_of(start=last) if more else None)


def _begin(cursor: str | None) -> int:
    if cursor is None:
        return 0
    start = place_in(cursor, {"start"})["start"]
    if not re.fullmatch("[1-9][0-9]{0,8}", start):
        raise strange_cursor()
    return int(start)
