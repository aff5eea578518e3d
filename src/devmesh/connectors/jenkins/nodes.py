"""Agents (nodes): what builds run on."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import ItemTree, Name, Tree, ranged
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url

NodeName = Annotated[
    Name, Meta(description="Name of the agent, from list_nodes; the server's own is `(built-in)`, `(master)` of old.")
]


@CONNECTOR.tool(items="computer")
def list_nodes(tree: ItemTree = None) -> Request:
    """Return the agents: name, labels, executors, whether off line and why."""
    members = (
        "displayName,description,offline,temporarilyOffline,offlineCauseReason,idle,numExecutors,assignedLabels[name]"
    )
    return get("/computer/api/json", tree=ranged("computer", members, tree))


@CONNECTOR.tool()
def get_node(node_name: NodeName, tree: Tree = None) -> Request:
    """Return one agent: executors and what they build, labels, disk and memory (`monitorData`), whether off line."""
    return get(url("/computer/{node_name}/api/json", node_name=node_name), tree=tree)


@CONNECTOR.tool(writes=True)
def toggle_node_offline(
    node_name: NodeName,
    offline_message: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(description="Why it goes off line, shown to others."),
    ] = None,
) -> Request:
    """Take an agent off line, or back on line if it is off; look at get_node first. Returns nothing.

    Builds that run on it go on; new ones do not start there.
    """
    path = url("/computer/{node_name}/toggleOffline", node_name=node_name)
    return Request(method="POST", path=path, form={"offlineMessage": offline_message} if offline_message else None)
