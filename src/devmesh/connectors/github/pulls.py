"""Pull requests: read, open, edit, merge."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Direction, Id, Markdown, Owner, PullNumber, Repo, Sha, Text, Title
from devmesh.connectors.github.commits import media
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_PULLS = "/repos/{owner}/{repo}/pulls"
_PULL = f"{_PULLS}/{{pull_number}}"


@CONNECTOR.tool(items="")
def list_pull_requests(
    owner: Owner,
    repo: Repo,
    state: Annotated[
        Literal["open", "closed", "all"] | None, Meta(description="Only those in this state; omitted: open.")
    ] = None,
    head: Annotated[Text | None, Meta(description="Only those from this branch, as OWNER:BRANCH.")] = None,
    base: Annotated[Text | None, Meta(description="Only those into this branch.")] = None,
    sort: Annotated[
        Literal["created", "updated", "popularity", "long-running"] | None,
        Meta(description="What to sort by; omitted: created. popularity counts comments."),
    ] = None,
    direction: Direction = None,
) -> Request:
    """Return a repository's pull requests: number, title, state, head and base; for words use search_issues."""
    return get(url(_PULLS, owner=owner, repo=repo), state=state, head=head, base=base, sort=sort, direction=direction)


@CONNECTOR.tool()
def get_pull_request(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    format: Annotated[  # noqa: A002
        Literal["json", "diff", "patch"], Meta(description="json: data; diff and patch: its changes as text.")
    ] = "json",
) -> Request:
    """Return one pull request: body, state, head and base, whether it can be merged; or its changes as a diff.

    `mergeable` is null while GitHub works it out: ask again in a few seconds.
    """
    route = url(_PULL, owner=owner, repo=repo, pull_number=pull_number)
    return Request(method="GET", path=route, headers=media(format))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_pull_request(
    owner: Owner,
    repo: Repo,
    head: Annotated[Text, Meta(description="Branch with the changes; OWNER:BRANCH for one in a fork.")],
    base: Annotated[Text, Meta(description="Branch that they shall go into.")],
    title: Annotated[Title | None, Meta(description="The title; required unless `issue` is given.")] = None,
    body: Annotated[Markdown | None, Meta(description="The description, in Markdown.")] = None,
    draft: Annotated[bool | None, Meta(description="True: not ready for review yet.")] = None,
    maintainer_can_modify: Annotated[
        bool | None, Meta(description="True: maintainers of the base may push to the head branch.")
    ] = None,
    issue: Annotated[Id | None, Meta(description="Number of an issue to turn into this pull request.")] = None,
) -> Request:
    """Open a pull request and return it with its number and html_url; one per head and base."""
    if title is None and issue is None:
        raise Invalid([Fault("title", "required unless `issue` is given")])
    pull = given(
        title=title,
        head=head,
        base=base,
        body=body,
        draft=draft,
        maintainer_can_modify=maintainer_can_modify,
        issue=issue,
    )
    return send("POST", url(_PULLS, owner=owner, repo=repo), pull)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_pull_request(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    title: Annotated[Title | None, Meta(description="The new title.")] = None,
    body: Annotated[Markdown | None, Meta(description="The whole new description; an empty one clears it.")] = None,
    state: Annotated[Literal["open", "closed"] | None, Meta(description="Close it unmerged, or reopen it.")] = None,
    base: Annotated[Text | None, Meta(description="Another branch that the changes shall go into.")] = None,
) -> Request:
    """Edit, close or reopen a pull request and return it; what is left out stays as it is."""
    change = given(title=title, body=body, state=state, base=base)
    return send("PATCH", url(_PULL, owner=owner, repo=repo, pull_number=pull_number), change)


@CONNECTOR.tool(items="")
def list_pull_request_files(owner: Owner, repo: Repo, pull_number: PullNumber) -> Request:
    """Return the files that a pull request changes, each with its counts and patch; GitHub lists at most 3000."""
    return get(url(f"{_PULL}/files", owner=owner, repo=repo, pull_number=pull_number))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def merge_pull_request(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    commit_title: Annotated[Text | None, Meta(description="Title of the merge commit.")] = None,
    commit_message: Annotated[Markdown | None, Meta(description="Further text of the merge commit.")] = None,
    merge_method: Annotated[
        Literal["merge", "squash", "rebase"] | None, Meta(description="How to merge; omitted: merge.")
    ] = None,
    sha: Annotated[
        Sha | None, Meta(description="Merge only if the head is still this commit; otherwise 409. Give it.")
    ] = None,
) -> Request:
    """Merge a pull request into its base and return the merge commit's sha; it cannot be undone, only reverted.

    405 says that it cannot be merged now: conflicts, missing reviews or checks.
    """
    body = given(commit_title=commit_title, commit_message=commit_message, merge_method=merge_method, sha=sha)
    return send("PUT", url(f"{_PULL}/merge", owner=owner, repo=repo, pull_number=pull_number), body or None)


@CONNECTOR.tool(writes=True, needs=WRITES)
def update_pull_request_branch(
    owner: Owner,
    repo: Repo,
    pull_number: PullNumber,
    expected_head_sha: Annotated[
        Sha | None, Meta(description="Only if the head is still this commit; else 422.")
    ] = None,
) -> Request:
    """Merge the base branch's present state into the pull request's branch; GitHub does it in the background."""
    body = given(expected_head_sha=expected_head_sha)
    return send("PUT", url(f"{_PULL}/update-branch", owner=owner, repo=repo, pull_number=pull_number), body or None)
