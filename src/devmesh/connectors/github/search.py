"""Search over all that the token sees; GitHub gives at most the first 1000 hits, and 30 searches a minute."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

_Q = Annotated[str, Meta(min_length=1, max_length=1000)]
Order = Annotated[Literal["desc", "asc"] | None, Meta(description="Order of the sort; omitted: desc.")]


@CONNECTOR.tool(items="items")
def search_issues(
    q: Annotated[
        _Q, Meta(description="Words and qualifiers, such as `repo:octocat/hello is:pr is:open label:bug crash`.")
    ],
    sort: Annotated[
        Literal[
            "comments",
            "reactions",
            "reactions-+1",
            "reactions--1",
            "reactions-smile",
            "reactions-thinking_face",
            "reactions-heart",
            "reactions-tada",
            "interactions",
            "created",
            "updated",
        ]
        | None,
        Meta(description="What to sort by; omitted: best match."),
    ] = None,
    order: Order = None,
) -> Request:
    """Return issues and pull requests that match, across repositories; `is:issue` or `is:pr` narrows to one kind."""
    return get("/search/issues", q=q, sort=sort, order=order)


@CONNECTOR.tool(items="items")
def search_code(
    q: Annotated[
        _Q, Meta(description="Words and qualifiers, such as `parse_link repo:octocat/hello language:python`.")
    ],
) -> Request:
    """Return files whose content or path matches, on default branches only; read them with get_file_contents."""
    return get("/search/code", q=q)


@CONNECTOR.tool(items="items")
def search_repositories(
    q: Annotated[_Q, Meta(description="Words and qualifiers, such as `org:github topic:cli language:go`.")],
    sort: Annotated[
        Literal["stars", "forks", "help-wanted-issues", "updated"] | None,
        Meta(description="What to sort by; omitted: best match."),
    ] = None,
    order: Order = None,
) -> Request:
    """Return repositories that match by name, description, topic or language."""
    return get("/search/repositories", q=q, sort=sort, order=order)


@CONNECTOR.tool(items="items")
def search_users(
    q: Annotated[_Q, Meta(description="Words and qualifiers, such as `jane type:user location:Berlin`.")],
    sort: Annotated[
        Literal["followers", "repositories", "joined"] | None, Meta(description="What to sort by; omitted: best match.")
    ] = None,
    order: Order = None,
) -> Request:
    """Return users and organizations that match; use it to find the login for a person's name."""
    return get("/search/users", q=q, sort=sort, order=order)
