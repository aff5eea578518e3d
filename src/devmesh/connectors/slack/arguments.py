"""The arguments that many of Slack's tools share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from msgspec import Meta

from devmesh.errors import Fault, Invalid

_CHANNEL = r"^[CDG][A-Z0-9]{2,30}$"
_USER = r"^[UW][A-Z0-9]{2,30}$"
_TS = r"^[0-9]{1,12}\.[0-9]{1,6}$"

ChannelId = Annotated[str, Meta(pattern=_CHANNEL, examples=["C0123456789"])]
UserId = Annotated[str, Meta(pattern=_USER, examples=["U0123456789"])]
FileId = Annotated[str, Meta(pattern="^F[A-Z0-9]{2,30}$", examples=["F0123456789"])]
TeamId = Annotated[str, Meta(pattern="^[TE][A-Z0-9]{2,30}$", examples=["T0123456789"])]
Ts = Annotated[str, Meta(pattern=_TS, examples=["1503435956.000247"])]
# Slack compares times as texts of seconds, with or without the part that makes a message's `ts` unique.
Moment = Annotated[str, Meta(pattern=r"^[0-9]{1,12}(\.[0-9]{1,6})?$", examples=["1503435956"])]

Channel = Annotated[ChannelId, Meta(description="ID of the conversation, from list_channels.")]
MessageTs = Annotated[Ts, Meta(description="The `ts` of the message, from get_channel_history.")]
User = Annotated[UserId, Meta(description="ID of the user, from list_users.")]
File = Annotated[FileId, Meta(description="ID of the file, from list_files.")]
Team = Annotated[
    TeamId | None, Meta(description="ID of the workspace; only for a token of a whole Enterprise organization.")
]
Oldest = Annotated[Moment | None, Meta(description="Only messages after this Unix time.")]
Latest = Annotated[Moment | None, Meta(description="Only messages before this Unix time; omitted: now.")]

# As long as Slack takes a text before it cuts it off.
Text = Annotated[str, Meta(min_length=1, max_length=40_000)]
MessageText = Annotated[
    Text | None,
    Meta(description="The text, in Slack's mrkdwn (`*bold*`, `<https://…|label>`); with blocks: what notices show."),
]
Blocks = Annotated[
    Annotated[list[dict[str, Any]], Meta(min_length=1, max_length=50)] | None,
    Meta(description="Block Kit blocks in their order, such as {'type': 'divider'}; they are shown instead of text."),
]
ThreadTs = Annotated[Ts | None, Meta(description="Answer in this thread: the `ts` of its first message.")]
Kind = Literal["public_channel", "private_channel", "mpim", "im"]
Kinds = Annotated[
    Annotated[list[Kind], Meta(min_length=1, max_length=4)] | None,
    Meta(description="Kinds of conversation; `im`: direct messages, `mpim`: of several; omitted: public channels."),
]
Emoji = Annotated[str, Meta(pattern="^[^:\\s]{1,100}(::skin-tone-[2-6])?$", examples=["thumbsup"])]


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, None for none."""
    return ",".join(values) if values else None


def said(text: str | None, blocks: list[dict[str, Any]] | None) -> None:
    """Raise Invalid for a message that would say nothing."""
    if text is None and blocks is None:
        raise Invalid([Fault("text", "required, unless there are blocks")])
