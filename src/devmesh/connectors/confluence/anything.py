"""The rest of Confluence's APIs, for what has no tool of its own."""

from __future__ import annotations

from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, any_request


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing at Confluence."""
    return request.method in ("GET", "HEAD")


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of Confluence's REST APIs that has no tool of its own, and return its reply as it is.

    Paths begin with /wiki/api/v2 or /wiki/rest/api (Data Center: /rest/api), as in
    https://developer.atlassian.com/cloud/confluence/rest/v2/. Without write rights only GET and HEAD are open.
    """
    return any_request(method, path, query, body)
