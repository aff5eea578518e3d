"""Comments on merge requests, also on lines of their changes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, WRITES, Body, Id, MergeRequestIid, ProjectId, Sha, Text
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_ONE = "/api/v4/projects/{id}/merge_requests/{merge_request_iid}"


class Position(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A place in the changes; the three commits are get_merge_request's `diff_refs`."""

    base_sha: Annotated[Sha, Meta(description="Base commit of the changes.")]
    start_sha: Annotated[Sha, Meta(description="Commit of the target branch at which the changes start.")]
    head_sha: Annotated[Sha, Meta(description="Head commit of the merge request.")]
    position_type: Annotated[Literal["text", "file"] | None, Meta(description="On a line (omitted) or the file.")] = (
        None
    )
    new_path: Annotated[Text | None, Meta(description="Path of the file after the change; needed for text.")] = None
    old_path: Annotated[Text | None, Meta(description="Path of the file before it; omitted: as `new_path`.")] = None
    new_line: Annotated[Id | None, Meta(description="Line after the change: for an added line, alone.")] = None
    old_line: Annotated[
        Id | None, Meta(description="Line before it: for a removed one, alone; else with new_line.")
    ] = None


@CONNECTOR.tool(items="", needs=READS)
def list_merge_request_notes(id: ProjectId, merge_request_iid: MergeRequestIid) -> Request:  # noqa: A002
    """Return a merge request's comments, newest first, those on lines with their `position`."""
    return get(url(f"{_ONE}/notes", id=id, merge_request_iid=merge_request_iid))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_merge_request_note(id: ProjectId, merge_request_iid: MergeRequestIid, body: Body) -> Request:  # noqa: A002
    """Comment on a merge request as a whole and return the comment; each call adds another one.

    To comment on a line, or for something to be resolved, use create_merge_request_discussion.
    """
    return send("POST", url(f"{_ONE}/notes", id=id, merge_request_iid=merge_request_iid), {"body": body})


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_merge_request_discussion(
    id: ProjectId,  # noqa: A002
    merge_request_iid: MergeRequestIid,
    body: Body,
    position: Annotated[Position | None, Meta(description="Place in the changes; omitted: the merge request.")] = None,
    commit_id: Annotated[Sha | None, Meta(description="Commit that it is about, if of one of the commits.")] = None,
) -> Request:
    """Start a thread that can be resolved, on a line of the changes or the whole; each call starts one. Returns it."""
    thread = given(body=body, position=None if position is None else _placed(position), commit_id=commit_id)
    return send("POST", url(f"{_ONE}/discussions", id=id, merge_request_iid=merge_request_iid), thread)


def _placed(position: Position) -> dict[str, Any]:
    """Return the position as GitLab takes it: with its type, and both paths."""
    path = position.new_path or position.old_path
    if path is None:
        raise Invalid([Fault("position.new_path", "required: the file to comment on")])
    if position.position_type != "file" and position.new_line is None and position.old_line is None:
        raise Invalid([Fault("position.new_line", "required, or old_line for a removed line")])
    named = {"position_type": "text", "new_path": path, "old_path": path}
    return {**named, **msgspec.to_builtins(position)}
