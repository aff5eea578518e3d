"""Search, over the whole server or one project."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, ProjectId, Text
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url

Words = Annotated[Text, Meta(description="The words to look for.")]


@CONNECTOR.tool(items="", needs=READS)
def search_global(
    scope: Annotated[
        Literal[
            "projects",
            "issues",
            "merge_requests",
            "milestones",
            "snippet_titles",
            "users",
            "wiki_blobs",
            "commits",
            "blobs",
            "notes",
        ],
        Meta(description="What to look for; the last four only where advanced search is on (else 400)."),
    ],
    search: Words,
) -> Request:
    """Return what matches on the whole server, as far as the token sees it; blobs are pieces of files."""
    return get("/api/v4/search", scope=scope, search=search)


@CONNECTOR.tool(items="", needs=READS)
def search_project(
    id: ProjectId,  # noqa: A002
    scope: Annotated[
        Literal["issues", "merge_requests", "milestones", "notes", "wiki_blobs", "commits", "blobs", "users"],
        Meta(description="What to look for; blobs are pieces of files: code."),
    ],
    search: Words,
    ref: Annotated[
        Text | None, Meta(description="For blobs, commits and wiki_blobs: branch or tag; omitted: the default branch.")
    ] = None,
) -> Request:
    """Return what matches within one project; with `blobs` use it to find code, then get_file."""
    return get(url("/api/v4/projects/{id}/search", id=id), scope=scope, search=search, ref=ref)
