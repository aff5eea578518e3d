"""What the whole site has: fields, priorities and statuses, and its version."""

from __future__ import annotations

from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool()
def get_server_info() -> Request:
    """Return the site's address, version and kind (Cloud or Data Center); it proves nothing of the credential."""
    return get("/rest/api/3/serverInfo")


@CONNECTOR.tool()
def list_fields() -> Request:
    """Return all fields of issues, custom ones too: the ids for `issue_fields` and `field_values`, names and types."""
    return get("/rest/api/3/field")


@CONNECTOR.tool(items="values")
def list_priorities() -> Request:
    """Return the priorities of issues with their ids and names, the default one marked."""
    return get("/rest/api/3/priority/search")


@CONNECTOR.tool()
def list_statuses() -> Request:
    """Return the statuses that issues can have, with their ids, names and categories (to do, in progress, done)."""
    return get("/rest/api/3/status")
