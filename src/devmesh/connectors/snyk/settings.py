"""How an organization is set up, and who changed it."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta

from devmesh.connectors.snyk.arguments import OrgId, Time, moment
from devmesh.connectors.snyk.calls import rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.connectors.snyk.paging import LinkPaging
from devmesh.upstream.model import Request, url

_Event = Annotated[str, Meta(pattern="^[a-z0-9_.]{3,100}$", examples=["org.project.delete"])]


@CONNECTOR.tool(items="items", paging=LinkPaging("cursor", "size", step=1, within="data"))
def search_audit_logs(
    org_id: OrgId,
    from_: Annotated[Time | None, Meta(description="Only from this time on; omitted: since yesterday began.")] = None,
    to: Annotated[Time | None, Meta(description="Only before this time.")] = None,
    events: Annotated[
        Annotated[list[_Event], Meta(min_length=1, max_length=50)] | None,
        Meta(description="Only these events; api.access is told only if named here."),
    ] = None,
) -> Request:
    """Return what was done in an organization, newest first: event, when, by whom, on which project."""
    query: dict[str, Any] = {"from": moment(from_), "to": moment(to), "events": events}
    return rest(url("/orgs/{org_id}/audit_logs/search", org_id=org_id), **query)


@CONNECTOR.tool()
def get_sast_settings(org_id: OrgId) -> Request:
    """Return whether code scanning (Snyk Code) is switched on in an organization."""
    return rest(url("/orgs/{org_id}/settings/sast", org_id=org_id))
