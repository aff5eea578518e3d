"""The server, and what a token is."""

from __future__ import annotations

from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool(projects=False)
def ping() -> Request:
    """Return the text `OK` if Artifactory is up; it mostly answers anybody, and says nothing of the credential."""
    return get("/artifactory/api/system/ping")


@CONNECTOR.tool()
def get_version() -> Request:
    """Return Artifactory's version, revision and add-ons."""
    return get("/artifactory/api/system/version")


@CONNECTOR.tool()
def get_storage_info() -> Request:
    """Return how much is stored, in all and by repository; for administrators."""
    return get("/artifactory/api/storageinfo")


@CONNECTOR.tool()
def get_token_info() -> Request:
    """Return what the stored token is: subject, scope, when issued and when it ends; not for API keys."""
    return get("/access/api/v1/tokens/me")
