"""The rest of the platform's API, for what has no tool of its own."""

from __future__ import annotations

import re

from devmesh.connectors.artifactory.arguments import NOT_REPOSITORIES
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, Routes, any_request, respelled

# What the tools read, but for AQL, which deletes too: its text is checked by search_aql alone.
_ROUTES = Routes(
    "GET /artifactory/api/system/ping",
    "GET /artifactory/api/system/version",
    "GET /artifactory/api/storageinfo",
    "GET /artifactory/api/repositories",
    "GET /artifactory/api/repositories/{repo_key}",
    "GET /artifactory/api/storage/{repo_key}",
    "GET /artifactory/api/storage/{repo_key}/{+path}",
    "GET /artifactory/api/search/artifact",
    "GET /artifactory/api/search/gavc",
    "GET /artifactory/api/search/prop",
    "GET /artifactory/api/search/checksum",
    "GET /artifactory/api/search/latestVersion",
    "GET /artifactory/api/build",
    # A build's name may hold slashes.
    "GET /artifactory/api/build/{+build}",
    "GET /artifactory/api/docker/{repo_key}/v2/_catalog",
    "GET /access/api/v2/users",
    "GET /access/api/v2/groups",
    "GET /access/api/v2/permissions",
    "GET /access/api/v1/projects",
    "GET /access/api/v1/tokens/me",
    "POST /xray/api/v1/summary/artifact",
)


# A file, or the tags of an image: the server's own routes begin as a repository might.
_NO_REPOSITORY = "|".join(sorted(NOT_REPOSITORIES))
_FILES = re.compile(
    f"/artifactory/(?!(?i:{_NO_REPOSITORY})/)[A-Za-z0-9_][A-Za-z0-9_.-]*/[^;]+"
    "|/artifactory/api/docker/[^/%]+/v2/[^%]+/tags/list"
)


def reads(request: Request) -> bool:
    """Whether the request is one of the tools' reads, whatever the server takes its path for."""
    return all(
        _ROUTES(one) or (one.method == "GET" and _FILES.fullmatch(one.path) is not None) for one in respelled(request)
    )


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=reads)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of Artifactory, Access or Xray that has no tool of its own, and return its reply as it is.

    Paths begin with /artifactory, /access or /xray; operations: https://jfrog.com/help/r/jfrog-rest-apis. Without
    write rights only what the reading tools read is open. Operations that give out tokens, keys or passwords need a
    scope with their own name.
    """
    return any_request(method, path, query, body)
