"""Pages: find, read, write, delete."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from devmesh.connectors.confluence.arguments import (
    Body,
    BodyFormat,
    Draft,
    Line,
    OneBodyFormat,
    PageId,
    Representation,
    SpaceId,
    VersionNumber,
    joined,
    written,
)
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_PAGES = "/wiki/api/v2/pages"
_PAGE = f"{_PAGES}/{{id}}"

Parent = Annotated[PageId | None, Meta(description="Id of the page above it.")]


@CONNECTOR.tool(items="results")
def list_pages(
    title: Annotated[Line | None, Meta(description="Only pages with exactly this title.")] = None,
    space_id: Annotated[SpaceId | None, Meta(description="Only pages of this space.")] = None,
    status: Annotated[
        list[Literal["current", "archived", "deleted", "trashed"]] | None,
        Meta(description="Only pages in these states; omitted: current and archived."),
    ] = None,
    body_format: BodyFormat = None,
) -> Request:
    """Return pages with their ids, titles, spaces and parents; to search their texts use search_content."""
    wire = {"title": title, "space-id": space_id, "status": joined(status), "body-format": body_format}
    return get(_PAGES, **wire)


@CONNECTOR.tool()
def get_page(
    id: PageId,  # noqa: A002
    body_format: OneBodyFormat = None,
    version: Annotated[Annotated[int, Meta(ge=1)] | None, Meta(description="This earlier version.")] = None,
    get_draft: Annotated[bool | None, Meta(description="The draft, not the published page.")] = None,
) -> Request:
    """Return one page: title, space, parent, version number (for update_page), and its text if asked for."""
    return get(url(_PAGE, id=id), **{"body-format": body_format, "version": version, "get-draft": get_draft})


@CONNECTOR.tool(writes=True)
def create_page(
    space_id: SpaceId,
    title: Annotated[Line, Meta(description="The title, which no other page of the space has.")],
    body: Body,
    representation: Representation = "markdown",
    parent_id: Parent = None,
    status: Draft = None,
) -> Request:
    """Make a page in a space and return it with its id; without a parent it goes below the space's home page."""
    page = given(spaceId=space_id, status=status, title=title, parentId=parent_id, body=written(body, representation))
    return send("POST", _PAGES, page)


@CONNECTOR.tool(writes=True, idempotent=True)
def update_page(
    id: PageId,  # noqa: A002
    title: Annotated[Line, Meta(description="The title, also if it stays.")],
    body: Body,
    version_number: VersionNumber,
    representation: Representation = "markdown",
    status: Draft = None,
    parent_id: Parent = None,
    version_message: Annotated[Line | None, Meta(description="What changed, for the history.")] = None,
) -> Request:
    """Replace a page's title and whole text, and return it; read it first with get_page.

    If somebody has changed it in between, it is refused with 409: read it again, and merge.
    """
    page: dict[str, Any] = {"id": id, "status": status or "current", "title": title, **given(parentId=parent_id)}
    page["body"] = written(body, representation)
    page["version"] = {"number": version_number, **given(message=version_message)}
    return send("PUT", url(_PAGE, id=id), page)


@CONNECTOR.tool(writes=True, idempotent=True)
def update_page_title(
    id: PageId,  # noqa: A002
    title: Annotated[Line, Meta(description="The new title.")],
    status: Annotated[
        Literal["current", "draft"], Meta(description="Which of the two: the published page or the draft.")
    ],
) -> Request:
    """Rename a page and return it; its text and place stay."""
    return send("PUT", url(f"{_PAGE}/title", id=id), {"status": status, "title": title})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_page(
    id: PageId,  # noqa: A002
    purge: Annotated[bool | None, Meta(description="Delete for good a page that is in the trash already.")] = None,
    draft: Annotated[bool | None, Meta(description="Delete the draft, for good.")] = None,
) -> Request:
    """Put a page into the trash; its child pages move up to its parent."""
    return send("DELETE", url(_PAGE, id=id), None, purge=purge, draft=draft)
