"""Projects, the groups that they are in, and their members."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import (
    READS,
    WRITES,
    GroupId,
    Id,
    Markdown,
    ProjectId,
    Search,
    Sort,
    Text,
    Title,
    Visibility,
)
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_PROJECT = "/api/v4/projects/{id}"

Path = Annotated[Text | None, Meta(description="Last part of the address (hello-world); omitted: made of the name.")]
Description = Annotated[Markdown | None, Meta(description="Short description.")]


@CONNECTOR.tool(items="", needs=READS)
def list_projects(
    search: Search = None,
    membership: Annotated[
        bool | None, Meta(description="True: only projects that the token's owner is a member of. Mostly wanted.")
    ] = None,
    owned: Annotated[bool | None, Meta(description="True: only projects that the token's owner owns.")] = None,
    order_by: Annotated[
        Literal["id", "name", "path", "created_at", "updated_at", "star_count", "last_activity_at", "similarity"]
        | None,
        Meta(description="What to sort by; omitted: created_at. similarity only with `search`."),
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return projects that the token sees: id, path_with_namespace, default_branch, visibility.

    Without `membership` or `owned` that is every public project of the server. For one group's use list_group_projects.
    """
    query = given(search=search, membership=membership, owned=owned, order_by=order_by, sort=sort)
    return get("/api/v4/projects", **query)


@CONNECTOR.tool(needs=READS)
def get_project(id: ProjectId) -> Request:  # noqa: A002
    """Return a project: description, default branch, visibility, merge settings, the token owner's permissions."""
    return get(url(_PROJECT, id=id))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_project(
    name: Annotated[Title, Meta(description="Name of the project.")],
    path: Path = None,
    namespace_id: Annotated[
        Id | None, Meta(description="Id of the group to create it in (list_groups); omitted: the owner's namespace.")
    ] = None,
    description: Description = None,
    visibility: Visibility = None,
    initialize_with_readme: Annotated[
        bool | None, Meta(description="True: begin with a README, so that there is a branch to work on.")
    ] = None,
) -> Request:
    """Create a project and return it with its id; a path that the namespace has already is refused with 400."""
    project = given(
        name=name,
        path=path,
        namespace_id=namespace_id,
        description=description,
        visibility=visibility,
        initialize_with_readme=initialize_with_readme,
    )
    return send("POST", "/api/v4/projects", project)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_project(
    id: ProjectId,  # noqa: A002
    name: Annotated[Title | None, Meta(description="The new name; the address stays.")] = None,
    description: Description = None,
    default_branch: Annotated[Text | None, Meta(description="The new default branch; it must exist.")] = None,
    visibility: Annotated[
        Literal["private", "internal", "public"] | None, Meta(description="Who may see the project from now on.")
    ] = None,
) -> Request:
    """Change a project's settings and return it; what is left out stays as it is."""
    change = given(name=name, description=description, default_branch=default_branch, visibility=visibility)
    return send("PUT", url(_PROJECT, id=id), change)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_project(id: ProjectId) -> Request:  # noqa: A002
    """Mark a project for removal with everything in it; GitLab removes it after the server's grace period, or at once.

    Only on the person's explicit word. Returns 202; an owner can restore it within the grace period.
    """
    return send("DELETE", url(_PROJECT, id=id))


@CONNECTOR.tool(writes=True, needs=WRITES)
def fork_project(
    id: ProjectId,  # noqa: A002
    namespace_path: Annotated[
        Text | None, Meta(description="Full path of the group or user to fork into; omitted: the token's owner.")
    ] = None,
    name: Annotated[Title | None, Meta(description="Name of the fork; omitted: the same name.")] = None,
    path: Annotated[Text | None, Meta(description="Last part of the fork's address; omitted: the same.")] = None,
) -> Request:
    """Fork a project and return the fork, which GitLab fills in the background: `import_status` tells how far it is."""
    fork = given(namespace_path=namespace_path, name=name, path=path)
    return send("POST", url(f"{_PROJECT}/fork", id=id), fork or None)


@CONNECTOR.tool(items="", needs=READS)
def list_groups(
    search: Search = None,
    owned: Annotated[bool | None, Meta(description="True: only groups that the token's owner owns.")] = None,
) -> Request:
    """Return groups that the token sees: id, full_path, visibility, parent."""
    return get("/api/v4/groups", search=search, owned=owned)


@CONNECTOR.tool(items="", needs=READS)
def list_group_projects(
    id: GroupId,  # noqa: A002
    search: Search = None,
    include_subgroups: Annotated[bool | None, Meta(description="True: the projects of its subgroups, too.")] = None,
) -> Request:
    """Return a group's projects: id, path_with_namespace, default_branch, last activity."""
    return get(url("/api/v4/groups/{id}/projects", id=id), search=search, include_subgroups=include_subgroups)


@CONNECTOR.tool(items="", needs=READS)
def list_project_members(
    id: ProjectId,  # noqa: A002
    query: Annotated[Text | None, Meta(description="Only members whose name or username holds this.")] = None,
) -> Request:
    """Return who has access to a project, also by its groups: user id, username, access_level.

    Levels are 10 guest, 15 planner, 20 reporter, 30 developer, 40 maintainer, 50 owner.
    """
    return get(url(f"{_PROJECT}/members/all", id=id), query=query)
