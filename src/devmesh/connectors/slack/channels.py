"""Channels and other conversations: which there are, and how they are set up."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import Channel, Kinds, Team, joined
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.scopes import MANAGE, READ, TOPIC
from devmesh.upstream.model import Request, get

_Name = Annotated[str, Meta(pattern="^[^A-Z\\s.,#@]{1,80}$", examples=["release-notes"])]
_Short = Annotated[str, Meta(max_length=250)]


@CONNECTOR.tool(items="channels", needs=READ)
def list_channels(
    types: Kinds = None,
    exclude_archived: Annotated[bool | None, Meta(description="True: without archived channels.")] = None,
    team_id: Team = None,
) -> Request:
    """Return the workspace's conversations that the token sees: ID, name, topic, purpose, number of members.

    list_user_channels gives only those that somebody is in.
    """
    return get("/conversations.list", types=joined(types), exclude_archived=exclude_archived, team_id=team_id)


@CONNECTOR.tool(needs=READ)
def get_channel(
    channel: Channel,
    include_num_members: Annotated[bool | None, Meta(description="True: count the members too.")] = None,
) -> Request:
    """Return one conversation: name, topic, purpose, creator, whether it is private or archived."""
    return get("/conversations.info", channel=channel, include_num_members=include_num_members)


@CONNECTOR.tool(writes=True, needs=MANAGE)
def create_channel(
    name: Annotated[_Name, Meta(description="Name of the channel: lower case, no spaces, no full stops.")],
    is_private: Annotated[bool | None, Meta(description="True: a private channel, open to the invited only.")] = None,
    team_id: Team = None,
) -> Request:
    """Create a channel, with the token's owner in it, and return it; a name that exists is refused."""
    return post("conversations.create", name=name, is_private=is_private, team_id=team_id)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=MANAGE)
def archive_channel(channel: Channel) -> Request:
    """Archive a channel: nobody can write in it any more, and all members are put out; its messages stay readable."""
    return post("conversations.archive", channel=channel)


@CONNECTOR.tool(writes=True, idempotent=True, needs=MANAGE)
def unarchive_channel(channel: Channel) -> Request:
    """Restore an archived channel; takes a user token, for a bot is no member of it any more."""
    return post("conversations.unarchive", channel=channel)


@CONNECTOR.tool(writes=True, idempotent=True, needs=MANAGE)
def rename_channel(
    channel: Channel,
    name: Annotated[_Name, Meta(description="The new name: lower case, no spaces, no full stops.")],
) -> Request:
    """Rename a channel and return it; only its creator, an administrator or a channel manager may."""
    return post("conversations.rename", channel=channel, name=name)


@CONNECTOR.tool(writes=True, needs=TOPIC)
def set_channel_topic(
    channel: Channel, topic: Annotated[_Short, Meta(description="The new topic, without formatting; empty: none.")]
) -> Request:
    """Set the topic, the line at a channel's head that says what it is about now; the channel is told of it."""
    return post("conversations.setTopic", channel=channel, topic=topic)


@CONNECTOR.tool(writes=True, needs=TOPIC)
def set_channel_purpose(
    channel: Channel, purpose: Annotated[_Short, Meta(description="The new description; empty: none.")]
) -> Request:
    """Set the purpose, a channel's lasting description; the channel is told of it."""
    return post("conversations.setPurpose", channel=channel, purpose=purpose)
