"""Tags and releases."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, WRITES, Markdown, ProjectId, Search, Sort, Text, Time, moment
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_TAGS = "/api/v4/projects/{id}/repository/tags"
_RELEASES = "/api/v4/projects/{id}/releases"


@CONNECTOR.tool(items="", needs=READS)
def list_tags(
    id: ProjectId,  # noqa: A002
    search: Search = None,
    order_by: Annotated[
        Literal["name", "updated", "version"] | None, Meta(description="What to sort by; omitted: updated.")
    ] = None,
) -> Request:
    """Return a project's tags, newest first: name, commit, message, release.

    In `search`, ^ at the start and $ at the end stand for the name's.
    """
    return get(url(_TAGS, id=id), search=search, order_by=order_by)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_tag(
    id: ProjectId,  # noqa: A002
    tag_name: Annotated[Text, Meta(description="Name of the tag.")],
    ref: Annotated[Text, Meta(description="Branch, tag or commit that it marks.")],
    message: Annotated[Markdown | None, Meta(description="Makes it an annotated tag with this message.")] = None,
) -> Request:
    """Create a tag and return it; a name that exists is refused with 400. It may start a tag pipeline."""
    return send("POST", url(_TAGS, id=id), given(tag_name=tag_name, ref=ref, message=message))


@CONNECTOR.tool(items="", needs=READS)
def list_releases(
    id: ProjectId,  # noqa: A002
    order_by: Annotated[
        Literal["released_at", "created_at"] | None, Meta(description="What to sort by; omitted: released_at.")
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return a project's releases, newest first: tag, name, notes, assets, milestones."""
    return get(url(_RELEASES, id=id), order_by=order_by, sort=sort)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_release(
    id: ProjectId,  # noqa: A002
    tag_name: Annotated[Text, Meta(description="Tag of the release; a new one together with `ref`.")],
    name: Annotated[Text | None, Meta(description="Title of the release; omitted: the tag's name.")] = None,
    description: Annotated[Markdown | None, Meta(description="The release notes, in GitLab's Markdown.")] = None,
    ref: Annotated[Text | None, Meta(description="Branch or commit for a tag that is not there yet.")] = None,
    milestones: Annotated[
        Annotated[list[Text], Meta(max_length=100)] | None, Meta(description="Titles of milestones that it fulfils.")
    ] = None,
    released_at: Annotated[
        Time | None, Meta(description="When it is or was released (RFC 3339); omitted: now. Later: an upcoming one.")
    ] = None,
) -> Request:
    """Publish a release and return it; a tag has one at most: 409 if it has it already."""
    release = given(
        tag_name=tag_name,
        name=name,
        description=description,
        ref=ref,
        milestones=milestones,
        released_at=moment(released_at),
    )
    return send("POST", url(_RELEASES, id=id), release)
