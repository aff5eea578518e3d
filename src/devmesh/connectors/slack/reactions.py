"""Reactions and pins on messages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import Channel, Emoji, MessageTs
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

_Name = Annotated[Emoji, Meta(description="Name of the emoji, without colons.")]


@CONNECTOR.tool(writes=True, idempotent=True, needs=("reactions:write",))
def add_reaction(channel: Channel, name: _Name, timestamp: MessageTs) -> Request:
    """React to a message with an emoji, as the token's owner."""
    return post("reactions.add", channel=channel, name=name, timestamp=timestamp)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=("reactions:write",))
def remove_reaction(channel: Channel, name: _Name, timestamp: MessageTs) -> Request:
    """Take an emoji off a message; only one that the token's owner has put there."""
    return post("reactions.remove", channel=channel, name=name, timestamp=timestamp)


@CONNECTOR.tool(needs=("reactions:read",))
def get_reactions(
    channel: Channel,
    timestamp: MessageTs,
    full: Annotated[bool | None, Meta(description="True: name everyone who reacted, however many.")] = None,
) -> Request:
    """Return a message with its reactions: each emoji, how often, and who."""
    return get("/reactions.get", channel=channel, timestamp=timestamp, full=full)


@CONNECTOR.tool(writes=True, idempotent=True, needs=("pins:write",))
def pin_message(channel: Channel, timestamp: MessageTs) -> Request:
    """Pin a message to its channel, for everybody there."""
    return post("pins.add", channel=channel, timestamp=timestamp)


@CONNECTOR.tool(needs=("pins:read",))
def list_pins(channel: Channel) -> Request:
    """Return what is pinned to a channel, all at once: messages, who pinned them and when."""
    return get("/pins.list", channel=channel)
