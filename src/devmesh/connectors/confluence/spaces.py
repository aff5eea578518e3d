"""Spaces, what they hold, and who may do what in them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.confluence.arguments import Line, Sort, SpaceId, joined
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url

_SPACE = "/wiki/api/v2/spaces/{id}"


@CONNECTOR.tool(items="results")
def list_spaces(
    keys: Annotated[
        Annotated[
            list[Annotated[str, Meta(pattern="^[A-Za-z0-9~_-]{1,255}$", examples=["DOCS"])]], Meta(max_length=250)
        ]
        | None,
        Meta(description="Only spaces with these keys."),
    ] = None,
    type: Annotated[  # noqa: A002
        Literal["global", "collaboration", "knowledge_base", "personal"] | None,
        Meta(description="Only spaces of this type."),
    ] = None,
    status: Annotated[Literal["current", "archived"] | None, Meta(description="Only spaces in this state.")] = None,
) -> Request:
    """Return spaces with the ids that other tools take, their keys, names and home pages."""
    return get("/wiki/api/v2/spaces", keys=joined(keys), type=type, status=status)


@CONNECTOR.tool()
def get_space(
    id: SpaceId,  # noqa: A002
    description_format: Annotated[
        Literal["plain", "view"] | None, Meta(description="Also return the description: as text, or as HTML.")
    ] = None,
) -> Request:
    """Return one space: key, name, type, state and the id of its home page."""
    return get(url(_SPACE, id=id), **{"description-format": description_format})


@CONNECTOR.tool(items="results")
def list_space_pages(
    id: SpaceId,  # noqa: A002
    title: Annotated[Line | None, Meta(description="Only pages with exactly this title.")] = None,
    status: Annotated[
        list[Literal["current", "archived", "deleted", "trashed"]] | None,
        Meta(description="Only pages in these states; omitted: current and archived."),
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return the pages of a space with their ids, titles and parents, at any depth and without their texts."""
    return get(url(f"{_SPACE}/pages", id=id), title=title, status=joined(status), sort=sort)


@CONNECTOR.tool(items="results")
def list_space_permissions(id: SpaceId) -> Request:  # noqa: A002
    """Return who may do what in a space: each user's and group's operations."""
    return get(url(f"{_SPACE}/permissions", id=id))
