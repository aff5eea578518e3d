"""The credential's owner, and the workspaces with their members and projects."""

from __future__ import annotations

from devmesh.connectors.bitbucket.arguments import Query, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_ACCOUNT, READS_PROJECTS, READS_WORKSPACES
from devmesh.upstream.model import Request, get, url

_WORKSPACE = "/2.0/workspaces/{workspace}"


@CONNECTOR.tool(needs=READS_ACCOUNT)
def get_current_user() -> Request:
    """Return the profile of the person whose credential is used: display_name, account_id, uuid.

    Use it to learn who "I" is. Repository, project and workspace access tokens belong to nobody: 403.
    """
    return get("/2.0/user")


@CONNECTOR.tool(items="values", needs=READS_WORKSPACES)
def list_user_workspaces() -> Request:
    """Return the workspaces that the person belongs to, each with its slug; start here to find repositories."""
    return get("/2.0/user/workspaces")


# Any access token will do, so that no scope is named.
@CONNECTOR.tool()
def get_workspace(workspace: Workspace) -> Request:
    """Return a workspace: name, slug, uuid, whether it is private."""
    return get(url(_WORKSPACE, workspace=workspace))


@CONNECTOR.tool(items="values", needs=READS_WORKSPACES)
def list_workspace_members(workspace: Workspace, q: Query = None) -> Request:
    """Return a workspace's members: display_name, account_id, uuid (which reviewers are named by)."""
    return get(url(f"{_WORKSPACE}/members", workspace=workspace), q=q)


@CONNECTOR.tool(items="values", needs=READS_PROJECTS)
def list_projects(workspace: Workspace) -> Request:
    """Return a workspace's projects, in which repositories are grouped: key, name, description."""
    return get(url(f"{_WORKSPACE}/projects", workspace=workspace))
