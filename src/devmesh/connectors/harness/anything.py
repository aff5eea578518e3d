"""The rest of Harness's APIs, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from devmesh.connectors.harness.calls import send_yaml
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.upstream.model import ApiMethod, ApiPath, ApiQuery, Request, any_request, readings


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing, but for the internal routes: one of them migrates a schema by GET."""
    segments = {segment for one in readings(request.path) for segment in one.lower().split("/")}
    return request.method in ("GET", "HEAD") and "internal" not in segments


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(
    method: ApiMethod,
    path: ApiPath,
    query: ApiQuery = None,
    body: Annotated[
        dict[str, Any] | list[Any] | str | None,
        Meta(description="The body: JSON, or a text that is sent as YAML; not with GET or HEAD."),
    ] = None,
) -> Request:
    """Call any operation of Harness's APIs that has no tool of its own, and return its reply as it is.

    Paths are those of https://apidocs.harness.io, from /ng/api, /pipeline/api or /v1 on; the account is added to the
    query. Without write rights only GET and HEAD are open.
    """
    if not isinstance(body, str):
        return any_request(method, path, query, body)
    plain = any_request(method, path, query, {"yaml": body})
    return send_yaml(method, plain.path, plain.query, body, "body")
