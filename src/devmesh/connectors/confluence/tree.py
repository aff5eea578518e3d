"""A page's place in the tree, its versions and properties, and who may see it."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.confluence.arguments import BodyFormat, Line, PageId
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.connectors.confluence.paging import AncestorPaging
from devmesh.upstream.model import Request, get, given, send, url

_PAGE = "/wiki/api/v2/pages/{id}"
_CONTENT = "/wiki/rest/api/content/{id}"


class Destination(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a copy goes."""

    type: Annotated[
        Literal["space", "parent_page", "parent_content", "existing_page"],
        Meta(description="To the top of a space, below a page or other content, or in place of a page."),
    ]
    value: Annotated[Line, Meta(description="The space's key, or the id of that page or content.")]


@CONNECTOR.tool(items="results")
def list_child_pages(
    id: PageId,  # noqa: A002
    sort: Annotated[
        Literal["child-position", "-child-position", "id", "-id", "created-date", "-created-date"] | None,
        Meta(description="What to sort by, with `-` backwards."),
    ] = None,
) -> Request:
    """Return the pages directly below a page, with their ids and titles."""
    return get(url(f"{_PAGE}/children", id=id), sort=sort)


@CONNECTOR.tool(items="results", paging=AncestorPaging())
def list_page_ancestors(id: PageId) -> Request:  # noqa: A002
    """Return what stands above a page, from the top down: ids and kinds (page, folder, ...)."""
    return get(url(f"{_PAGE}/ancestors", id=id))


@CONNECTOR.tool(items="results")
def list_page_versions(id: PageId, body_format: BodyFormat = None) -> Request:  # noqa: A002
    """Return a page's versions, newest first: number, author, time, message."""
    return get(url(f"{_PAGE}/versions", id=id), **{"body-format": body_format})


@CONNECTOR.tool(items="results")
def list_page_properties(
    page_id: PageId,
    key: Annotated[Line | None, Meta(description="Only the property with this key.")] = None,
) -> Request:
    """Return the properties that apps keep with a page: ids, keys, JSON values and versions."""
    return get(url("/wiki/api/v2/pages/{page_id}/properties", page_id=page_id), key=key)


@CONNECTOR.tool(items="results")
def get_page_restrictions(id: PageId) -> Request:  # noqa: A002
    """Return who alone may read and who alone may edit a page; what it inherits from pages above is not among it."""
    return get(url(f"{_CONTENT}/restriction", id=id))


@CONNECTOR.tool(writes=True, idempotent=True)
def move_page(
    page_id: PageId,
    position: Annotated[
        Literal["before", "after", "append"],
        Meta(description="Before or after the target, beside it; or below it, as its last child."),
    ],
    target_id: Annotated[PageId, Meta(description="Id of the target page, of any space.")],
) -> Request:
    """Move a page, with all below it, to another place in the tree, and return its id.

    Beside a page at the top of a space it would be lost from the tree: append it to the home page instead.
    """
    route = "/wiki/rest/api/content/{page_id}/move/{position}/{target_id}"
    return send("PUT", url(route, page_id=page_id, position=position, target_id=target_id))


@CONNECTOR.tool(writes=True)
def copy_page(
    id: PageId,  # noqa: A002
    destination: Annotated[Destination, Meta(description="Where the copy goes.")],
    copy_attachments: Annotated[bool | None, Meta(description="Copy its files, too.")] = None,
    page_title: Annotated[Line | None, Meta(description="Title of the copy; a space has each title once.")] = None,
) -> Request:
    """Copy one page, without those below it, and return the copy; `existing_page` replaces that page's text."""
    copied = {"destination": destination, **given(copyAttachments=copy_attachments, pageTitle=page_title)}
    return send("POST", url(f"{_CONTENT}/copy", id=id), copied)
