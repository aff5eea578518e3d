"""Issues and their comments."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import (
    READS,
    WRITES,
    Body,
    Id,
    Ids,
    IssueIid,
    LabelNames,
    Markdown,
    ProjectId,
    Search,
    Sort,
    Title,
    joined,
)
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_ISSUES = "/api/v4/projects/{id}/issues"
_ISSUE = f"{_ISSUES}/{{issue_iid}}"


@CONNECTOR.tool(items="", needs=READS)
def list_issues(
    id: ProjectId,  # noqa: A002
    state: Annotated[
        Literal["opened", "closed", "all"] | None, Meta(description="Only issues in this state; omitted: all.")
    ] = None,
    labels: Annotated[LabelNames | None, Meta(description="Only issues that have all of these labels.")] = None,
    assignee_id: Annotated[
        Id | Literal["None", "Any"] | None,
        Meta(description="Only issues assigned to this user; None: to nobody; Any: to anybody."),
    ] = None,
    search: Search = None,
    order_by: Annotated[
        Literal[
            "created_at",
            "due_date",
            "label_priority",
            "milestone_due",
            "popularity",
            "priority",
            "relative_position",
            "title",
            "updated_at",
            "weight",
        ]
        | None,
        Meta(description="What to sort by; omitted: created_at."),
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return a project's issues: iid, title, state, labels, assignees; comments come from list_issue_notes."""
    return get(
        url(_ISSUES, id=id),
        state=state,
        labels=joined(labels),
        assignee_id=assignee_id,
        search=search,
        order_by=order_by,
        sort=sort,
    )


@CONNECTOR.tool(needs=READS)
def get_issue(id: ProjectId, issue_iid: IssueIid) -> Request:  # noqa: A002
    """Return one issue: title, description, state, labels, assignees, milestone, due date."""
    return get(url(_ISSUE, id=id, issue_iid=issue_iid))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_issue(
    id: ProjectId,  # noqa: A002
    title: Annotated[Title, Meta(description="The title, one line.")],
    description: Annotated[Markdown | None, Meta(description="The text, in GitLab's Markdown.")] = None,
    labels: Annotated[LabelNames | None, Meta(description="Names of labels; unknown ones are created.")] = None,
    assignee_ids: Annotated[Ids | None, Meta(description="Ids of assignees (list_project_members).")] = None,
    milestone_id: Annotated[Id | None, Meta(description="Id of the milestone (list_milestones: `id`).")] = None,
    due_date: Annotated[
        Annotated[str, Meta(pattern="^[0-9]{4}-[0-9]{2}-[0-9]{2}$")] | None,
        Meta(description="When it is due, as YYYY-MM-DD.", examples=["2026-03-11"]),
    ] = None,
    confidential: Annotated[bool | None, Meta(description="True: seen by the project's members alone.")] = None,
) -> Request:
    """Open an issue and return it with its iid and web_url; each call opens another one."""
    issue = given(
        title=title,
        description=description,
        labels=joined(labels),
        assignee_ids=assignee_ids,
        milestone_id=milestone_id,
        due_date=due_date,
        confidential=confidential,
    )
    return send("POST", url(_ISSUES, id=id), issue)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_issue(
    id: ProjectId,  # noqa: A002
    issue_iid: IssueIid,
    title: Annotated[Title | None, Meta(description="The new title.")] = None,
    description: Annotated[Markdown | None, Meta(description="The whole new text; an empty one clears it.")] = None,
    labels: Annotated[LabelNames | None, Meta(description="The whole new set of labels; [] removes all.")] = None,
    assignee_ids: Annotated[Ids | None, Meta(description="The whole new set of assignees; [] removes all.")] = None,
    state_event: Annotated[Literal["close", "reopen"] | None, Meta(description="Close or reopen it.")] = None,
) -> Request:
    """Edit, close or reopen an issue and return it; what is left out stays as it is."""
    change = given(
        title=title,
        description=description,
        labels=joined(labels),
        assignee_ids=assignee_ids,
        state_event=state_event,
    )
    return send("PUT", url(_ISSUE, id=id, issue_iid=issue_iid), change)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_issue(id: ProjectId, issue_iid: IssueIid) -> Request:  # noqa: A002
    """Delete an issue with its comments, for good; returns nothing. update_issue with `close` is the reversible way."""
    return send("DELETE", url(_ISSUE, id=id, issue_iid=issue_iid))


@CONNECTOR.tool(items="", needs=READS)
def list_issue_notes(
    id: ProjectId,  # noqa: A002
    issue_iid: IssueIid,
    sort: Sort = None,
    order_by: Annotated[
        Literal["created_at", "updated_at"] | None, Meta(description="What to sort by; omitted: created_at.")
    ] = None,
) -> Request:
    """Return an issue's comments, newest first; those with `system: true` tell what was changed."""
    return get(url(f"{_ISSUE}/notes", id=id, issue_iid=issue_iid), sort=sort, order_by=order_by)


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_issue_note(
    id: ProjectId,  # noqa: A002
    issue_iid: IssueIid,
    body: Body,
    internal: Annotated[bool | None, Meta(description="True: seen by members of the project alone.")] = None,
) -> Request:
    """Comment on an issue and return the comment; each call adds another one."""
    return send("POST", url(f"{_ISSUE}/notes", id=id, issue_iid=issue_iid), given(body=body, internal=internal))
