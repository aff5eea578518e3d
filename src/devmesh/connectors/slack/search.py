"""Search over the messages that a user may see."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.paging import PagePaging
from devmesh.upstream.model import Request, get


@CONNECTOR.tool(items="matches", paging=PagePaging("messages"), needs=("search:read",))
def search_messages(
    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=1000,
            description="Words and modifiers, such as `deploy failed in:#ops from:@ana after:2026-01-31 has:link`.",
        ),
    ],
    sort: Annotated[Literal["score", "timestamp"] | None, Meta(description="What to sort by; omitted: score.")] = None,
    sort_dir: Annotated[Literal["asc", "desc"] | None, Meta(description="Order of the sort; omitted: desc.")] = None,
) -> Request:
    """Return messages that match, wherever the user may read; takes a user token (xoxp-), bots cannot search."""
    return get("/search.messages", query=query, sort=sort, sort_dir=sort_dir)
