"""Merge requests: read, open, edit, approve, merge."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import (
    READS,
    WRITES,
    Id,
    Ids,
    LabelNames,
    Markdown,
    MergeRequestIid,
    ProjectId,
    Sha,
    Text,
    Title,
    joined,
)
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_ALL = "/api/v4/projects/{id}/merge_requests"
_ONE = f"{_ALL}/{{merge_request_iid}}"


@CONNECTOR.tool(items="", needs=READS)
def list_merge_requests(
    id: ProjectId,  # noqa: A002
    state: Annotated[
        Literal["opened", "closed", "locked", "merged", "all"] | None,
        Meta(description="Only those in this state; omitted: all."),
    ] = None,
    source_branch: Annotated[Text | None, Meta(description="Only those from this branch.")] = None,
    target_branch: Annotated[Text | None, Meta(description="Only those into this branch.")] = None,
    labels: Annotated[LabelNames | None, Meta(description="Only those that have all of these labels.")] = None,
) -> Request:
    """Return a project's merge requests, newest first: iid, title, state, branches, author, reviewers."""
    query = given(state=state, source_branch=source_branch, target_branch=target_branch, labels=joined(labels))
    return get(url(_ALL, id=id), **query)


@CONNECTOR.tool(needs=READS)
def get_merge_request(id: ProjectId, merge_request_iid: MergeRequestIid) -> Request:  # noqa: A002
    """Return one merge request: description, branches, head `sha`, detailed_merge_status, pipeline, diff_refs.

    `detailed_merge_status` is `checking` while GitLab works it out: ask again in a few seconds.
    """
    return get(url(_ONE, id=id, merge_request_iid=merge_request_iid))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_merge_request(
    id: ProjectId,  # noqa: A002
    source_branch: Annotated[Text, Meta(description="Branch with the changes.")],
    target_branch: Annotated[Text, Meta(description="Branch that they shall go into.")],
    title: Annotated[Title, Meta(description="The title; `Draft: ` before it says that it is not ready.")],
    description: Annotated[Markdown | None, Meta(description="The description, in GitLab's Markdown.")] = None,
    assignee_ids: Annotated[Ids | None, Meta(description="Ids of assignees.")] = None,
    reviewer_ids: Annotated[Ids | None, Meta(description="Ids of the people who are asked for a review.")] = None,
    labels: Annotated[LabelNames | None, Meta(description="Names of labels; unknown ones are created.")] = None,
    remove_source_branch: Annotated[bool | None, Meta(description="True: remove the branch once merged.")] = None,
    squash: Annotated[bool | None, Meta(description="True: merge as a single commit.")] = None,
    target_project_id: Annotated[
        Id | None, Meta(description="From a fork (`id`): the project to merge into; omitted: the same project.")
    ] = None,
) -> Request:
    """Open a merge request and return it with its iid and web_url; 409 if one is open for the same branches."""
    merge_request = given(
        source_branch=source_branch,
        target_branch=target_branch,
        title=title,
        description=description,
        assignee_ids=assignee_ids,
        reviewer_ids=reviewer_ids,
        labels=joined(labels),
        remove_source_branch=remove_source_branch,
        squash=squash,
        target_project_id=target_project_id,
    )
    return send("POST", url(_ALL, id=id), merge_request)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_merge_request(
    id: ProjectId,  # noqa: A002
    merge_request_iid: MergeRequestIid,
    title: Annotated[Title | None, Meta(description="The new title.")] = None,
    description: Annotated[Markdown | None, Meta(description="The whole new text; an empty one clears it.")] = None,
    state_event: Annotated[
        Literal["close", "reopen"] | None, Meta(description="Close it unmerged, or reopen it.")
    ] = None,
    target_branch: Annotated[Text | None, Meta(description="Another branch that the changes shall go into.")] = None,
    labels: Annotated[LabelNames | None, Meta(description="The whole new set of labels; [] removes all.")] = None,
    reviewer_ids: Annotated[Ids | None, Meta(description="The whole new set of reviewers; [] removes all.")] = None,
) -> Request:
    """Edit, close or reopen a merge request and return it; what is left out stays as it is."""
    change = given(
        title=title,
        description=description,
        state_event=state_event,
        target_branch=target_branch,
        labels=joined(labels),
        reviewer_ids=reviewer_ids,
    )
    return send("PUT", url(_ONE, id=id, merge_request_iid=merge_request_iid), change)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def merge_merge_request(
    id: ProjectId,  # noqa: A002
    merge_request_iid: MergeRequestIid,
    merge_commit_message: Annotated[Markdown | None, Meta(description="Message of the merge commit.")] = None,
    squash: Annotated[bool | None, Meta(description="True: merge as a single commit.")] = None,
    should_remove_source_branch: Annotated[bool | None, Meta(description="True: remove the source branch.")] = None,
    sha: Annotated[
        Sha | None, Meta(description="Merge only if the head is still this commit; otherwise 409. Give it.")
    ] = None,
    auto_merge: Annotated[
        bool | None, Meta(description="True: merge as soon as pipeline and approvals allow it, not now.")
    ] = None,
) -> Request:
    """Merge a merge request and return it; it cannot be undone, only reverted. 405 says that it cannot be merged now.

    Where the project has merge trains this goes past the train. To join it, use call_api:
    POST /api/v4/projects/{id}/merge_trains/merge_requests/{iid}, `auto_merge` in the body.
    """
    how = given(
        merge_commit_message=merge_commit_message,
        squash=squash,
        should_remove_source_branch=should_remove_source_branch,
        sha=sha,
        auto_merge=auto_merge,
        # Its name before 17.11: such a server knows no other, and would merge at once.
        merge_when_pipeline_succeeds=auto_merge,
    )
    return send("PUT", url(f"{_ONE}/merge", id=id, merge_request_iid=merge_request_iid), how or None)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def approve_merge_request(
    id: ProjectId,  # noqa: A002
    merge_request_iid: MergeRequestIid,
    sha: Annotated[
        Sha | None, Meta(description="Approve only if the head is still this commit; otherwise 409. Give it.")
    ] = None,
) -> Request:
    """Approve a merge request as the token's owner and return who has; 401 if that person may not or has already."""
    route = url(f"{_ONE}/approve", id=id, merge_request_iid=merge_request_iid)
    return send("POST", route, given(sha=sha) or None)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def unapprove_merge_request(id: ProjectId, merge_request_iid: MergeRequestIid) -> Request:  # noqa: A002
    """Take the token owner's approval back; 404 if there is none."""
    return send("POST", url(f"{_ONE}/unapprove", id=id, merge_request_iid=merge_request_iid))


@CONNECTOR.tool(items="", needs=READS)
def list_merge_request_diffs(id: ProjectId, merge_request_iid: MergeRequestIid) -> Request:  # noqa: A002
    """Return the files that a merge request changes, each with its diff; `too_large` says that the diff is left out."""
    return get(url(f"{_ONE}/diffs", id=id, merge_request_iid=merge_request_iid))
