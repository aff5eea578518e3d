"""One client per organization and checked address: it connects there, whatever a name says, and asks no resolver."""

from __future__ import annotations

import asyncio
import ssl
from collections import OrderedDict
from weakref import WeakValueDictionary

from devmesh.trust import trusting
from devmesh.upstream.connection import BrokenError, Connection
from devmesh.upstream.incoming import Taken
from devmesh.upstream.message import Message
from devmesh.upstream.origin import Origin
from devmesh.upstream.outgoing import head_of, host_of
from devmesh.upstream.room import Room

CONNECT_SECONDS = 5.0
TOTAL_SECONDS = 55.0  # below the 60 s after which MCP clients commonly give up
_KEPT = 1024
_IDLE_CONNECTIONS = 128  # of one client
_OPEN_CONNECTIONS = 8192  # of all clients: beyond that none is kept


class Client:
    """The connections to one address; those that are idle are used again, the last one first."""

    def __init__(
        self, origin: Origin, address: str, tls: ssl.SSLContext | None, opened: set[Connection], room: Room
    ) -> None:
        self._host = host_of(origin)
        self._origin = origin
        self._address = address
        self._tls = tls
        self._opened = opened
        self._room = room
        self._idle: list[Connection] = []
        self._retired = False

    async def exchange(self, message: Message, most: int, until: float) -> Taken:
        """Return the whole answer; raises BrokenError where there is none.

        Only a read is sent a second time, and only if the service closed the kept connection without a word.
        Raises Invalid, before anything else, for what no request can hold.
        """
        head = head_of(message, self._host)
        connection = self._kept()
        once_more = connection is not None and not message.writes
        while True:
            if connection is None:
                connection = await self._connect(until)
            waiting = connection.ask(head, message.body, to_head=message.method == "HEAD", most=most, until=until)
            try:
                return await waiting
            except asyncio.CancelledError:
                connection.give_up(waiting)
                raise
            except BrokenError as error:
                if not (once_more and error.silent) or self._retired:
                    raise
            once_more, connection = False, None

    def retire(self) -> None:
        """Close what is idle now, and what is in use when its exchange ends."""
        self._retired = True
        while self._idle:
            self._idle.pop().abort()

    def _kept(self) -> Connection | None:
        idle = self._idle
        while idle:
            connection = idle.pop()
            if connection.usable:
                return connection
            connection.abort()
        return None

    async def _connect(self, until: float) -> Connection:
        loop = asyncio.get_running_loop()
        limit = min(until, loop.time() + CONNECT_SECONDS)
        name = self._origin.host if self._tls is not None else None
        connection = Connection(self._free, self._lost, self._room)
        self._opened.add(connection)
        try:
            async with asyncio.timeout_at(limit):
                await loop.create_connection(
                    lambda: connection, self._address, self._origin.port, ssl=self._tls, server_hostname=name
                )
        except (OSError, ValueError) as error:  # ValueError: a name that TLS cannot ask for
            raise BrokenError(late=isinstance(error, TimeoutError), unsent=True) from error
        finally:
            if not connection.is_open:
                self._opened.discard(connection)
        if not connection.is_open:
            raise BrokenError(unsent=True)
        return connection

    def _free(self, connection: Connection) -> None:
        if self._retired or len(self._idle) >= _IDLE_CONNECTIONS or len(self._opened) > _OPEN_CONNECTIONS:
            connection.abort()
        else:
            self._idle.append(connection)

    def _lost(self, connection: Connection) -> None:
        self._opened.discard(connection)
        if connection in self._idle:
            self._idle.remove(connection)


class Clients:
    """The last 1024 clients in use, each of one organization.

    A connection never carries two organizations' requests: where a service, or a proxy before it, takes an answer or
    the rest of a request for the next one's, that is not a stranger's. A client that falls out lives on in the
    requests that use it and ends with the last of them.
    """

    def __init__(self) -> None:
        self._clients: OrderedDict[tuple[str, Origin, str], Client] = OrderedDict()
        self._opened: set[Connection] = set()
        # By organization, as long as it has a client or holds something.
        self._rooms: WeakValueDictionary[str, Room] = WeakValueDictionary()
        self._tls: ssl.SSLContext | None = None

    def to(self, origin: Origin, address: str, organization: str) -> Client:
        """Return the organization's client that connects to `address` for `origin`, and nowhere else."""
        key = (organization, origin, address)
        client = self._clients.get(key)
        if client is None:
            tls = self._context() if origin.scheme == "https" else None
            room = self._rooms.setdefault(organization, Room())
            client = self._clients[key] = Client(origin, address, tls, self._opened, room)
            if len(self._clients) > _KEPT:
                self._clients.popitem(last=False)[1].retire()
        else:
            self._clients.move_to_end(key)
        return client

    async def close(self) -> None:
        """End every client, with the requests that are still under way."""
        for client in self._clients.values():
            client.retire()
        self._clients.clear()
        for connection in list(self._opened):
            connection.abort()
        await asyncio.sleep(0)  # their sockets close in the loop's next round

    def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = trusting()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
            self._tls.set_alpn_protocols(["http/1.1"])
        return self._tls
