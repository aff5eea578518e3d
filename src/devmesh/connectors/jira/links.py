"""Links between issues, and from issues to web pages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.atlassian.documents import Text, document
from devmesh.connectors.jira.arguments import IssueKey, Line, NumericId
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send
from devmesh.upstream.model import url as path_of


@CONNECTOR.tool()
def list_link_types() -> Request:
    """Return the kinds of link between issues with their names and how each end reads (`blocks`, `is blocked by`)."""
    return get("/rest/api/3/issueLinkType")


@CONNECTOR.tool(writes=True)
def create_issue_link(
    type: Annotated[Line, Meta(description="Name of the kind, as `Blocks`; list_link_types lists them.")],  # noqa: A002
    inward_issue: Annotated[
        IssueKey, Meta(description="The issue that the link starts from: of `Blocks`, that blocks.")
    ],
    outward_issue: Annotated[IssueKey, Meta(description="The issue that it leads to: of `Blocks`, that is blocked.")],
    comment: Annotated[
        Text | None, Meta(description="A comment on the outward issue, in simple Markdown or as an ADF document.")
    ] = None,
) -> Request:
    """Link two issues; it returns nothing, the link is in the issues' `issuelinks`."""
    body = {
        "type": {"name": type},
        "inwardIssue": _issue(inward_issue),
        "outwardIssue": _issue(outward_issue),
        **given(comment=None if comment is None else {"body": document(comment, "comment")}),
    }
    return send("POST", "/rest/api/3/issueLink", body)


def _issue(key: str) -> dict[str, str]:
    return {"id" if key.isdecimal() else "key": key}


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_issue_link(
    link_id: Annotated[NumericId, Meta(description="Id of the link, from an issue's `issuelinks`.")],
) -> Request:
    """Remove the link between two issues; the issues themselves stay."""
    return send("DELETE", path_of("/rest/api/3/issueLink/{link_id}", link_id=link_id))


@CONNECTOR.tool(writes=True)
def add_remote_link(
    issue_id_or_key: IssueKey,
    url: Annotated[
        str,
        Meta(
            description="Address of the page.",
            pattern="^https?://[^\\s]+$",
            max_length=2000,
            examples=["https://wiki.example/page"],
        ),
    ],
    title: Annotated[Line, Meta(description="What the link reads.")],
    relationship: Annotated[Line | None, Meta(description="How the page relates to the issue: `causes`.")] = None,
) -> Request:
    """Link an issue to a web page and return the link's id; each call adds another one."""
    link = {"object": {"url": url, "title": title}, **given(relationship=relationship)}
    return send(
        "POST", path_of("/rest/api/3/issue/{issue_id_or_key}/remotelink", issue_id_or_key=issue_id_or_key), link
    )
