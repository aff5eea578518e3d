"""One connection of a client: an asyncio protocol that runs the application for one request after the other."""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any, cast

from devmesh.errors import MeshError
from devmesh.http.problem import Receive, Scope, Send
from devmesh.http.server.bounds import Bounds
from devmesh.http.server.exchange import Exchange
from devmesh.http.server.line import Line
from devmesh.http.server.reading import EnoughError, Reading
from devmesh.http.server.refusals import body_too_slow, refusal
from devmesh.http.server.replies import WrongReplyError

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_LOG = logging.getLogger("devmesh.http.server")
_CANCELLED = asyncio.CancelledError()


class Connection(Line):
    """A connection; `opened` and `closed` are told of it.

    Requests that come before their turn wait, bounded, and nothing more is read until they had it. `due` is when
    `overdue` wants to be called, by the loop's time; `last` says that the next reply is the last one.
    """

    __slots__ = (
        "_app",
        "_closed",
        "_current",
        "_deaf",
        "_ending",
        "_idle",
        "_left",
        "_opened",
        "_partial",
        "_reading",
        "_task",
        "_tls",
        "_verdict",
        "_waiting",
        "last",
    )

    def __init__(
        self,
        app: App,
        bounds: Bounds,
        opened: Callable[[Connection], None],
        closed: Callable[[Connection], None],
        *,
        tls: bool,
    ) -> None:
        super().__init__(bounds)
        self._app = app
        self._opened = opened
        self._closed = closed
        self._tls = tls
        self._reading: Reading | None = None
        self._current: Exchange | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle: asyncio.Future[None] | None = None  # what the task awaits between two requests
        self._waiting: deque[Exchange] = deque()
        self._verdict: MeshError | None = None  # what is said of the connection's bytes once those before are answered
        self._deaf = self._ending = self._partial = False
        self._left = bounds.linger_bytes
        self.last = False

    @property
    def waits(self) -> bool:
        """Whether it waits for a request, or for the rest of one's head."""
        return self._current is None and self._writable is None and not self._waiting and not self._ending

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Wait for the first request."""
        self._transport = cast("asyncio.Transport", transport)
        self._reading = Reading(self, self._described(transport), self._bounds)
        self._watch(self._bounds.head)
        self._opened(self)

    def _described(self, transport: asyncio.BaseTransport) -> dict[str, Any]:
        peer = transport.get_extra_info("peername")
        own = transport.get_extra_info("sockname")
        return {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "scheme": "https" if self._tls else "http",
            "root_path": "",
            "client": tuple(peer[:2]) if isinstance(peer, tuple) else None,
            "server": tuple(own[:2]) if isinstance(own, tuple) else None,
        }

    def data_received(self, data: bytes) -> None:
        """Read on; what cannot be read is answered after what came before it."""
        reading = self._reading
        if self._deaf or reading is None:
            self._left -= len(data)
            if self._left < 0:
                self.abort()
            return
        try:
            reading.feed(data)
        except EnoughError:
            self._deaf = True
        except MeshError as error:
            self._misread(reading, error)
        else:
            incoming = reading.incoming
            if self._waiting or (incoming is not None and incoming.unread > self._bounds.body_bytes_ahead):
                self._hold()

    def _misread(self, reading: Reading, error: MeshError) -> None:
        self._deaf = True
        self._partial = False
        if not reading.spoil(error):
            self._verdict = error
            if self._current is None:
                self._next()

    def eof_received(self) -> None:
        """Take it for the client's leaving: what ends its own side seldom reads the other one."""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """Let whatever is under way know."""
        self._transport = None
        self.due = math.inf
        self._waiting.clear()
        self._deaf = True
        if self._reading is not None:
            self._reading.forget()
            self._reading = None
        current = self._current
        if current is not None:
            current.leave()
        self.resume_writing()
        if current is None:
            self._wake()
            self._closed(self)

    def resume_writing(self) -> None:
        """Write on."""
        super().resume_writing()
        if self._current is None:
            self._next()
        elif self._transport is not None:
            self.due = self._due_of(self._current)

    def overdue(self) -> None:
        """Do what is to be done when the time that the client had is over."""
        reading = self._reading
        if self._buffered():
            self.check_progress()
        elif self._ending or reading is None:
            self.abort()
        elif self._current is not None and reading.spoil(body_too_slow(self._bounds)):
            self._deaf = True
            self.due = math.inf
            self._release()
        else:
            self._close()

    def finish(self) -> None:
        """Let the reply that is under way be the last; without one, end now."""
        self.last = True
        if self.waits and not self._partial:
            self._close()

    def cut_off(self) -> None:
        """End the connection and what is under way."""
        if self._current is not None and self._task is not None:
            self._task.cancel()
        self.abort()

    def head_begins(self) -> None:
        """Bound the time that the head may take, unless there is enough to do."""
        self._partial = True
        if self._current is None:
            self._watch(self._bounds.head)
        elif len(self._waiting) >= self._bounds.pipelined:
            self._waiting[-1].keep = False
            raise EnoughError

    def asked(self, exchange: Exchange) -> None:
        """Run the request, or have it wait for its turn."""
        self._partial = False
        if self._current is None and self._writable is None:
            self._start(exchange)
        else:
            self._waiting.append(exchange)

    def completed(self, exchange: Exchange) -> None:
        """Stop the clock of a body."""
        if exchange is self._current and self._writable is None:
            self.due = math.inf

    def wants_more(self) -> None:
        """Read on, unless there are requests enough."""
        if self._held and not self._waiting:
            self._release()

    def _start(self, exchange: Exchange) -> None:
        self._current = exchange
        self.due = self._due_of(exchange)
        if self._task is None:
            self._task = self._loop.create_task(self._serve())
        else:
            self._wake()
        exchange.task = self._task

    def _wake(self) -> None:
        idle, self._idle = self._idle, None
        if idle is not None:
            idle.set_result(None)

    async def _serve(self) -> None:
        """Run the application for one request after the other: a task for each would cost as much as its start."""
        while (exchange := self._current) is not None:
            error: BaseException | None = _CANCELLED
            try:
                await self._app(exchange.scope, exchange.receive, exchange.send)
                error = None
            except Exception as failure:  # noqa: BLE001 - one of the three places that catch everything
                error = failure
            finally:
                self._settle(exchange, error)
            if self._current is None and self._transport is not None:
                self._idle = self._loop.create_future()
                await self._idle

    def _settle(self, exchange: Exchange, error: BaseException | None) -> None:
        exchange.task = None
        self._current = None
        if error is None and not exchange.ended:
            error = WrongReplyError("the application returned without a whole reply")
        if error is not None and not isinstance(error, asyncio.CancelledError):
            _LOG.error("a request failed", exc_info=error)
        if self._transport is None:
            self._closed(self)
        elif error is not None:
            self._fail(self._transport, exchange)
        elif exchange.keep and exchange.whole:
            self._next()
        elif exchange.whole and not self._deaf and not self._waiting:
            self._close()
        else:
            self._linger()

    def _fail(self, transport: asyncio.Transport, exchange: Exchange) -> None:
        if exchange.begun:
            self.cut()
        elif not transport.is_closing():
            self._refuse(MeshError("Something went wrong on our side; it is logged."))

    def _next(self) -> None:
        if self._writable is not None or self._transport is None or self._ending:
            return
        if self._waiting:
            self._start(self._waiting.popleft())
            self.wants_more()
        elif self._verdict is not None:
            self._refuse(self._verdict)
        elif self.last and not self._partial:
            self._close()
        else:
            self._watch(self._bounds.head if self._partial else self._bounds.idle)
            self._release()

    def _due_of(self, exchange: Exchange) -> float:
        return math.inf if exchange.whole else self._loop.time() + self._bounds.body

    def _refuse(self, error: MeshError) -> None:
        self.write(refusal(error))
        self._linger()

    def _linger(self) -> None:
        """Read what the client still sends, and throw it away, until it has had the time to read its reply."""
        transport = self._transport
        if transport is None:
            return
        self._end()
        self._release()
        if transport.can_write_eof() and not transport.is_closing():
            transport.write_eof()

    def _close(self) -> None:
        self._end()
        if self._transport is not None:
            self._transport.close()

    def _end(self) -> None:
        self._deaf = self._ending = True
        self._waiting.clear()
        self._watch(self._bounds.linger)
