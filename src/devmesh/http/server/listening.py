"""The server: connections from a socket that listens already, swept for those that take too long."""

from __future__ import annotations

import asyncio
import heapq
import socket
import ssl

from devmesh.http.server.bounds import Bounds
from devmesh.http.server.connection import App, Connection

BACKLOG = 1024
_CUT_OFF_SECONDS = 1.0
_PART = 16


class Server:
    """Serves `app` over HTTP/1.1 from `open` to `close`."""

    def __init__(self, app: App, *, bounds: Bounds | None = None, tls: ssl.SSLContext | None = None) -> None:
        self._app = app
        self._bounds = bounds or Bounds()
        self._tls = tls
        self._connections: set[Connection] = set()
        self._listener: socket.socket | None = None
        self._accepting: asyncio.Server | None = None
        self._changing: asyncio.Task[None] | None = None
        self._sweeping: asyncio.TimerHandle | None = None
        self._ended = asyncio.Event()

    @property
    def connections(self) -> int:
        """How many clients are connected."""
        return len(self._connections)

    async def open(self, listener: socket.socket) -> None:
        """Accept connections from `listener`, which is ours from now on."""
        self._listener = listener
        listener.settimeout(0)
        await self._accept()
        self._sweep()

    async def close(self, seconds: float) -> bool:
        """Accept nothing more and let every request that is under way be answered; return whether all were.

        What is not answered within `seconds` is cut off, and the application let go.
        """
        await asyncio.sleep(0)  # what has been sent already is read
        await asyncio.sleep(0)
        self._stop_accepting()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        for connection in tuple(self._connections):
            connection.finish()
        answered = await self._emptied(seconds)
        if not answered:
            for connection in tuple(self._connections):
                connection.cut_off()
            await self._emptied(_CUT_OFF_SECONDS)
        if self._sweeping is not None:
            self._sweeping.cancel()
        return answered

    async def _emptied(self, seconds: float) -> bool:
        """Return whether the last connection ended within that time."""
        if self._connections:
            self._ended.clear()
            try:
                await asyncio.wait_for(self._ended.wait(), seconds)
            except TimeoutError:
                return False
        return True

    async def _accept(self) -> None:
        if self._listener is None or self._accepting is not None:
            return
        self._accepting = await asyncio.get_running_loop().create_server(
            self._connection,
            sock=self._listener.dup(),
            backlog=BACKLOG,
            ssl=self._tls,
            ssl_handshake_timeout=None if self._tls is None else self._bounds.head,
        )
        if self._listener is None:  # closed meanwhile
            self._stop_accepting()

    def _stop_accepting(self) -> None:
        if self._accepting is not None:
            self._accepting.close()
            self._accepting = None

    def _connection(self) -> Connection:
        return Connection(self._app, self._bounds, self._opened, self._closed, tls=self._tls is not None)

    def _opened(self, connection: Connection) -> None:
        self._connections.add(connection)
        if len(self._connections) >= self._bounds.connections:
            self._make_room(connection)

    def _make_room(self, last: Connection) -> None:
        """End those that have waited longest for a request: idle ones, however many, must keep nobody out.

        Several at a time, as looking at all of them takes its time. Where none waits but the last, nobody else is
        let in.
        """
        waiting = [one for one in self._connections if one.waits and one is not last]
        some = max(1, self._bounds.connections // _PART)
        for connection in heapq.nsmallest(some, waiting, key=lambda one: one.since):
            self._connections.discard(connection)
            connection.cut_off()
        if not waiting:
            self._stop_accepting()  # those who come now wait in the queue, or for another worker

    def _closed(self, connection: Connection) -> None:
        self._connections.discard(connection)
        if not self._connections:
            self._ended.set()
        room = len(self._connections) < self._bounds.connections
        if room and self._listener is not None and self._accepting is None and self._changing is None:
            self._changing = asyncio.get_running_loop().create_task(self._accept_again())

    async def _accept_again(self) -> None:
        await self._accept()
        self._changing = None

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        for connection in tuple(self._connections):
            if connection.due <= now:
                connection.overdue()
        self._sweeping = loop.call_later(self._bounds.sweep, self._sweep)
