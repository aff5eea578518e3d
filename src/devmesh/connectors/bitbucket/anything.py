"""The rest of Bitbucket's API, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import ApiBody, ApiMethod, ApiQuery, Request, any_request

# Bitbucket takes it for the credential.
_CREDENTIAL = "access_token"

Path = Annotated[
    str,
    Meta(
        description="Path, filled in and without a query; a branch's slashes and a UUID's braces in it are encoded.",
        pattern=r"^/2\.0/[^?#]*$",
        max_length=4096,
        examples=["/2.0/repositories/my-team/hello-world/default-reviewers"],
    ),
]


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing at Bitbucket."""
    return request.method in ("GET", "HEAD")


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: Path, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of Bitbucket Cloud's API (2.0) that has no tool of its own, and return its reply as it is.

    Paths and fields are those of https://developer.atlassian.com/cloud/bitbucket/rest/, after /2.0; lists page by
    `pagelen` and `page`. Without write rights only GET and HEAD are open.
    """
    if query is not None and _CREDENTIAL in query:
        raise Invalid([Fault("query", f"must not hold {_CREDENTIAL}: the stored credential is used")])
    return any_request(method, path, query, body)
