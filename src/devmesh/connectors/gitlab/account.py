"""The token's owner, and what waits for that person."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, READS_USER
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool(needs=READS_USER)
def get_current_user() -> Request:
    """Return the profile of the person (or bot) whose token is used: id, username, name, e-mail, state.

    Use it to learn who "I" is; the `id` is what assignees and reviewers are named by.
    """
    return get("/api/v4/user")


@CONNECTOR.tool(items="", needs=READS)
def list_todos(
    state: Annotated[
        Literal["pending", "done"] | None, Meta(description="Only those in this state; omitted: pending.")
    ] = None,
    type: Annotated[  # noqa: A002
        Literal[
            "Issue",
            "MergeRequest",
            "Commit",
            "Epic",
            "DesignManagement::Design",
            "AlertManagement::Alert",
            "Project",
            "Namespace",
            "Vulnerability",
            "WikiPage::Meta",
        ]
        | None,
        Meta(description="Only those about such a thing."),
    ] = None,
) -> Request:
    """Return the person's to-do items: what happened (assigned, mentioned, review asked), where, and its address."""
    return get("/api/v4/todos", state=state, type=type)
