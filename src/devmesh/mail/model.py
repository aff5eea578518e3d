"""What is delivered, how a delivery ends, and what one must be able to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from typing import Protocol
from uuid import UUID

HandOver = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Letter:
    """A message (RFC 5322, lines ended by CR LF) to one recipient; the same id is the same message, byte by byte."""

    id: UUID
    to: str = field(repr=False)
    content: bytes = field(repr=False)


class Undelivered(Exception):
    """The message was not taken, for a reason that may pass; the text is for the log and names no recipient."""


class GivenUp(Undelivered):
    """The message was not taken and never will be."""


class Interrupted(Undelivered):
    """The connection ended or fell silent: the message was not taken, unless it had been handed over."""


class Route(Protocol):
    """A way for several letters, one after the other."""

    async def deliver(self, letter: Letter, hand_over: HandOver) -> None:
        """Have the letter delivered; raise Undelivered.

        Where a repeat would be a second mail, `hand_over` is awaited just before the step that cannot be undone.
        """


class Delivery(Protocol):
    """How mails leave: from whom, and, if they become files, in which folder; `told` says so in a log.

    An attempt takes at most so many `seconds`, until it is handed over.
    """

    sender: str
    folder: str | None
    told: str
    seconds: float

    def route(self) -> AbstractAsyncContextManager[Route]:
        """Return a route, closed at the end of the block."""
