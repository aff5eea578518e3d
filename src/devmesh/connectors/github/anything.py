"""The rest of GitHub's API, for what has no tool of its own."""

from __future__ import annotations

from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, any_request


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing at GitHub; a GraphQL query is a POST and counts as a write."""
    return request.method in ("GET", "HEAD")


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of GitHub's REST API that has no tool of its own, and return its reply as it is.

    Paths and fields are those of https://docs.github.com/rest. Without write rights only GET and HEAD are open.
    """
    return any_request(method, path, query, body)
