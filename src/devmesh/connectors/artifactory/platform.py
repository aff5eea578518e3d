"""What stands beside Artifactory on the platform: Access's users and permissions, projects, and Xray."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import Text
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.connectors.artifactory.paging import AccessPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send

_PAGING = AccessPaging()


@CONNECTOR.tool(items="users", paging=_PAGING)
def list_users(
    username: Annotated[Text | None, Meta(description="Only names that hold this.")] = None,
) -> Request:
    """Return the platform's users: name, realm, status. For administrators, or a token with system:identities:r."""
    return get("/access/api/v2/users", username=username)


@CONNECTOR.tool(items="groups", paging=_PAGING)
def list_groups() -> Request:
    """Return the platform's groups by name. For administrators, or a token with system:identities:r."""
    return get("/access/api/v2/groups")


@CONNECTOR.tool(items="permissions", paging=_PAGING)
def list_permissions() -> Request:
    """Return the platform's permissions by name (7.72 and later); for administrators."""
    return get("/access/api/v2/permissions")


@CONNECTOR.tool()
def list_projects() -> Request:
    """Return the platform's projects: key, name, description, quota. For administrators."""
    return get("/access/api/v1/projects")


@CONNECTOR.tool()
def get_artifact_summary(
    checksums: Annotated[
        Annotated[list[Annotated[str, Meta(pattern="^[0-9a-fA-F]{40}([0-9a-fA-F]{24})?$")]], Meta(max_length=100)]
        | None,
        Meta(description="SHA-256 or SHA-1 of the files.", examples=[["86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"]]),
    ] = None,
    paths: Annotated[
        Annotated[list[Text], Meta(max_length=100)] | None,
        Meta(description="Paths of the files, the server before the repository: default/libs-release-local/a/b.jar."),
    ] = None,
) -> Request:
    """Return what Xray knows of files: vulnerabilities with severity and fixed versions, and licenses."""
    if not (checksums or paths):
        raise Invalid([Fault("", "give checksums or paths")])
    return send("POST", "/xray/api/v1/summary/artifact", given(checksums=checksums, paths=paths))
