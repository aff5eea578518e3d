"""The workspace: whom the token belongs to, and the user groups."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import TeamId
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool()
def test_auth() -> Request:
    """Return whom the token belongs to: user, bot, workspace, and the workspace's address."""
    return get("/auth.test")


@CONNECTOR.tool(needs=("team:read",))
def get_team_info(
    team: Annotated[TeamId | None, Meta(description="ID of the workspace; omitted: the token's.")] = None,
) -> Request:
    """Return the workspace's name, domain, icon and Enterprise organization."""
    return get("/team.info", team=team)


@CONNECTOR.tool(needs=("usergroups:read",))
def list_usergroups(
    include_users: Annotated[bool | None, Meta(description="True: with the IDs of each group's members.")] = None,
    include_disabled: Annotated[bool | None, Meta(description="True: disabled groups too.")] = None,
) -> Request:
    """Return the user groups (such as @backend-team), all at once: ID, handle, name, number of members."""
    return get("/usergroups.list", include_users=include_users, include_disabled=include_disabled)


@CONNECTOR.tool(needs=("usergroups:read",))
def list_usergroup_members(
    usergroup: Annotated[
        str,
        Meta(
            description="ID of the user group, from list_usergroups.",
            pattern="^S[A-Z0-9]{2,30}$",
            examples=["S0123456789"],
        ),
    ],
) -> Request:
    """Return the IDs of a user group's members, all at once; get_user tells who each is."""
    return get("/usergroups.users.list", usergroup=usergroup)
