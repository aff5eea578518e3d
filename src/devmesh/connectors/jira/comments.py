"""Comments on issues."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.atlassian.documents import Text, document
from devmesh.connectors.jira.arguments import IssueKey, Line, NumericId
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_COMMENTS = "/rest/api/3/issue/{issue_id_or_key}/comment"

Body = Annotated[Text, Meta(description="The comment, in simple Markdown; or a whole ADF document.")]
CommentId = Annotated[NumericId, Meta(description="Id of the comment, from list_comments.")]


class Visibility(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who may see a comment."""

    type: Annotated[Literal["role", "group"], Meta(description="A role of the project, or a group.")]
    value: Annotated[Line, Meta(description="The name of the role or group.")]


@CONNECTOR.tool(items="comments")
def list_comments(
    issue_id_or_key: IssueKey,
    order_by: Annotated[
        Literal["created", "-created", "+created"] | None, Meta(description="Oldest first, or with `-` newest first.")
    ] = None,
) -> Request:
    """Return an issue's comments: author, text (an ADF document), times and who may see them."""
    return get(url(_COMMENTS, issue_id_or_key=issue_id_or_key), orderBy=order_by)


@CONNECTOR.tool(writes=True)
def add_comment(
    issue_id_or_key: IssueKey,
    body: Body,
    visibility: Annotated[
        Visibility | None, Meta(description="Only this role or group sees it; omitted: whoever sees the issue.")
    ] = None,
) -> Request:
    """Comment on an issue and return the comment; each call adds another one."""
    return send(
        "POST",
        url(_COMMENTS, issue_id_or_key=issue_id_or_key),
        given(body=document(body, "body"), visibility=visibility),
    )


@CONNECTOR.tool(writes=True, idempotent=True)
def update_comment(issue_id_or_key: IssueKey, id: CommentId, body: Body) -> Request:  # noqa: A002
    """Replace the text of a comment and return it."""
    path = url(f"{_COMMENTS}/{{id}}", issue_id_or_key=issue_id_or_key, id=id)
    return send("PUT", path, {"body": document(body, "body")})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_comment(issue_id_or_key: IssueKey, id: CommentId) -> Request:  # noqa: A002
    """Delete a comment of an issue, for good; it returns nothing."""
    return send("DELETE", url(f"{_COMMENTS}/{{id}}", issue_id_or_key=issue_id_or_key, id=id))
