"""The request's body on its way in: counted against the limit, and swallowed where nobody reads it."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from devmesh.errors import MeshError, TooLarge
from devmesh.http.problem import Message, Receive

MEBIBYTE = 1024 * 1024
_SWALLOWED_BYTES = 16 * MEBIBYTE
_SWALLOWED_SECONDS = 5.0
BODY_SECONDS = 60.0


class BodyTooSlow(MeshError):
    """The body did not come in time; a place among the requests that are served at once is not kept for it."""

    status = 408
    code = "body_too_slow"
    error = "Request Timeout"
    hint = "Send the whole body at once."


class Intake:
    """An ASGI `receive` that raises TooLarge once more than `limit` bytes have come, BodyTooSlow after 60 seconds.

    A body of known `length` ends with its last byte: servers tell the end in a message of its own, and waiting
    for that one costs as much again as the body did.
    """

    __slots__ = ("_begun", "_done", "_invited", "_left", "_receive", "_rest", "_until", "limit")

    def __init__(self, receive: Receive, limit: int, *, invited: bool, length: int | None = None) -> None:
        self._receive = receive
        self._left = self.limit = limit
        self._rest = -1 if length is None else length
        self._invited = invited
        self._begun = self._done = False
        self._until = asyncio.get_running_loop().time() + BODY_SECONDS

    async def __call__(self) -> Message:
        """Return the next message of the body."""
        self._begun = True
        try:
            async with asyncio.timeout_at(self._until):
                message = await self._receive()
        except TimeoutError:
            self._done = True
            raise BodyTooSlow(f"The body was not complete within {BODY_SECONDS:g} seconds.") from None
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._left -= size
            self._rest -= size
            if self._rest == 0:
                message["more_body"] = False
            self._done = not message.get("more_body", False)
            if self._left < 0:
                raise too_large(self.limit)
        else:
            self._done = True
        return message

    async def drain(self) -> None:
        """Return when the rest of the body has come, or 16 MiB or 5 seconds of it: then a reply can be sent.

        A connection closed on a client that is still sending is reset, and the reply lost with it. A client
        that waits for `100 Continue` is not invited to send first.
        """
        if self._done or (self._invited and not self._begun):
            return
        self._done = True
        left = _SWALLOWED_BYTES
        with suppress(TimeoutError):
            async with asyncio.timeout(_SWALLOWED_SECONDS):
                while left > 0:
                    message = await self._receive()
                    if not message.get("more_body", False):
                        return
                    left -= len(message.get("body", b""))


def too_large(limit: int) -> TooLarge:
    """Return the error of a body over `limit` bytes."""
    return TooLarge(f"The body is larger than {limit} bytes.", extra={"limit": limit})
