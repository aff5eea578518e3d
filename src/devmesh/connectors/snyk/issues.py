"""Issues: those that Snyk found in an organization or a group, and those that it knows of packages."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from devmesh.connectors.snyk.arguments import GroupId, IssueType, OrgId, Purl, Severities, Statuses, Uuid, joined
from devmesh.connectors.snyk.calls import rest, send_rest
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.connectors.snyk.paging import LinkPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, url


@CONNECTOR.tool(items="data")
def list_issues(
    org_id: OrgId,
    scan_item_id: Annotated[
        Uuid | None, Meta(description="Only issues of this project or environment; give scan_item_type with it.")
    ] = None,
    scan_item_type: Annotated[
        Literal["project", "environment"] | None, Meta(description="What scan_item_id is.")
    ] = None,
    type_: IssueType = None,
    effective_severity_level: Severities = None,
    status: Statuses = None,
    ignored: Annotated[bool | None, Meta(description="True: only ignored issues; false: only others.")] = None,
) -> Request:
    """Return an organization's issues: title, severity, where they are, whether they are ignored or fixable."""
    if scan_item_id is not None and scan_item_type is None:
        raise Invalid([Fault("scan_item_type", "required with scan_item_id")])
    query: dict[str, Any] = {"scan_item.id": scan_item_id, "scan_item.type": scan_item_type, "type": type_}
    return rest(
        url("/orgs/{org_id}/issues", org_id=org_id),
        **query,
        effective_severity_level=joined(effective_severity_level),
        status=joined(status),
        ignored=ignored,
    )


@CONNECTOR.tool()
def get_issue(
    org_id: OrgId, issue_id: Annotated[Uuid, Meta(description="Id of the issue, from list_issues.")]
) -> Request:
    """Return one issue: severity and why, the places where it was found, and how it can be fixed."""
    return rest(url("/orgs/{org_id}/issues/{issue_id}", org_id=org_id, issue_id=issue_id))


@CONNECTOR.tool(items="data")
def list_group_issues(
    group_id: GroupId,
    type_: IssueType = None,
    effective_severity_level: Severities = None,
    status: Statuses = None,
) -> Request:
    """Return the issues of all organizations of a group; for those of one, use list_issues."""
    return rest(
        url("/groups/{group_id}/issues", group_id=group_id),
        type=type_,
        effective_severity_level=joined(effective_severity_level),
        status=joined(status),
    )


@CONNECTOR.tool(items="data", paging=LinkPaging("offset", step=1, most=1000))
def list_package_issues(org_id: OrgId, purl: Purl) -> Request:
    """Return what Snyk knows of one version of a package, scanned or not: its own issues, not its dependencies'."""
    return rest(url("/orgs/{org_id}/packages/{purl}/issues", org_id=org_id, purl=purl))


@CONNECTOR.tool()
def list_packages_issues(
    org_id: OrgId,
    purls: Annotated[
        list[Purl], Meta(min_length=1, max_length=1000, description="Package URLs, each with its version.")
    ],
) -> Request:
    """Return what Snyk knows of several packages at once, as list_package_issues does of one."""
    data = {"type": "resource", "attributes": {"purls": purls}}
    return send_rest("POST", url("/orgs/{org_id}/packages/issues", org_id=org_id), data)
