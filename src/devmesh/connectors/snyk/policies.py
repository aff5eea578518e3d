"""What is not to be reported: policies (REST), and a project's ignores (v1)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.snyk.arguments import IgnoreType, OrgId, ProjectId, Text, Time, Uuid, moment
from devmesh.connectors.snyk.calls import rest, send_rest, v1
from devmesh.connectors.snyk.declaration import CONNECTOR
from devmesh.upstream.model import Request, given, url

_IGNORE = "/org/{org_id}/project/{project_id}/ignore/{issue_id}"

Reason = Annotated[str, Meta(min_length=1, max_length=10_000)]
IssueKey = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=200,
        description="The issue's key, such as SNYK-JS-QS-10019 (list_issues: attributes.key).",
    ),
]
Expires = Annotated[Time | None, Meta(description="Until when (RFC 3339); needed for temporary-ignore.")]


@CONNECTOR.tool(items="data")
def list_policies(
    org_id: OrgId,
    search: Annotated[Text | None, Meta(description="Only policies in which these words occur.")] = None,
    order_by: Annotated[
        Literal["created", "expires", "ignore-type", "requested-by"] | None, Meta(description="What to sort by.")
    ] = None,
) -> Request:
    """Return an organization's policies, each of which ignores a finding: name, condition, reason, until when."""
    return rest(url("/orgs/{org_id}/policies", org_id=org_id), search=search, order_by=order_by)


@CONNECTOR.tool(writes=True)
def create_policy(
    org_id: OrgId,
    name: Annotated[Text, Meta(description="Name of the policy.")],
    finding_id: Annotated[
        Uuid,
        Meta(description="The finding to ignore: attributes.key_asset of the issue, from list_issues."),
    ],
    ignore_type: Annotated[IgnoreType, Meta(description="Why it is ignored.")],
    reason: Annotated[Reason | None, Meta(description="The reason in words.")] = None,
    expires: Expires = None,
) -> Request:
    """Ignore a finding of code scanning in the whole organization by a policy, and return the policy.

    Vulnerabilities of packages are ignored by project, with add_ignore.
    """
    condition = {"field": "snyk/asset/finding/v1", "operator": "includes", "value": finding_id}
    attributes = {
        "name": name,
        "action_type": "ignore",
        "action": {"data": given(ignore_type=ignore_type, reason=reason, expires=moment(expires))},
        "conditions_group": {"logical_operator": "and", "conditions": [condition]},
    }
    path = url("/orgs/{org_id}/policies", org_id=org_id)
    return send_rest("POST", path, {"type": "policy", "attributes": attributes})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_policy(
    org_id: OrgId, policy_id: Annotated[Uuid, Meta(description="Id of the policy, from list_policies.")]
) -> Request:
    """Delete a policy: what it ignored is reported again."""
    return send_rest("DELETE", url("/orgs/{org_id}/policies/{policy_id}", org_id=org_id, policy_id=policy_id))


@CONNECTOR.tool()
def list_ignores(org_id: OrgId, project_id: ProjectId) -> Request:
    """Return what is ignored in a project, by the issues' keys; without the ignores of policies and .snyk files."""
    return v1("GET", url("/org/{org_id}/project/{project_id}/ignores", org_id=org_id, project_id=project_id))


@CONNECTOR.tool(writes=True)
def add_ignore(
    org_id: OrgId,
    project_id: ProjectId,
    issue_id: IssueKey,
    reason: Annotated[Reason, Meta(description="The reason in words.")],
    reason_type: Annotated[IgnoreType, Meta(description="Why it is ignored.")],
    ignore_path: Annotated[
        Text | None, Meta(description="Only on this path of dependencies, `a@1.0 > b@2.0`; omitted: everywhere.")
    ] = None,
    expires: Expires = None,
    disregard_if_fixable: Annotated[bool, Meta(description="True: report it again once it can be fixed.")] = False,
) -> Request:
    """Ignore a vulnerability or license issue in one project, and return the ignores of that issue."""
    rule = given(ignorePath=ignore_path, reason=reason, reasonType=reason_type, expires=moment(expires))
    path = url(_IGNORE, org_id=org_id, project_id=project_id, issue_id=issue_id)
    return v1("POST", path, {**rule, "disregardIfFixable": disregard_if_fixable})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_ignore(org_id: OrgId, project_id: ProjectId, issue_id: IssueKey) -> Request:
    """Stop ignoring an issue in a project, on all paths: it is reported again."""
    return v1("DELETE", url(_IGNORE, org_id=org_id, project_id=project_id, issue_id=issue_id))
