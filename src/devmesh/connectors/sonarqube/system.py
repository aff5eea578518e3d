"""The server and who is asking: status, users, languages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import Text
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.connectors.sonarqube.paging import CountedPaging
from devmesh.upstream.model import Request, get


@CONNECTOR.tool()
def validate_authentication() -> Request:
    """Return `valid`: false for a bad token, but true also for nobody where anybody may read; see get_current_user."""
    return get("/api/authentication/validate")


@CONNECTOR.tool()
def get_current_user() -> Request:
    """Return the profile of the token's owner: login, name, groups, permissions; `isLoggedIn` false means nobody."""
    return get("/api/users/current")


@CONNECTOR.tool()
def get_system_status() -> Request:
    """Return the server's version and state: UP, STARTING, DOWN, DB_MIGRATION_NEEDED and the like."""
    return get("/api/system/status")


@CONNECTOR.tool()
def get_system_health() -> Request:
    """Return GREEN, YELLOW or RED with the causes; needs the permission Administer System. Not on SonarQube Cloud."""
    return get("/api/system/health")


@CONNECTOR.tool(projects=False)
def ping_system() -> Request:
    """Return the text `pong` if the server is reachable; it says nothing of the token."""
    return get("/api/system/ping")


@CONNECTOR.tool()
def list_languages(
    q: Annotated[Text | None, Meta(description="Only those whose key or name holds this.")] = None,
) -> Request:
    """Return the programming languages that this server analyzes, each with its key."""
    return get("/api/languages/list", q=q)


@CONNECTOR.tool(items="users", paging=CountedPaging("pageIndex", "pageSize"))
def search_users(
    q: Annotated[Text | None, Meta(description="Only those whose login, name or e-mail holds this.")] = None,
    active: Annotated[bool | None, Meta(description="False: those who were deactivated; omitted: the active.")] = None,
) -> Request:
    """Return users: login, name, whether active; e-mail and more for administrators.

    Servers from 10.4 on; not on SonarQube Cloud.
    """
    return get("/api/v2/users-management/users", q=q, active=active)
