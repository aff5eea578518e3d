"""The queue: builds that wait for their turn."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import ItemTree, ranged
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url

QueueItem = Annotated[
    int, Meta(ge=1, le=2**53 - 1, description="Number of the queue item, from a trigger_build or from list_queue.")
]


@CONNECTOR.tool(items="items")
def list_queue(tree: ItemTree = None) -> Request:
    """Return the builds that wait: item id, job, since when, and why (`why`: no executor, quiet period, blocked)."""
    members = "id,why,inQueueSince,stuck,blocked,buildable,params,task[name,url]"
    return get("/queue/api/json", tree=ranged("items", members, tree))


@CONNECTOR.tool()
def get_queue_item(item_id: QueueItem) -> Request:
    """Return one queue item: why it waits, or under `executable` the build's number once it has started.

    Jenkins forgets an item five minutes after it left the queue (404): then look at list_builds.
    """
    return get(url("/queue/item/{item_id}/api/json", item_id=item_id))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def cancel_queue_item(id: QueueItem) -> Request:  # noqa: A002
    """Take a waiting build out of the queue; returns nothing. One that has started is stopped by stop_build."""
    return Request(method="POST", path="/queue/cancelItem", query={"id": id})
