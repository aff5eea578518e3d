"""The rest of Confluence's APIs, for what has no tool of its own."""

from __future__ import annotations

from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, any_request

_INTERFACES = ("/wiki/api/v2/", "/wiki/rest/api/", "/rest/api/")


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing in these; pages do, and Data Center's older interfaces (SOAP) and plugins."""
    return request.method in ("GET", "HEAD") and request.path.startswith(_INTERFACES)


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of Confluence's REST APIs that has no tool of its own, and return its reply as it is.

    Paths begin with /wiki/api/v2 or /wiki/rest/api (Data Center: /rest/api), as in
    https://developer.atlassian.com/cloud/confluence/rest/v2/. Without write rights only
    GET and HEAD of these are open.
    """
    return any_request(method, path, query, body)
