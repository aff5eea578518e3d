"""Reviews of pull requests."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.github.arguments import Id, Logins, Markdown, Owner, PullNumber, Repo, Sha, Text
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_PULL = "/repos/{owner}/{repo}/pulls/{pull_number}"

Side = Literal["LEFT", "RIGHT"]


class ReviewComment(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A comment on one place of the changes."""

    path: Annotated[Text, Meta(description="The file, from the repository's root.")]
    body: Annotated[Markdown, Meta(min_length=1, description="The comment, in Markdown.")]
    line: Annotated[Id | None, Meta(description="Line of the file, the last one of a range.")] = None
    side: Annotated[Side | None, Meta(description="LEFT: the old file; RIGHT: the new one.")] = None
    start_line: Annotated[Id | None, Meta(description="First line of a range.")] = None
    start_side: Annotated[Side | None, Meta(description="Side of start_line.")] = None
    position: Annotated[Id | None, Meta(description="Place in the diff, the old way; use line.")] = None


@CONNECTOR.tool(items="")
def list_pull_request_reviews(owner: Owner, repo: Repo, pull_number: PullNumber) -> Request:
    """Return a pull request's reviews, oldest first: who, state (APPROVED, CHANGES_REQUESTED, …), text, commit."""
    return get(url(f"{_PULL}/reviews", owner=owner, repo=repo, pull_number=pull_number))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_pull_request_review(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    body: Annotated[
        Markdown | None, Meta(description="Text of the review; required for REQUEST_CHANGES and COMMENT.")
    ] = None,
    event: Annotated[
        Literal["APPROVE", "REQUEST_CHANGES", "COMMENT"] | None,
        Meta(description="What the review says; omitted: it stays pending, seen by its author alone."),
    ] = None,
    comments: Annotated[
        Annotated[list[ReviewComment], Meta(max_length=100)] | None,
        Meta(description="Comments on places of the changes."),
    ] = None,
    commit_id: Annotated[Sha | None, Meta(description="Commit that was reviewed; omitted: the latest.")] = None,
) -> Request:
    """Review a pull request: approve, request changes or comment, with comments on lines; returns the review."""
    if event in ("REQUEST_CHANGES", "COMMENT") and not body:
        raise Invalid([Fault("body", f"required for {event}")])
    review = given(body=body, event=event, commit_id=commit_id)
    if comments:
        review["comments"] = msgspec.to_builtins(comments)
    route = url(f"{_PULL}/reviews", owner=owner, repo=repo, pull_number=pull_number)
    return send("POST", route, review or None)


@CONNECTOR.tool(writes=True, needs=WRITES)
def request_reviewers(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    reviewers: Annotated[Logins | None, Meta(description="Logins of people.")] = None,
    team_reviewers: Annotated[Logins | None, Meta(description="Slugs of teams of the organization.")] = None,
) -> Request:
    """Ask people or teams to review a pull request, who are told of it; returns the pull request."""
    if not reviewers and not team_reviewers:
        raise Invalid([Fault("reviewers", "name at least one in `reviewers` or `team_reviewers`")])
    route = url(f"{_PULL}/requested_reviewers", owner=owner, repo=repo, pull_number=pull_number)
    return send("POST", route, given(reviewers=reviewers, team_reviewers=team_reviewers))
