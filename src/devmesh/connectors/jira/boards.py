"""Boards, sprints and the backlog: https://developer.atlassian.com/cloud/jira/software/rest/."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.jira.arguments import (
    BoardId,
    Id,
    IssueKeys,
    Jql,
    Line,
    ProjectKey,
    SprintId,
    Time,
    joined,
    moment,
)
from devmesh.connectors.jira.declaration import CONNECTOR
from devmesh.connectors.jira.paging import CountedPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_PAGING = CountedPaging(50)
_SPRINT = "/rest/agile/1.0/sprint/{sprint}"

Narrower = Annotated[Jql | None, Meta(description="Only those that this JQL finds, too.")]
Goal = Annotated[Annotated[str, Meta(max_length=2000)] | None, Meta(description="What it is for.")]
Start = Annotated[Time | None, Meta(description="When it begins (RFC 3339).")]
End = Annotated[Time | None, Meta(description="When it ends (RFC 3339).")]


@CONNECTOR.tool(items="values", paging=_PAGING)
def list_boards(
    project_key_or_id: Annotated[ProjectKey | None, Meta(description="Only boards of this project.")] = None,
    type: Annotated[  # noqa: A002
        Literal["scrum", "kanban", "simple"] | None, Meta(description="Only boards of this type.")
    ] = None,
    name: Annotated[Line | None, Meta(description="Only boards with this in their name.")] = None,
) -> Request:
    """Return boards with their ids, names and types; sprints are found by list_sprints."""
    return get("/rest/agile/1.0/board", projectKeyOrId=project_key_or_id, type=type, name=name)


@CONNECTOR.tool(items="issues")
def list_board_issues(board_id: BoardId, jql: Narrower = None) -> Request:
    """Return a board's issues with their fields, in the order of the board; those of one sprint: list_sprint_issues."""
    return get(url("/rest/agile/1.0/board/{board}/issue", board=board_id), jql=jql)


@CONNECTOR.tool(items="values", paging=_PAGING)
def list_sprints(
    board_id: BoardId,
    state: Annotated[
        list[Literal["future", "active", "closed"]] | None, Meta(description="Only sprints in these states.")
    ] = None,
) -> Request:
    """Return the sprints of a scrum board: ids, names, states, dates and goals."""
    return get(url("/rest/agile/1.0/board/{board}/sprint", board=board_id), state=joined(state))


@CONNECTOR.tool(items="issues")
def list_sprint_issues(sprint_id: SprintId, jql: Narrower = None) -> Request:
    """Return the issues of a sprint with their fields."""
    return get(url(f"{_SPRINT}/issue", sprint=sprint_id), jql=jql)


@CONNECTOR.tool(writes=True)
def create_sprint(
    name: Annotated[Annotated[str, Meta(min_length=1, max_length=30)], Meta(description="Its name.")],
    origin_board_id: Annotated[Id, Meta(description="Id of the board that it is made on, from list_boards.")],
    start_date: Start = None,
    end_date: End = None,
    goal: Goal = None,
) -> Request:
    """Make a sprint that has not begun, and return it; update_sprint starts it."""
    sprint = given(
        name=name, originBoardId=origin_board_id, startDate=moment(start_date), endDate=moment(end_date), goal=goal
    )
    return send("POST", "/rest/agile/1.0/sprint", sprint)


@CONNECTOR.tool(writes=True, idempotent=True)
def update_sprint(
    sprint_id: SprintId,
    name: Annotated[Annotated[str, Meta(min_length=1, max_length=30)] | None, Meta(description="The new name.")] = None,
    state: Annotated[
        Literal["active", "closed", "future"] | None,
        Meta(description="`active` starts it (needs both dates), `closed` ends it."),
    ] = None,
    start_date: Start = None,
    end_date: End = None,
    goal: Goal = None,
) -> Request:
    """Edit, start or close a sprint and return it; what is left out stays as it is."""
    change = given(name=name, state=state, startDate=moment(start_date), endDate=moment(end_date), goal=goal)
    if not change:
        raise Invalid([Fault("name", "give at least one thing to change")])
    return send("POST", url(_SPRINT, sprint=sprint_id), change)


@CONNECTOR.tool(writes=True, idempotent=True)
def add_issues_to_sprint(
    sprint_id: SprintId, issues: Annotated[IssueKeys, Meta(description="Keys of at most 50 issues.")]
) -> Request:
    """Move issues to a sprint that is not closed, out of the one that they are in."""
    return send("POST", url(f"{_SPRINT}/issue", sprint=sprint_id), {"issues": issues})


@CONNECTOR.tool(writes=True, idempotent=True)
def move_issues_to_backlog(
    issues: Annotated[IssueKeys, Meta(description="Keys of at most 50 issues.")],
) -> Request:
    """Move issues out of their sprint, back to the backlog."""
    return send("POST", "/rest/agile/1.0/backlog/issue", {"issues": issues})
