"""Whom the token belongs to, and what the account holds: organizations, projects, user groups."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.harness.arguments import (
    Description,
    Identifier,
    InOrg,
    InProject,
    Module,
    Name,
    NewIdentifier,
    Org,
    Project,
    SearchTerm,
)
from devmesh.connectors.harness.calls import call, scope
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, url


@CONNECTOR.tool()
def get_current_user() -> Request:
    """Return the user whom the token belongs to: name, e-mail, accounts; a service account's token is no user's."""
    return get("/ng/api/user/currentUser")


@CONNECTOR.tool(items="content")
def list_organizations(search_term: SearchTerm = None) -> Request:
    """Return the account's organizations: identifier, name, tags; projects are in them."""
    return get("/ng/api/organizations", searchTerm=search_term)


@CONNECTOR.tool(items="content")
def list_projects(
    org_identifier: Annotated[Identifier | None, Meta(description="Only projects of this organization.")] = None,
    search_term: SearchTerm = None,
) -> Request:
    """Return the projects that the token sees, with their identifiers, organizations and modules."""
    return get("/ng/api/projects", orgIdentifier=org_identifier, searchTerm=search_term)


@CONNECTOR.tool()
def get_project(
    identifier: Project,
    org_identifier: Annotated[
        Identifier | None, Meta(description="Identifier of its organization; omitted: default.")
    ] = None,
) -> Request:
    """Return one project: name, organization, modules, color, tags."""
    return get(url("/ng/api/projects/{identifier}", identifier=identifier), orgIdentifier=org_identifier)


@CONNECTOR.tool(writes=True)
def create_project(
    org_identifier: Org,
    identifier: Annotated[NewIdentifier, Meta(description="Identifier of the project; it cannot be changed.")],
    name: Annotated[Name, Meta(description="Name of the project.")],
    description: Description = None,
    modules: Annotated[
        Annotated[list[Module], Meta(min_length=1, max_length=14)] | None,
        Meta(description="Modules to switch on in it; omitted: all that are licensed."),
    ] = None,
    color: Annotated[
        Annotated[str, Meta(pattern="^#[0-9A-Fa-f]{6}$", examples=["#0063F7"])] | None,
        Meta(description="Color as # and six hexadecimal digits."),
    ] = None,
) -> Request:
    """Create a project in an organization and return it; an identifier that exists is refused."""
    project = given(
        orgIdentifier=org_identifier,
        identifier=identifier,
        name=name,
        description=description,
        modules=modules,
        color=color,
    )
    return call("POST", "/ng/api/projects", {"orgIdentifier": org_identifier}, {"project": project})


@CONNECTOR.tool(items="content")
def list_user_groups(
    org_identifier: InOrg = None, project_identifier: InProject = None, search_term: SearchTerm = None
) -> Request:
    """Return the user groups of the account, an organization or a project, with their members' ids."""
    return get("/ng/api/user-groups", **scope(org_identifier, project_identifier), searchTerm=search_term)
