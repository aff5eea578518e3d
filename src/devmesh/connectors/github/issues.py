"""Issues, their comments and assignees."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import (
    Direction,
    IssueNumber,
    LabelNames,
    Logins,
    Markdown,
    Owner,
    Repo,
    Since,
    Text,
    Title,
    joined,
    moment,
)
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.upstream.model import Request, get, given, send, url

_ISSUE = "/repos/{owner}/{repo}/issues/{issue_number}"

Body = Annotated[Markdown | None, Meta(description="The text, in Markdown.")]


@CONNECTOR.tool(items="")
def list_issues(
    owner: Owner,
    repo: Repo,
    state: Annotated[
        Literal["open", "closed", "all"] | None, Meta(description="Only issues in this state; omitted: open.")
    ] = None,
    labels: Annotated[LabelNames | None, Meta(description="Only issues that have all of these labels.")] = None,
    assignee: Annotated[
        Text | None, Meta(description="Only issues assigned to this login; `none`: to nobody; `*`: to anybody.")
    ] = None,
    since: Since = None,
    sort: Annotated[
        Literal["created", "updated", "comments"] | None, Meta(description="What to sort by; omitted: created.")
    ] = None,
    direction: Direction = None,
) -> Request:
    """Return a repository's issues. Pull requests are among them: those have a `pull_request` member.

    For words or several repositories use search_issues.
    """
    return get(
        url("/repos/{owner}/{repo}/issues", owner=owner, repo=repo),
        state=state,
        labels=joined(labels),
        assignee=assignee,
        since=moment(since),
        sort=sort,
        direction=direction,
    )


@CONNECTOR.tool()
def get_issue(owner: Owner, repo: Repo, issue_number: IssueNumber) -> Request:
    """Return one issue: title, body, state, labels, assignees, milestone; comments come from list_issue_comments."""
    return get(url(_ISSUE, owner=owner, repo=repo, issue_number=issue_number))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_issue(
    owner: Owner,
    repo: Repo,
    title: Annotated[Title, Meta(description="The title, one line.")],
    body: Body = None,
    labels: Annotated[LabelNames | None, Meta(description="Names of labels; needs push access.")] = None,
    assignees: Annotated[Logins | None, Meta(description="Logins of assignees; needs push access.")] = None,
    milestone: Annotated[
        Annotated[int, Meta(ge=1)] | None, Meta(description="Number of the milestone; needs push access.")
    ] = None,
) -> Request:
    """Open an issue and return it with its number and html_url; each call opens another one."""
    issue = given(title=title, body=body, labels=labels, assignees=assignees, milestone=milestone)
    return send("POST", url("/repos/{owner}/{repo}/issues", owner=owner, repo=repo), issue)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_issue(
    owner: Owner,
    repo: Repo,
    issue_number: IssueNumber,
    title: Annotated[Title | None, Meta(description="The new title.")] = None,
    body: Annotated[Markdown | None, Meta(description="The whole new text; an empty one clears it.")] = None,
    state: Annotated[Literal["open", "closed"] | None, Meta(description="Close or reopen it.")] = None,
    state_reason: Annotated[
        Literal["completed", "not_planned", "duplicate", "reopened"] | None,
        Meta(description="Why the state changes; read only together with `state`."),
    ] = None,
    labels: Annotated[LabelNames | None, Meta(description="The whole new set of labels; [] removes all.")] = None,
    assignees: Annotated[Logins | None, Meta(description="The whole new set of assignees; [] removes all.")] = None,
    milestone: Annotated[
        Annotated[int, Meta(ge=0)] | None, Meta(description="Number of the milestone; 0 takes it off.")
    ] = None,
) -> Request:
    """Edit, close or reopen an issue and return it; what is left out stays as it is."""
    change: dict[str, Any] = given(
        title=title,
        body=body,
        state=state,
        state_reason=state_reason,
        labels=labels,
        assignees=assignees,
    )
    if milestone is not None:
        change["milestone"] = milestone or None
    return send("PATCH", url(_ISSUE, owner=owner, repo=repo, issue_number=issue_number), change)


@CONNECTOR.tool(items="")
def list_issue_comments(owner: Owner, repo: Repo, issue_number: IssueNumber, since: Since = None) -> Request:
    """Return the comments of an issue, or of a pull request's conversation, oldest first."""
    route = url(f"{_ISSUE}/comments", owner=owner, repo=repo, issue_number=issue_number)
    return get(route, since=moment(since))


@CONNECTOR.tool(writes=True, needs=WRITES)
def add_issue_comment(
    owner: Owner,
    repo: Repo,
    issue_number: IssueNumber,
    body: Annotated[Markdown, Meta(min_length=1, description="The comment, in Markdown.")],
) -> Request:
    """Comment on an issue or pull request and return the comment; each call adds another one."""
    route = url(f"{_ISSUE}/comments", owner=owner, repo=repo, issue_number=issue_number)
    return send("POST", route, {"body": body})


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def add_issue_assignees(
    owner: Owner,
    repo: Repo,
    issue_number: IssueNumber,
    assignees: Annotated[Logins, Meta(min_length=1, description="Logins of the people to add.")],
) -> Request:
    """Assign people to an issue or pull request, beside those assigned already, and return it.

    GitHub leaves out, in silence, who may not be assigned: check `assignees` in the result.
    """
    route = url(f"{_ISSUE}/assignees", owner=owner, repo=repo, issue_number=issue_number)
    return send("POST", route, {"assignees": assignees})
