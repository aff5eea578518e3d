"""Messages: reading channels and threads, writing, editing and deleting."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import (
    Blocks,
    Channel,
    Latest,
    MessageText,
    MessageTs,
    Oldest,
    ThreadTs,
    Ts,
    User,
    said,
)
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.scopes import CHAT, HISTORY
from devmesh.upstream.model import Request, get

Target = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=100,
        description="ID of the conversation (or of a user, for a direct message), or a channel's name with #.",
    ),
]


@CONNECTOR.tool(items="messages", needs=HISTORY)
def get_channel_history(
    channel: Channel,
    oldest: Oldest = None,
    latest: Latest = None,
    inclusive: Annotated[bool | None, Meta(description="True: also a message of exactly oldest or latest.")] = None,
) -> Request:
    """Return a conversation's messages, newest first: text, user, `ts`, reactions, number of replies.

    The replies themselves come from get_thread_replies; to find words, search_messages is faster.
    """
    return get("/conversations.history", channel=channel, oldest=oldest, latest=latest, inclusive=inclusive)


@CONNECTOR.tool(items="messages", needs=HISTORY)
def get_thread_replies(
    channel: Channel,
    ts: Annotated[Ts, Meta(description="The `ts` of the thread's first message.")],
    oldest: Oldest = None,
    latest: Latest = None,
) -> Request:
    """Return a thread: its first message, then the replies, oldest first."""
    return get("/conversations.replies", channel=channel, ts=ts, oldest=oldest, latest=latest)


@CONNECTOR.tool(writes=True, needs=CHAT)
def post_message(
    channel: Target,
    text: MessageText = None,
    blocks: Blocks = None,
    thread_ts: ThreadTs = None,
    reply_broadcast: Annotated[
        bool | None, Meta(description="With thread_ts: True shows the reply in the channel too.")
    ] = None,
    unfurl_links: Annotated[bool | None, Meta(description="Whether links are shown with a preview.")] = None,
) -> Request:
    """Post a message and return it with its `ts`; everyone in the conversation sees it, a repeat posts another.

    To show it to one user alone, use post_ephemeral; to send it at a later time, schedule_message.
    """
    said(text, blocks)
    return post(
        "chat.postMessage",
        channel=channel,
        text=text,
        blocks=blocks,
        thread_ts=thread_ts,
        reply_broadcast=reply_broadcast,
        unfurl_links=unfurl_links,
    )


@CONNECTOR.tool(writes=True, needs=CHAT)
def post_ephemeral(
    channel: Channel,
    user: User,
    text: MessageText = None,
    blocks: Blocks = None,
    thread_ts: ThreadTs = None,
) -> Request:
    """Show a message to one member of a channel alone, until they reload; it can be neither edited nor found again."""
    said(text, blocks)
    return post("chat.postEphemeral", channel=channel, user=user, text=text, blocks=blocks, thread_ts=thread_ts)


@CONNECTOR.tool(writes=True, idempotent=True, needs=CHAT)
def update_message(channel: Channel, ts: MessageTs, text: MessageText = None, blocks: Blocks = None) -> Request:
    """Replace what a message of the token's own says, and return it; text without blocks takes its blocks away."""
    said(text, blocks)
    return post("chat.update", channel=channel, ts=ts, text=text, blocks=blocks)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=CHAT)
def delete_message(channel: Channel, ts: MessageTs) -> Request:
    """Delete a message for good; a bot may delete only its own."""
    return post("chat.delete", channel=channel, ts=ts)


@CONNECTOR.tool()
def get_permalink(channel: Channel, message_ts: MessageTs) -> Request:
    """Return the address that opens a message in Slack, to show it to people or link it in a message."""
    return get("/chat.getPermalink", channel=channel, message_ts=message_ts)
