"""Accounts, and what the credential's own may do."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.jira.arguments import IssueKey, Line, ProjectKey, joined
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.upstream.model import Request, get

# Jira looks no further than at the thousandth account.
_PAGING = CountedPaging(1000, last=1000)


@CONNECTOR.tool()
def get_current_user(
    expand: Annotated[
        list[Literal["groups", "applicationRoles"]] | None, Meta(description="What else to return.")
    ] = None,
) -> Request:
    """Return the account that the credential belongs to: account id, name, e-mail, time zone."""
    return get("/rest/api/3/myself", expand=joined(expand))


@CONNECTOR.tool(items="", paging=_PAGING)
def search_users(query: Annotated[Line, Meta(description="Beginning of a name or e-mail.")]) -> Request:
    """Return accounts by name or e-mail, with the account ids that other tools take.

    A page may be empty before the last, as Jira leaves out whom the credential's owner may not see.
    """
    return get("/rest/api/3/user/search", query=query)


@CONNECTOR.tool(items="", paging=_PAGING)
def search_assignable_users(
    query: Annotated[Line | None, Meta(description="Beginning of a name or e-mail.")] = None,
    project: Annotated[ProjectKey | None, Meta(description="Who can be assigned new issues of this project.")] = None,
    issue_key: Annotated[IssueKey | None, Meta(description="Who can be assigned this issue.")] = None,
) -> Request:
    """Return the accounts to which issues of a project, or one issue, can be assigned; give one of the two.

    A page may be empty before the last, as Jira leaves out who cannot be assigned.
    """
    return get("/rest/api/3/user/assignable/search", query=query, project=project, issueKey=issue_key)


@CONNECTOR.tool()
def get_my_permissions(
    permissions: Annotated[
        list[Annotated[str, Meta(pattern="^[A-Za-z0-9_.-]{1,255}$", examples=["CREATE_ISSUES"])]],
        Meta(min_length=1, max_length=100, description="Keys of permissions, as BROWSE_PROJECTS, EDIT_ISSUES."),
    ],
    project_key: Annotated[ProjectKey | None, Meta(description="In this project.")] = None,
    issue_key: Annotated[IssueKey | None, Meta(description="On this issue.")] = None,
) -> Request:
    """Return which of these permissions the credential's owner has: on the site, in a project or on an issue."""
    return get("/rest/api/3/mypermissions", permissions=joined(permissions), projectKey=project_key, issueKey=issue_key)
