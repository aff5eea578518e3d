"""What happens later: scheduled messages, and reminders."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.slack.arguments import Blocks, Channel, ChannelId, MessageText, ThreadTs, said
from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.connectors.slack.messages import Target
from devmesh.connectors.slack.scopes import CHAT
from devmesh.upstream.model import Request, get

_Seconds = Annotated[int, Meta(ge=1, le=99_999_999_999)]


@CONNECTOR.tool(writes=True, needs=CHAT)
def schedule_message(
    channel: Target,
    post_at: Annotated[_Seconds, Meta(description="When to post it: Unix time in seconds, within 120 days.")],
    text: MessageText = None,
    blocks: Blocks = None,
    thread_ts: ThreadTs = None,
) -> Request:
    """Have a message posted at a later time, and return its scheduled_message_id; a repeat schedules another."""
    said(text, blocks)
    return post("chat.scheduleMessage", channel=channel, post_at=post_at, text=text, blocks=blocks, thread_ts=thread_ts)


@CONNECTOR.tool(items="scheduled_messages", max_limit=100)
def list_scheduled_messages(
    channel: Annotated[ChannelId | None, Meta(description="Only those of this conversation; omitted: all.")] = None,
) -> Request:
    """Return the messages that this very token has scheduled and that are not posted yet, with their ids."""
    return get("/chat.scheduledMessages.list", channel=channel)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=CHAT)
def delete_scheduled_message(
    channel: Channel,
    scheduled_message_id: Annotated[
        str,
        Meta(
            description="Id of the scheduled message, from list_scheduled_messages.",
            pattern="^Q[A-Z0-9]{2,30}$",
            examples=["Q1298393284"],
        ),
    ],
) -> Request:
    """Drop a message that waits to be posted; one that is posted within the next minute cannot be dropped."""
    return post("chat.deleteScheduledMessage", channel=channel, scheduled_message_id=scheduled_message_id)


@CONNECTOR.tool(writes=True, needs=("reminders:write",))
def add_reminder(
    text: Annotated[str, Meta(min_length=1, max_length=3000, description="What to be reminded of.")],
    time: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=100,
            description="When: a Unix time in seconds, or English words such as `in 15 minutes`, `every Thursday`.",
        ),
    ],
) -> Request:
    """Set a reminder for the user whose token it is, and return it; takes a user token (xoxp-), not a bot's."""
    return post("reminders.add", text=text, time=time)
