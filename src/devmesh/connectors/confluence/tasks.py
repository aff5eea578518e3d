"""Tasks that stand in the text of pages."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.confluence.arguments import AccountId, NumericId, PageId
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, send, url

Status = Literal["complete", "incomplete"]


@CONNECTOR.tool(items="results")
def list_page_tasks(
    page_id: Annotated[PageId | None, Meta(description="Only tasks of this page.")] = None,
    status: Annotated[Status | None, Meta(description="Only tasks in this state.")] = None,
    assigned_to: Annotated[AccountId | None, Meta(description="Only tasks of this account.")] = None,
) -> Request:
    """Return tasks with their ids, states, due times, and who assigned them to whom."""
    return get("/wiki/api/v2/tasks", **{"page-id": page_id, "status": status, "assigned-to": assigned_to})


@CONNECTOR.tool(writes=True, idempotent=True)
def update_task(
    id: Annotated[NumericId, Meta(description="Id of the task, from list_page_tasks.")],  # noqa: A002
    status: Annotated[Status, Meta(description="Tick it off, or open it again.")],
) -> Request:
    """Complete a task or open it again, and return it."""
    return send("PUT", url("/wiki/api/v2/tasks/{id}", id=id), {"status": status})
