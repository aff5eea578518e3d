"""Projects and what they consist of."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import (
    Asc,
    Branch,
    Component,
    Members,
    Organization,
    ProjectKey,
    PullRequest,
    Query,
    Text,
    joined,
    post,
)
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

Strategy = Annotated[
    Literal["all", "children", "leaves"] | None,
    Meta(description="all: everything below. children: one level. leaves: files only. Omitted: all."),
]
TreeQualifiers = Annotated[
    list[Literal["APP", "VW", "SVW", "UTS", "FIL", "DIR", "TRK"]] | None,
    Meta(description="Only these: FIL files, UTS tests, DIR directories, TRK projects."),
]


@CONNECTOR.tool(items="components")
def search_projects(
    q: Query = None,
    projects: Annotated[Members | None, Meta(description="Only projects with these keys.")] = None,
    organization: Organization = None,
) -> Request:
    """Return projects with the day of their last analysis; needs Administer. search_components needs only Browse."""
    return get("/api/projects/search", q=q, projects=joined(projects), organization=organization)


@CONNECTOR.tool(items="components")
def search_components(
    qualifiers: Annotated[
        list[Literal["APP", "VW", "SVW", "TRK"]],
        Meta(min_length=1, description="What to find: TRK projects, APP applications, VW and SVW portfolios."),
    ],
    q: Query = None,
    organization: Organization = None,
) -> Request:
    """Return the projects (or portfolios, applications) that the token may browse, by key and name."""
    return get("/api/components/search", qualifiers=joined(qualifiers), q=q, organization=organization)


@CONNECTOR.tool()
def get_component(component: Component, branch: Branch = None, pull_request: PullRequest = None) -> Request:
    """Return one project, directory or file with its ancestors, tags, visibility and last analysis."""
    return get("/api/components/show", component=component, branch=branch, pullRequest=pull_request)


@CONNECTOR.tool(items="components")
def get_component_tree(
    component: Component,
    q: Query = None,
    qualifiers: TreeQualifiers = None,
    strategy: Strategy = None,
    sort: Annotated[
        list[Literal["name", "path", "qualifier"]] | None, Meta(description="Order of the result; omitted: name.")
    ] = None,
    asc: Asc = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
) -> Request:
    """Return the files and directories of a project, or below one of its directories, with their keys."""
    return get(
        "/api/components/tree",
        component=component,
        q=q,
        qualifiers=joined(qualifiers),
        strategy=strategy,
        s=joined(sort),
        asc=asc,
        branch=branch,
        pullRequest=pull_request,
    )


@CONNECTOR.tool(writes=True, idempotent=True)
def create_project(
    name: Annotated[Text, Meta(description="Name that is shown.")],
    project: Annotated[
        Annotated[str, Meta(min_length=1, max_length=400, pattern=r"^[A-Za-z0-9_.:-]+$")],
        Meta(description="Key of the new project: letters, digits and -_.:", examples=["my-project"]),
    ],
    main_branch: Annotated[Text | None, Meta(description="Name of its main branch; omitted: the server's.")] = None,
    visibility: Annotated[Literal["private", "public"] | None, Meta(description="Who sees it.")] = None,
    organization: Organization = None,
) -> Request:
    """Create an empty project and return it; a key that exists is refused with 400. A first analysis fills it."""
    return post(
        "/api/projects/create",
        name=name,
        project=project,
        mainBranch=main_branch,
        visibility=visibility,
        organization=organization,
    )


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_project(project: ProjectKey) -> Request:
    """Remove a project with all its analyses, issues and history for good; returns nothing."""
    return post("/api/projects/delete", project=project)
