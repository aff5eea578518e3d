"""An issue's way through the workflow, and its history."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.atlassian.documents import Text, document
from devmesh.connectors.jira.arguments import FieldValues, IssueKey, NumericId, joined
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_ISSUE = "/rest/api/3/issue/{issue_id_or_key}"


@CONNECTOR.tool()
def list_transitions(
    issue_id_or_key: IssueKey,
    expand: Annotated[
        list[Literal["transitions.fields"]] | None,
        Meta(description="`transitions.fields`: also the fields that each move asks for."),
    ] = None,
) -> Request:
    """Return the moves that the workflow allows an issue now, with their ids and the status that each leads to."""
    return get(url(f"{_ISSUE}/transitions", issue_id_or_key=issue_id_or_key), expand=joined(expand))


@CONNECTOR.tool(writes=True)
def transition_issue(
    issue_id_or_key: IssueKey,
    transition_id: Annotated[NumericId, Meta(description="Id of the move, from list_transitions.")],
    field_values: Annotated[
        FieldValues | None,
        Meta(description='Fields of the move\'s screen, by id: {"resolution": {"name": "Done"}}.'),
    ] = None,
    comment: Annotated[
        Text | None, Meta(description="A comment to add, in simple Markdown or as an ADF document.")
    ] = None,
) -> Request:
    """Move an issue to another status; which moves there are, list_transitions says."""
    added = None if comment is None else {"comment": [{"add": {"body": document(comment, "comment")}}]}
    body = {"transition": {"id": transition_id}, **given(fields=field_values, update=added)}
    return send("POST", url(f"{_ISSUE}/transitions", issue_id_or_key=issue_id_or_key), body)


@CONNECTOR.tool(items="values")
def get_changelog(issue_id_or_key: IssueKey) -> Request:
    """Return an issue's history, oldest first: who changed which field from what to what, and when."""
    return get(url(f"{_ISSUE}/changelog", issue_id_or_key=issue_id_or_key))
