"""Whom the token belongs to, and what it reaches: groups, organizations, members, service accounts."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.snyk.arguments import GroupId, OrgId, Text, Uuid
from devmesh.connectors.snyk.calls import BETA, rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.upstream.model import Request, url


@CONNECTOR.tool()
def get_current_user() -> Request:
    """Return whom the token belongs to: a user, a service account or an app, with its default organization."""
    return rest("/self")


@CONNECTOR.tool(items="data")
def list_orgs(
    group_id: Annotated[Uuid | None, Meta(description="Only organizations of this group, from list_groups.")] = None,
    name: Annotated[
        Annotated[str, Meta(max_length=100)] | None, Meta(description="Only organizations whose name contains this.")
    ] = None,
    slug: Annotated[
        Annotated[str, Meta(pattern=r"^[\w.-]{1,100}$", examples=["my-org"])] | None,
        Meta(description="Only the organization with exactly this slug."),
    ] = None,
) -> Request:
    """Return the organizations that the token reaches; their ids are what nearly every other tool asks for."""
    return rest("/orgs", group_id=group_id, name=name, slug=slug)


@CONNECTOR.tool()
def get_org(org_id: OrgId) -> Request:
    """Return one organization: name, slug, group, whether it is personal."""
    return rest(url("/orgs/{org_id}", org_id=org_id))


@CONNECTOR.tool(items="data")
def list_groups() -> Request:
    """Return the groups that the token reaches; a group holds organizations."""
    return rest("/groups", version=BETA)


@CONNECTOR.tool(items="data")
def list_group_orgs(group_id: GroupId) -> Request:
    """Return the organizations of a group, whether the token's owner is a member of them or not."""
    return rest(url("/groups/{group_id}/orgs", group_id=group_id))


@CONNECTOR.tool(items="data")
def list_org_members(
    org_id: OrgId,
    email: Annotated[Text | None, Meta(description="Only the member with this e-mail address.")] = None,
    role_name: Annotated[Text | None, Meta(description="Only members with this role, such as Org Admin.")] = None,
) -> Request:
    """Return an organization's members with their roles."""
    return rest(url("/orgs/{org_id}/memberships", org_id=org_id), email=email, role_name=role_name)


@CONNECTOR.tool(items="data")
def list_service_accounts(org_id: OrgId) -> Request:
    """Return an organization's service accounts: name, role, how each authenticates; never its secret."""
    return rest(url("/orgs/{org_id}/service_accounts", org_id=org_id))
