"""What people say of pull requests: approvals, requested changes, comments, tasks."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import Id, Markdown, PullRequestId, Query, RepoSlug, Text, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_PULLS, WRITES_PULLS
from devmesh.upstream.model import Request, get, given, send, url

_ONE = "/2.0/repositories/{workspace}/{repo_slug}/pullrequests/{pull_request_id}"


class Inline(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place in the changes: a file, and mostly a line of it."""

    path: Annotated[Text, Meta(description="The file, from the repository's root.")]
    to: Annotated[Id | None, Meta(description="Line of the new file: for an added or unchanged line.")] = None
    from_: Annotated[Id | None, Meta(description="Line of the old file: for a removed line.")] = msgspec.field(
        default=None, name="from"
    )
    start_to: Annotated[Id | None, Meta(description="First line of a range that ends at `to`.")] = None
    start_from: Annotated[Id | None, Meta(description="First line of a range that ends at `from`.")] = None


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_PULLS)
def approve_pull_request(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Approve a pull request as the credential's owner, and return that participant."""
    return send("POST", _route("approve", workspace, repo_slug, pull_request_id))


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_PULLS)
def unapprove_pull_request(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Take the credential owner's approval back; returns nothing."""
    return send("DELETE", _route("approve", workspace, repo_slug, pull_request_id))


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_PULLS)
def request_changes(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Say that a pull request needs changes, as the credential's owner; say which by add_pull_request_comment."""
    return send("POST", _route("request-changes", workspace, repo_slug, pull_request_id))


@CONNECTOR.tool(items="values", needs=READS_PULLS)
def list_pull_request_comments(
    workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId, q: Query = None
) -> Request:
    """Return a pull request's comments, oldest first, those on lines with `inline`, answers with `parent`."""
    return get(_route("comments", workspace, repo_slug, pull_request_id), q=q)


@CONNECTOR.tool(writes=True, needs=READS_PULLS)
def add_pull_request_comment(
    workspace: Workspace,
    repo_slug: RepoSlug,
    pull_request_id: PullRequestId,
    content: Annotated[Markdown, Meta(min_length=1, description="The comment, in Markdown.")],
    inline: Annotated[Inline | None, Meta(description="Place in the changes; omitted: the pull request.")] = None,
    parent: Annotated[Id | None, Meta(description="Id of the comment that it answers.")] = None,
) -> Request:
    """Comment on a pull request, or on a line of its changes, and return the comment; each call adds another one."""
    comment: dict[str, Any] = given(
        content={"raw": content},
        inline=None if inline is None else msgspec.to_builtins(inline),
        parent=None if parent is None else {"id": parent},
    )
    return send("POST", _route("comments", workspace, repo_slug, pull_request_id), comment)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=READS_PULLS)
def delete_pull_request_comment(
    workspace: Workspace,
    repo_slug: RepoSlug,
    pull_request_id: PullRequestId,
    comment_id: Annotated[Id, Meta(description="Id of the comment, from list_pull_request_comments.")],
) -> Request:
    """Delete a comment for good; returns nothing."""
    return send("DELETE", _route(f"comments/{comment_id}", workspace, repo_slug, pull_request_id))


@CONNECTOR.tool(items="values", needs=READS_PULLS)
def list_pull_request_tasks(workspace: Workspace, repo_slug: RepoSlug, pull_request_id: PullRequestId) -> Request:
    """Return a pull request's tasks: text, state (RESOLVED, UNRESOLVED), the comment that each belongs to."""
    return get(_route("tasks", workspace, repo_slug, pull_request_id))


def _route(rest: str, workspace: str, repo_slug: str, pull_request_id: int) -> str:
    return url(f"{_ONE}/{rest}", workspace=workspace, repo_slug=repo_slug, pull_request_id=pull_request_id)
