"""Branches and commits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, WRITES, Markdown, ProjectId, Search, Sha, Text, Time, moment
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_REPOSITORY = "/api/v4/projects/{id}/repository"

Ref = Annotated[Text, Meta(description="Branch, tag or commit.")]


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is done to one file."""

    action: Annotated[
        Literal["create", "delete", "move", "update", "chmod"], Meta(description="What is done to the file.")
    ]
    file_path: Annotated[Text, Meta(description="Path of the file from the repository's root.")]
    previous_path: Annotated[Text | None, Meta(description="For move: the path that it has now.")] = None
    content: Annotated[str | None, Meta(description="For create and update: the whole new content.")] = None
    encoding: Annotated[
        Literal["text", "base64"] | None, Meta(description="How `content` is given; omitted: text.")
    ] = None
    last_commit_id: Annotated[
        Sha | None, Meta(description="For update, move and delete: only if this is still the file's last commit.")
    ] = None
    execute_filemode: Annotated[bool | None, Meta(description="For chmod: whether it can be executed.")] = None


@CONNECTOR.tool(items="", needs=READS)
def list_branches(id: ProjectId, search: Search = None) -> Request:  # noqa: A002
    """Return a project's branches: name, head commit, whether protected, merged or default.

    In `search`, ^ at the start and $ at the end stand for the name's.
    """
    return get(url(f"{_REPOSITORY}/branches", id=id), search=search)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_branch(
    id: ProjectId,  # noqa: A002
    branch: Annotated[Text, Meta(description="Name of the new branch.")],
    ref: Annotated[Text, Meta(description="Branch or commit that it starts at.")],
) -> Request:
    """Create a branch and return it; a name that exists is refused with 400."""
    return send("POST", url(f"{_REPOSITORY}/branches", id=id), None, branch=branch, ref=ref)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_branch(
    id: ProjectId,  # noqa: A002
    branch: Annotated[Text, Meta(description="Name of the branch.", examples=["feature-login"])],
) -> Request:
    """Delete a branch; its commits stay only where another branch or tag has them. Returns nothing."""
    return send("DELETE", url(f"{_REPOSITORY}/branches/{{branch}}", id=id, branch=branch))


@CONNECTOR.tool(items="", needs=READS)
def list_commits(
    id: ProjectId,  # noqa: A002
    ref_name: Annotated[
        Text | None, Meta(description="Branch, tag or range A..B; omitted: the default branch.")
    ] = None,
    since: Annotated[Time | None, Meta(description="Only commits at or after this time (RFC 3339).")] = None,
    until: Annotated[Time | None, Meta(description="Only commits at or before this time (RFC 3339).")] = None,
    path: Annotated[Text | None, Meta(description="Only commits that touch this file or directory.")] = None,
    author: Annotated[Text | None, Meta(description="Only commits by this author (name or e-mail).")] = None,
) -> Request:
    """Return commits, newest first: id, title, message, author, time; changes come from get_commit or compare_refs."""
    query = given(ref_name=ref_name, since=moment(since), until=moment(until), path=path, author=author)
    return get(url(f"{_REPOSITORY}/commits", id=id), **query)


@CONNECTOR.tool(needs=READS)
def get_commit(
    id: ProjectId,  # noqa: A002
    sha: Annotated[Text, Meta(description="Sha of the commit, or a branch or tag name.", examples=["main"])],
    stats: Annotated[bool | None, Meta(description="False: without the counts of added and removed lines.")] = None,
) -> Request:
    """Return one commit: message, author, parents, counts, last pipeline; its diff: compare_refs with its parent."""
    return get(url(f"{_REPOSITORY}/commits/{{sha}}", id=id, sha=sha), stats=stats)


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_commit(
    id: ProjectId,  # noqa: A002
    branch: Annotated[Text, Meta(description="Branch to commit to; a new one together with `start_branch`.")],
    commit_message: Annotated[Markdown, Meta(min_length=1, description="The commit message.")],
    actions: Annotated[list[Action], Meta(min_length=1, max_length=1000, description="What is done to which files.")],
    start_branch: Annotated[Text | None, Meta(description="Branch that a new `branch` starts at.")] = None,
    author_email: Annotated[Text | None, Meta(description="E-mail of the author; omitted: the token's owner.")] = None,
    author_name: Annotated[Text | None, Meta(description="Name of the author; omitted: the token's owner.")] = None,
) -> Request:
    """Create, change, move and delete several files in one commit and return the commit: all of it or nothing."""
    for number, one in enumerate(actions):
        if one.action == "move" and one.previous_path is None:
            raise Invalid([Fault(f"actions[{number}].previous_path", "required for move")])
    commit = given(
        branch=branch,
        commit_message=commit_message,
        actions=msgspec.to_builtins(actions),
        start_branch=start_branch,
        author_email=author_email,
        author_name=author_name,
    )
    return send("POST", url(f"{_REPOSITORY}/commits", id=id), commit)


@CONNECTOR.tool(needs=READS)
def compare_refs(
    id: ProjectId,  # noqa: A002
    from_: Annotated[Text, Meta(description="Branch, tag or commit to compare from.")],
    to: Annotated[Text, Meta(description="Branch, tag or commit to compare to.")],
    straight: Annotated[
        bool | None,
        Meta(description="True: from..to itself; false or omitted: from their common ancestor (three dots)."),
    ] = None,
) -> Request:
    """Return the commits and file diffs between two refs of a project; `compare_timeout` says that not all is there."""
    return get(url(f"{_REPOSITORY}/compare", id=id), **{"from": from_}, to=to, straight=straight)
