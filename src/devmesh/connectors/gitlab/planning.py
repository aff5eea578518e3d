"""Labels and milestones."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, ProjectId, Search
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url


@CONNECTOR.tool(items="", needs=READS)
def list_labels(id: ProjectId, search: Search = None) -> Request:  # noqa: A002
    """Return the labels that a project has, those of its groups among them: name, color, description."""
    return get(url("/api/v4/projects/{id}/labels", id=id), search=search)


@CONNECTOR.tool(items="", needs=READS)
def list_milestones(
    id: ProjectId,  # noqa: A002
    state: Annotated[Literal["active", "closed"] | None, Meta(description="Only those in this state.")] = None,
    search: Search = None,
) -> Request:
    """Return a project's milestones: `id` (which issues are given), title, state, start and due date."""
    return get(url("/api/v4/projects/{id}/milestones", id=id), state=state, search=search)
