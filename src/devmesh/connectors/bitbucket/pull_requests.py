"""Pull requests: read, open, edit, merge, decline."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import (
    Markdown,
    PullRequestId,
    Query,
    RepoSlug,
    Sort,
    Text,
    Workspace,
    braced,
    is_uuid,
)
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_PULLS, WRITES_PULLS
from devmesh.upstream.model import Request, get, given, send, url

_ALL = "/2.0/repositories/{workspace}/{repo_slug}/pullrequests"
_ONE = f"{_ALL}/{{pull_request_id}}"
# Bitbucket refuses larger pages of these.
_LARGEST_PAGE = 50

Title = Annotated[str, Meta(min_length=1, max_length=255)]
Reviewers = Annotated[
    Annotated[list[Text], Meta(max_length=100)] | None,
    Meta(description="UUIDs or account ids of the reviewers (list_workspace_members)."),
]


@CONNECTOR.tool(items="values", max_limit=_LARGEST_PAGE, needs=READS_PULLS)
def list_pull_requests(
    workspace: Workspace,
    repo_slug: RepoSlug,
    state: Annotated[
        Annotated[list[Literal["OPEN", "MERGED", "DECLINED", "SUPERSEDED"]], Meta(min_length=1)] | None,
        Meta(description="Only those in one of these states; omitted: OPEN."),
    ] = None,
    q: Query = None,
    sort: Sort = None,
) -> Request:
    """Return a repository's pull requests: id, title, state, author, source and destination branch."""
    return get(url(_ALL, workspace=workspace, repo_slug=repo_slug), state=state, q=q, sort=sort)


@CONNECTOR.tool(needs=READS_PULLS)
def get_pull_request(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Return one pull request: description, branches and commits, reviewers, who approved, merge commit."""
    return get(url(_ONE, workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id))


@CONNECTOR.tool(writes=True, needs=WRITES_PULLS)
def create_pull_request(
    workspace: Workspace,
    repo_slug: RepoSlug,
    title: Annotated[Title, Meta(description="The title, one line.")],
    source_branch: Annotated[Text, Meta(description="Branch with the changes.")],
    destination_branch: Annotated[
        Text | None, Meta(description="Branch that they shall go into; omitted: the main branch.")
    ] = None,
    description: Annotated[Markdown | None, Meta(description="The description, in Markdown.")] = None,
    reviewers: Reviewers = None,
    close_source_branch: Annotated[bool | None, Meta(description="True: remove the branch once merged.")] = None,
    draft: Annotated[bool | None, Meta(description="True: not ready for review yet.")] = None,
    source_repository: Annotated[
        Annotated[str, Meta(pattern="^[^/]+/[^/]+$", max_length=200)] | None,
        Meta(description="From a fork: its full name (workspace/slug).", examples=["me/hello-world"]),
    ] = None,
) -> Request:
    """Open a pull request into this repository, from a branch of it or of a fork, and return it with its id."""
    source = {
        "branch": {"name": source_branch},
        **given(repository=None if source_repository is None else {"full_name": source_repository}),
    }
    pull_request = given(
        title=title,
        source=source,
        destination=_branch(destination_branch),
        description=description,
        reviewers=_people(reviewers),
        close_source_branch=close_source_branch,
        draft=draft,
    )
    return send("POST", url(_ALL, workspace=workspace, repo_slug=repo_slug), pull_request)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_PULLS)
def update_pull_request(
    workspace: Workspace,
    repo_slug: RepoSlug,
    pull_request_id: PullRequestId,
    title: Annotated[Title | None, Meta(description="The new title.")] = None,
    description: Annotated[Markdown | None, Meta(description="The whole new description.")] = None,
    reviewers: Reviewers = None,
    destination_branch: Annotated[
        Text | None, Meta(description="Another branch that the changes shall go into.")
    ] = None,
) -> Request:
    """Edit an open pull request and return it; `reviewers` is the whole new set, [] removes all."""
    change = given(
        title=title,
        description=description,
        reviewers=_people(reviewers),
        destination=_branch(destination_branch),
    )
    route = url(_ONE, workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id)
    return send("PUT", route, change)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES_PULLS)
def merge_pull_request(
    workspace: Workspace,
    repo_slug: RepoSlug,
    pull_request_id: PullRequestId,
    message: Annotated[Markdown | None, Meta(description="Message of the merge commit.")] = None,
    merge_strategy: Annotated[
        Literal["merge_commit", "squash", "fast_forward", "squash_fast_forward", "rebase_fast_forward", "rebase_merge"]
        | None,
        Meta(description="How to merge; omitted: as the repository is configured."),
    ] = None,
    close_source_branch: Annotated[bool | None, Meta(description="True: remove the source branch.")] = None,
) -> Request:
    """Merge a pull request and return it; it cannot be undone, only reverted.

    Status 202 says that Bitbucket is still at it: get_pull_request tells when `state` is MERGED.
    """
    how = given(message=message, merge_strategy=merge_strategy, close_source_branch=close_source_branch)
    route = url(f"{_ONE}/merge", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id)
    return send("POST", route, how or None)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES_PULLS)
def decline_pull_request(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Decline a pull request for good, unmerged, and return it: it cannot be opened again."""
    return send(
        "POST", url(f"{_ONE}/decline", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id)
    )


@CONNECTOR.tool(projects=False, needs=READS_PULLS)
def get_pull_request_diff(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Return all changes of a pull request as a git diff (text)."""
    return get(url(f"{_ONE}/diff", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id))


@CONNECTOR.tool(items="values", needs=READS_PULLS)
def list_pull_request_commits(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Return the commits that a pull request would merge: hash, message, author."""
    return get(url(f"{_ONE}/commits", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id))


@CONNECTOR.tool(items="values", needs=READS_PULLS)
def list_pull_request_statuses(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Return the builds of a pull request's commits: key, name, state (SUCCESSFUL, FAILED, INPROGRESS), address."""
    return get(url(f"{_ONE}/statuses", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id))


def _branch(name: str | None) -> dict[str, dict[str, str]] | None:
    return None if name is None else {"branch": {"name": name}}


def _people(names: list[str] | None) -> list[dict[str, str]] | None:
    """Return the people as Bitbucket names them."""
    if names is None:
        return None
    return [{"uuid": braced(name)} if is_uuid(name) else {"account_id": name} for name in names]
