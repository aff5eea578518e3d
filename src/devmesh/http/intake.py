"""The request's body, bounded: by its length where it tells one, else by what has come."""

from __future__ import annotations

from devmesh.errors import BadRequest, TooLarge
from devmesh.http.problem import Message, Receive

MEBIBYTE = 1024 * 1024
_MAX_DIGITS = 18


class Intake:
    """An ASGI `receive` that raises TooLarge once more than `limit` bytes have come."""

    __slots__ = ("_left", "_limit", "_receive")

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive = receive
        self._left = self._limit = limit

    async def __call__(self) -> Message:
        """Return the next message of the body."""
        message = await self._receive()
        if message["type"] == "http.request":
            self._left -= len(message.get("body", b""))
            if self._left < 0:
                raise _too_large(self._limit)
        return message


def of_length(length: bytes, limit: int, receive: Receive) -> Receive:
    """Return `receive` for a Content-Length within `limit`, else one that raises TooLarge; BadRequest for no number.

    So whoever asks is known before they are told, and the refusal counts and tells of their limits as any other.
    """
    if not length.isdigit():
        raise BadRequest("Content-Length is no number.")
    if len(length) <= _MAX_DIGITS and int(length) <= limit:
        return receive

    async def refuse() -> Message:
        raise _too_large(limit)

    return refuse


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is larger than {limit} bytes.", extra={"limit": limit})
