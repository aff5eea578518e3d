"""Projects with their versions and components."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.jira.arguments import Id, Line, ProjectKey, joined
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_PROJECT = "/rest/api/3/project/{project_id_or_key}"

Day = Annotated[str, Meta(pattern="^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$", examples=["2026-04-30"])]


@CONNECTOR.tool(items="values")
def list_projects(
    query: Annotated[Line | None, Meta(description="Only those with this in their key or name.")] = None,
    order_by: Annotated[
        Literal[
            "category",
            "-category",
            "key",
            "-key",
            "name",
            "-name",
            "owner",
            "-owner",
            "issueCount",
            "-issueCount",
            "lastIssueUpdatedDate",
            "-lastIssueUpdatedDate",
        ]
        | None,
        Meta(description="What to sort by, with `-` backwards; omitted: key."),
    ] = None,
) -> Request:
    """Return the projects that the credential's owner may see, with their ids, keys and names."""
    return get("/rest/api/3/project/search", query=query, orderBy=order_by)


@CONNECTOR.tool()
def get_project(
    project_id_or_key: ProjectKey,
    expand: Annotated[
        list[Literal["description", "issueTypes", "lead", "projectKeys", "issueTypeHierarchy"]] | None,
        Meta(description="What else to return."),
    ] = None,
) -> Request:
    """Return one project: name, lead, issue types, components, versions."""
    return get(url(_PROJECT, project_id_or_key=project_id_or_key), expand=joined(expand))


@CONNECTOR.tool()
def list_project_versions(
    project_id_or_key: ProjectKey,
    expand: Annotated[
        list[Literal["operations"]] | None, Meta(description="`operations`: also what can be done with each.")
    ] = None,
) -> Request:
    """Return all versions of a project: ids, names, dates, whether released or archived."""
    return get(url(f"{_PROJECT}/versions", project_id_or_key=project_id_or_key), expand=joined(expand))


@CONNECTOR.tool(writes=True)
def create_version(
    project_id: Annotated[Id, Meta(description="Id of the project (a number), from get_project.")],
    name: Annotated[Line, Meta(description="Name of the version, as `1.2.0`.")],
    description: Annotated[
        Annotated[str, Meta(max_length=16384)] | None, Meta(description="What it is about, plain text.")
    ] = None,
    start_date: Annotated[Day | None, Meta(description="First day.")] = None,
    release_date: Annotated[Day | None, Meta(description="Day of the release.")] = None,
    released: Annotated[bool | None, Meta(description="Whether it is released already.")] = None,
) -> Request:
    """Make a version in a project and return it; a name that the project has already is refused."""
    version = given(
        projectId=project_id,
        name=name,
        description=description,
        startDate=start_date,
        releaseDate=release_date,
        released=released,
    )
    return send("POST", "/rest/api/3/version", version)


@CONNECTOR.tool()
def list_project_components(project_id_or_key: ProjectKey) -> Request:
    """Return all components of a project: ids, names, leads and default assignees."""
    return get(url(f"{_PROJECT}/components", project_id_or_key=project_id_or_key))
