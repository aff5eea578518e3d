"""What Jira Data Center does otherwise than the cloud: its API is the second version, and lacks some operations.

https://developer.atlassian.com/server/jira/platform/rest/
"""

from __future__ import annotations

import re
from typing import Any

from msgspec import structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request

_CLOUD, _DATA_CENTER = "/rest/api/3/", "/rest/api/2/"
# By the method and the path below the version: what call_api takes in its place.
_INSTEAD = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        ("GET search/jql", "GET /rest/api/2/search, with jql, fields, startAt and maxResults in its query"),
        ("POST search/approximate-count", "GET /rest/api/2/search, with jql and maxResults 0, which tells the total"),
        ("GET project/search", "GET /rest/api/2/project"),
        ("GET priority/search", "GET /rest/api/2/priority"),
        ("GET issue/[^/]+/changelog", "GET /rest/api/2/issue/KEY, with expand changelog in its query"),
        ("GET user/search", "GET /rest/api/2/user/search, with username in its query"),
        ("GET user/assignable/search", "GET /rest/api/2/user/assignable/search, with username and project or issueKey"),
        ("PUT issue/[^/]+/assignee", 'PUT /rest/api/2/issue/KEY/assignee, with {"name": …} as its body'),
        ("DELETE issue/[^/]+/watchers", "DELETE /rest/api/2/issue/KEY/watchers, with username in its query"),
    )
)


def for_data_center(request: Request) -> Request:
    """Return the request by the version that Data Center has; paths that name a version of their own stay.

    Raises Invalid, naming what to call instead, for what Data Center lacks, and for a document of Atlassian's, which
    it does not read.
    """
    if not request.path.startswith(_CLOUD):
        return request
    below = request.path.removeprefix(_CLOUD)
    for pattern, instead in _INSTEAD:
        if pattern.fullmatch(f"{request.method} {below}"):
            raise Invalid([Fault("", f"Jira Data Center does this otherwise: use jira.call_api, {instead}")])
    if _holds_document(request.json):
        instead = f"use jira.call_api, {request.method} {_DATA_CENTER}{below}, with a plain text where a document stood"
        raise Invalid([Fault("", f"Jira Data Center reads wiki markup, no Atlassian documents (ADF): {instead}")])
    return structs.replace(request, path=_DATA_CENTER + below)


def _holds_document(value: Any) -> bool:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            if one.get("type") == "doc" and "content" in one:
                return True
            left += one.values()
        elif isinstance(one, list):
            left += one
    return False
