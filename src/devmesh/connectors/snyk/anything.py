"""The rest of Snyk's APIs, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, structs

from devmesh.connectors.snyk.calls import VERSION
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.upstream.model import ApiBody, ApiMethod, ApiQuery, Request, Routes, any_request, respelled

# Of v1, the requests of the tools that only read.
_V1_READS = Routes(
    "GET /v1/org/{org}/integrations",
    "GET /v1/org/{org}/integrations/{integration}/import/{job}",
    "GET /v1/org/{org}/project/{project}/ignores",
    "POST /v1/org/{org}/dependencies",
)


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing in Snyk's REST API."""
    if request.method in ("GET", "HEAD") and request.path.startswith("/rest/"):
        return True
    return all(map(_V1_READS, respelled(request)))


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(
    method: ApiMethod,
    path: Annotated[
        str,
        Meta(
            description="Path with its interface, filled in and without a query: /rest/… or /v1/….",
            pattern="^/(rest|v1)/[^?#]*$",
            max_length=4096,
            examples=["/rest/orgs"],
        ),
    ],
    query: ApiQuery = None,
    body: ApiBody = None,
) -> Request:
    """Call any operation of Snyk's REST or v1 API that has no tool of its own, and return its reply as it is.

    REST takes a version in `query`, a date such as 2025-11-05 or 2025-11-05~beta; without one it is this date, not
    beta. Without write rights only GET and HEAD of /rest/ are open. Paths are those of https://docs.snyk.io/snyk-api.
    """
    request = any_request(method, path, query, body)
    if not request.path.startswith("/rest/"):
        return structs.replace(request, headers={"accept": "application/json"})
    kind = {} if body is None else {"content-type": "application/vnd.api+json"}
    return structs.replace(request, query={"version": VERSION, **request.query}, headers=kind)
