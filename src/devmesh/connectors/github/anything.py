"""The rest of GitHub's API, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, given, plain_path

_Scalar = str | int | float | bool


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing at GitHub; a GraphQL query is a POST and counts as a write."""
    return request.method in ("GET", "HEAD")


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(
    method: Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], Meta(description="The HTTP method.")],
    path: Annotated[
        str,
        Meta(
            description="Path from the API's root, filled in and without a query.",
            pattern="^/[^?#]*$",
            max_length=4096,
            examples=["/repos/octocat/hello-world/topics"],
        ),
    ],
    query: Annotated[
        dict[str, _Scalar | list[_Scalar] | None] | None,
        Meta(description="Query parameters by name, such as per_page and page."),
    ] = None,
    body: Annotated[dict[str, Any] | list[Any] | None, Meta(description="The JSON body; not with GET or HEAD.")] = None,
) -> Request:
    """Call any operation of GitHub's REST API that has no tool of its own, and return its reply as it is.

    Paths and fields are those of https://docs.github.com/rest. Without write rights only GET and HEAD are open.
    """
    if body is not None and method in ("GET", "HEAD"):
        raise Invalid([Fault("body", f"{method} takes none: give parameters in `query`")])
    return Request(method=method, path=plain_path(path), json=body, query=given(**(query or {})))
