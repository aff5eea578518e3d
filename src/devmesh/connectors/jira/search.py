"""Issues found by JQL."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jira.arguments import IssueFields, Jql, joined
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.connectors.jira.issues import Expand
from devmesh.connectors.jira.paging import TokenPaging
from devmesh.upstream.model import Request, get, send

Query = Annotated[
    Jql,
    Meta(
        description='JQL with a restriction, as `project = PROJ AND status = "In Progress" ORDER BY updated DESC`; '
        "quote values with spaces or signs."
    ),
]


@CONNECTOR.tool(items="issues", paging=TokenPaging())
def search_issues(jql: Query, issue_fields: IssueFields = None, expand: Expand = None) -> Request:
    """Return the issues that JQL finds. Without `issue_fields` only their ids: name what you need, as `summary`.

    There is no total: for a number use count_issues.
    """
    return get("/rest/api/3/search/jql", jql=jql, fields=joined(issue_fields), expand=joined(expand))


@CONNECTOR.tool()
def count_issues(jql: Query) -> Request:
    """Return about how many issues JQL finds, without reading them."""
    return send("POST", "/rest/api/3/search/approximate-count", {"jql": jql})
