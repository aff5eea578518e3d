"""The rest of Jira's APIs, for what has no tool of its own."""

from __future__ import annotations

from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, any_request

_INTERFACES = ("/rest/api/", "/rest/agile/", "/rest/servicedeskapi/")


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing in these; pages, and what plugins bring, do. A search by POST counts as a write."""
    return request.method in ("GET", "HEAD") and request.path.startswith(_INTERFACES)


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of Jira's REST APIs that has no tool of its own, and return its reply as it is.

    Paths begin with /rest/api/3 (Data Center: /rest/api/2), /rest/agile/1.0 or /rest/servicedeskapi, as in
    https://developer.atlassian.com/cloud/jira/platform/rest/v3/. Without write rights only GET and
    HEAD of these are open.
    """
    return any_request(method, path, query, body)
