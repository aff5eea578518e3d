"""The rest of SonarQube's API, for what has no tool of its own."""

from __future__ import annotations

from msgspec import structs

from devmesh.connectors.sonarqube.arguments import written
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import ApiBody, ApiMethod, ApiPath, ApiQuery, Request, Routes, any_request

# What the tools read: SonarQube gives a project's badge token by GET, and other things change with the version.
READS = Routes(
    "GET /api/authentication/validate",
    "GET /api/users/current",
    "GET /api/system/status",
    "GET /api/system/health",
    "GET /api/system/ping",
    "GET /api/languages/list",
    "GET /api/v2/users-management/users",
    "GET /api/projects/search",
    "GET /api/components/search",
    "GET /api/components/show",
    "GET /api/components/tree",
    "GET /api/measures/component",
    "GET /api/measures/search_history",
    "GET /api/measures/component_tree",
    "GET /api/metrics/search",
    "GET /api/issues/search",
    "GET /api/hotspots/search",
    "GET /api/hotspots/show",
    "GET /api/qualitygates/project_status",
    "GET /api/qualitygates/list",
    "GET /api/qualitygates/show",
    "GET /api/qualityprofiles/search",
    "GET /api/rules/search",
    "GET /api/rules/show",
    "GET /api/project_branches/list",
    "GET /api/project_pull_requests/list",
    "GET /api/project_analyses/search",
    "GET /api/ce/task",
    "GET /api/ce/activity",
    "GET /api/sources/raw",
    "GET /api/sources/show",
    "GET /api/sources/scm",
    "GET /api/duplications/show",
    "GET /api/webhooks/list",
)
_SECOND_VERSION = "/api/v2/"


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=READS)
def call_api(method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: ApiBody = None) -> Request:
    """Call any operation of SonarQube's web API that has no tool of its own, and return its reply as it is.

    `body` goes as form fields, to paths below /api/v2/ as JSON. Operations: /web_api of the server. Without write
    rights only what the reading tools read is open. Operations that give out tokens need a scope with their own name.
    """
    request = any_request(method, path, query, body)
    if body is None or request.path.startswith(_SECOND_VERSION):
        return request
    if isinstance(body, list):
        raise Invalid([Fault("body", "must be an object: its members become the fields of a form")])
    fields = {name: written(value) for name, value in body.items() if value is not None}
    return structs.replace(request, json=None, form=fields)
