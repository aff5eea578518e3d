"""Blog posts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.confluence.arguments import (
    Body,
    Draft,
    Line,
    NumericId,
    OneBodyFormat,
    Representation,
    SpaceId,
    written,
)
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_POSTS = "/wiki/api/v2/blogposts"


@CONNECTOR.tool(items="results")
def list_blog_posts(
    space_id: Annotated[SpaceId | None, Meta(description="Only posts of this space.")] = None,
    title: Annotated[Line | None, Meta(description="Only posts with exactly this title.")] = None,
) -> Request:
    """Return blog posts with their ids, titles, spaces and authors, without their texts."""
    return get(_POSTS, **{"space-id": space_id, "title": title})


@CONNECTOR.tool()
def get_blog_post(
    id: Annotated[NumericId, Meta(description="Id of the post, from list_blog_posts.")],  # noqa: A002
    body_format: OneBodyFormat = None,
) -> Request:
    """Return one blog post: title, space, author, version, and its text if asked for."""
    return get(url(f"{_POSTS}/{{id}}", id=id), **{"body-format": body_format})


@CONNECTOR.tool(writes=True)
def create_blog_post(
    space_id: SpaceId,
    title: Annotated[Line, Meta(description="The title.")],
    body: Body | None = None,
    representation: Representation = "markdown",
    status: Draft = None,
) -> Request:
    """Publish a blog post in a space, or keep it as a draft, and return it with its id."""
    text = None if body is None else written(body, representation)
    return send("POST", _POSTS, given(spaceId=space_id, status=status, title=title, body=text))
