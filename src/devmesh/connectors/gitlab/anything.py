"""The rest of GitLab's REST API, for what has no tool of its own."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import ApiBody, ApiMethod, ApiQuery, Request, any_request

# GitLab takes each of them for the credential, before the one in the header.
_CREDENTIALS = ("private_token", "access_token", "job_token")
# An administrator's token acts as another user with it: nobody could tell any more who did what.
_SUDO = "sudo"

Path = Annotated[
    str,
    Meta(
        description="Path, filled in and without a query; a project's path in it is encoded (group%2Fproject).",
        pattern="^/api/v4/[^?#]*$",
        max_length=4096,
        examples=["/api/v4/projects/gitlab-org%2Fgitlab/labels"],
    ),
]


def _reads(request: Request) -> bool:
    """GET and HEAD change nothing at GitLab."""
    return request.method in ("GET", "HEAD")


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_reads)
def call_api(method: ApiMethod, path: Path, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of GitLab's REST API (v4) that has no tool of its own, and return its reply as it is.

    Paths and fields are those of https://docs.gitlab.com/api/rest/, after /api/v4; lists page by `per_page` and `page`.
    Without write rights only GET and HEAD are open.
    """
    for argument, values in (("query", query), ("body", body)):
        # `sudo[]` and `sudo[x]` are read as the same parameter.
        named = {name.partition("[")[0] for name in values} if isinstance(values, dict) else set()
        if wrong := sorted(named & {*_CREDENTIALS, _SUDO}):
            raise Invalid([Fault(argument, f"must not hold {wrong[0]}: the stored credential is used, as its owner")])
    return any_request(method, path, query, body)
