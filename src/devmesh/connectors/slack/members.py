"""Who is in a conversation, and how one comes in and out."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import Channel, ChannelId, MessageTs, User, UserId, joined
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.scopes import INVITES, JOIN, MANAGE, READ
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get


@CONNECTOR.tool(items="members", needs=READ)
def list_channel_members(channel: Channel) -> Request:
    """Return the IDs of a conversation's members; get_user tells who each is."""
    return get("/conversations.members", channel=channel)


@CONNECTOR.tool(writes=True, idempotent=True, needs=JOIN)
def join_channel(channel: Channel) -> Request:
    """Make the token's owner a member of a public channel, and return it; into a private one only a member invites."""
    return post("conversations.join", channel=channel)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=MANAGE)
def leave_channel(channel: Channel) -> Request:
    """Take the token's owner out of a channel; into a private one there is no way back without an invitation."""
    return post("conversations.leave", channel=channel)


@CONNECTOR.tool(writes=True, idempotent=True, needs=INVITES)
def invite_to_channel(
    channel: Channel,
    users: Annotated[
        list[UserId], Meta(min_length=1, max_length=100, description="IDs of the users to bring in, from list_users.")
    ],
) -> Request:
    """Make users members of a channel that the token's owner is in, and return the channel; they are told of it."""
    return post("conversations.invite", channel=channel, users=joined(users))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=MANAGE)
def kick_from_channel(channel: Channel, user: User) -> Request:
    """Put a user out of a channel; into a private one they come back only by invitation."""
    return post("conversations.kick", channel=channel, user=user)


@CONNECTOR.tool(writes=True, idempotent=True, needs=MANAGE)
def open_conversation(
    users: Annotated[
        Annotated[list[UserId], Meta(min_length=1, max_length=8)] | None,
        Meta(description="IDs of the users to talk with: one for a direct message, up to eight for a group."),
    ] = None,
    channel: Annotated[
        ChannelId | None, Meta(description="Instead of users: ID of a direct message to resume.")
    ] = None,
    return_im: Annotated[
        bool | None, Meta(description="True: return the whole conversation, not its ID alone.")
    ] = None,
) -> Request:
    """Open a direct message with users, or find the one that there is, and return its ID for post_message."""
    if users is None and channel is None:
        raise Invalid([Fault("users", "required, unless there is a channel")])
    return post("conversations.open", users=joined(users), channel=channel, return_im=return_im)


@CONNECTOR.tool(writes=True, idempotent=True, needs=MANAGE)
def mark_conversation(channel: Channel, ts: MessageTs) -> Request:
    """Move the read marker of the token's owner to a message: what came before counts as read."""
    return post("conversations.mark", channel=channel, ts=ts)
