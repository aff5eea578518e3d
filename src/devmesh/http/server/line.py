"""What goes over one connection, and how long it may take."""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from typing import Final

from devmesh.http.server.bounds import Bounds

_RESET: Final = struct.pack("ii", 1, 0)  # linger for no time: what is not sent is thrown away


class Line(asyncio.Protocol):
    """A transport that is held while enough was read, and watched while the client does not take what is written.

    `due` is the moment, by the loop's clock, when the client's time is over, `since` the one when it began.
    """

    __slots__ = ("_bounds", "_held", "_loop", "_transport", "_unsent", "_writable", "due", "since")

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._writable: asyncio.Event | None = None  # there while the client does not keep up
        self._held = False
        self._unsent = 0
        self.due = math.inf
        self.since = 0.0

    def pause_writing(self) -> None:
        """Note that the client does not keep up."""
        self._writable = asyncio.Event()
        self._watch(self._bounds.write)
        self._unsent = self._buffered()

    def resume_writing(self) -> None:
        """Let those who wait write on."""
        writable, self._writable = self._writable, None
        if writable is not None:
            writable.set()

    def check_progress(self) -> None:
        """End the connection if the client has taken nothing of what is written since the last time."""
        left = self._buffered()
        if self._unsent and left >= self._unsent:
            self.abort()
        else:
            self._watch(self._bounds.write)
            self._unsent = left

    def abort(self) -> None:
        """End the connection at once; what is under way goes on."""
        if self._transport is not None:
            self._transport.abort()

    def cut(self) -> None:
        """Reset the connection, so that the client sees a cut reply as cut even where only the end tells the end."""
        if self._transport is not None:
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
            self._transport.abort()

    def write(self, *pieces: bytes) -> None:
        """Send bytes, in one go."""
        if self._transport is None:
            return
        if len(pieces) == 1:
            self._transport.write(pieces[0])
        else:
            self._transport.writelines(pieces)

    async def writable(self) -> None:
        """Return when the client has taken most of what was sent, or has gone."""
        while self._writable is not None:
            await self._writable.wait()

    def _watch(self, seconds: float) -> None:
        self._unsent = 0
        self.since = self._loop.time()
        self.due = self.since + seconds

    def _hold(self) -> None:
        if not self._held and self._transport is not None:
            self._held = True
            self._transport.pause_reading()

    def _release(self) -> None:
        if self._held and self._transport is not None:
            self._held = False
            self._transport.resume_reading()

    def _buffered(self) -> int:
        return 0 if self._transport is None else self._transport.get_write_buffer_size()
