"""One connection to a service: an asyncio protocol that carries one exchange at a time."""

from __future__ import annotations

import asyncio
import select
import ssl
from collections.abc import Callable
from typing import cast

from httptools import HttpParserError, HttpParserUpgrade

from devmesh.upstream.incoming import Answer, NoAnswerError, Taken, TooMuchError
from devmesh.upstream.room import NoRoomError, Room

READ_SECONDS = 30.0
IDLE_SECONDS = 45.0  # below what load balancers keep, so that a write seldom meets a connection that is being closed
_PIECE = 256 * 1024


class BrokenError(Exception):
    """The exchange came to no whole answer.

    `unsent`: provably nothing was sent. `silent`: not one byte came back. `late`: it took too long. `status` is
    the answer's if its head came, else 0. `too_much`: there was an answer, with a longer body than is taken; `no_room`:
    with one that the organization has no room for just now.
    """

    def __init__(
        self,
        *,
        status: int = 0,
        late: bool = False,
        unsent: bool = False,
        silent: bool = False,
        too_much: bool = False,
        no_room: bool = False,
    ) -> None:
        super().__init__()
        self.status = status
        self.late = late
        self.unsent = unsent
        self.silent = silent
        self.too_much = too_much
        self.no_room = no_room


class Connection(asyncio.Protocol):
    """A connection; `free` is called with it when it can carry another exchange, `lost` when it has ended.

    The clock is the loop's, which is `time.monotonic`.
    """

    __slots__ = (
        "_answer",
        "_ended",
        "_free",
        "_heard",
        "_loop",
        "_lost",
        "_news",
        "_paused",
        "_rest",
        "_seen",
        "_timer",
        "_transport",
        "_until",
        "_waiting",
    )

    def __init__(self, free: Callable[[Connection], None], lost: Callable[[Connection], None], room: Room) -> None:
        self._loop = asyncio.get_running_loop()
        self._free = free
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._waiting: asyncio.Future[Taken] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._rest: memoryview | None = None  # of a long request, what is not written yet
        self._news = select.poll()
        self._ended = False
        self._paused = False
        self._seen = False
        self._until = self._heard = 0.0
        self._answer = Answer(room)

    @property
    def is_open(self) -> bool:
        """Whether it is connected."""
        return self._transport is not None and not self._transport.is_closing()

    @property
    def usable(self) -> bool:
        """Whether it can carry another exchange: open, not idle for too long, and the socket without news.

        An end that the loop has not come to read yet would otherwise leave a write's outcome unknown.
        """
        return self.is_open and self._loop.time() - self._heard < IDLE_SECONDS and not self._news.poll(0)

    def ask(self, head: bytes, body: bytes | None, *, to_head: bool, most: int, until: float) -> asyncio.Future[Taken]:
        """Send a request; the future has its whole answer, or fails with BrokenError.

        Whoever stops waiting gives it up.
        """
        waiting = self._waiting = self._loop.create_future()
        self._seen = False
        self._until = until
        self._heard = self._loop.time()
        self._answer.expect(to_head=to_head, most=most)
        self._watch()
        transport = cast("asyncio.Transport", self._transport)
        if body is None or len(body) <= _PIECE:
            transport.write(head + body if body else head)
        else:
            transport.write(head)
            self._rest = memoryview(body)
            self._push()
        return waiting

    def give_up(self, waiting: asyncio.Future[Taken]) -> None:
        """End the connection, unless that exchange is over and the connection perhaps another caller's by now."""
        if self._waiting is waiting:
            self._fail()

    def abort(self) -> None:
        """End the connection now; an exchange under way fails."""
        self._fail()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, unless the connection was ended before it came about."""
        if self._ended:
            cast("asyncio.Transport", transport).abort()
            return
        self._transport = cast("asyncio.Transport", transport)
        self._news.register(transport.get_extra_info("socket"), select.POLLIN)
        self._heard = self._loop.time()

    def data_received(self, data: bytes) -> None:
        """Feed the answer, and end the exchange when it is whole."""
        if self._waiting is None:  # bytes that nobody asked for
            self._fail()
            return
        self._seen = True
        self._heard = self._loop.time()
        answer = self._answer
        try:
            answer.feed(data)
        except (HttpParserError, HttpParserUpgrade, NoAnswerError) as error:  # a callback's own error is its context
            if not answer.whole:
                cause = error.__context__
                self._fail(too_much=isinstance(cause, TooMuchError), no_room=isinstance(cause, NoRoomError))
                return
            answer.keep = False
        if answer.whole:
            self._done()

    def eof_received(self) -> None:
        """End the answer whose body ends with the connection; the transport then closes itself."""
        if self._waiting is None:
            return
        try:
            if self._is_true_end() and self._answer.ended():
                self._done()
        except NoAnswerError:  # a packed body that is cut
            self._fail()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's own
        """Fail what is under way."""
        self._fail()
        self._lost(self)

    def pause_writing(self) -> None:
        """Stop writing: the service does not keep up."""
        self._paused = True

    def resume_writing(self) -> None:
        """Write on."""
        self._paused = False
        self._heard = self._loop.time()
        self._push()

    def _push(self) -> None:
        while self._rest is not None and not self._paused and self._transport is not None:
            piece, rest = self._rest[:_PIECE], self._rest[_PIECE:]
            self._rest = rest if len(rest) else None
            self._transport.write(piece)

    def _is_true_end(self) -> bool:
        """Whether the end was the service's own word: under TLS anybody on the way can end a connection."""
        transport = self._transport
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object") if transport is not None else None
        try:
            return tls is None or tls.read(1) == b""
        except ssl.SSLError:
            return False

    def _watch(self) -> None:
        """See to it that the timer runs out no later than the exchange must.

        It is not set anew for every exchange or every piece, but looks at what has happened when it runs out.
        """
        due = min(self._until, self._heard + READ_SECONDS)
        if self._timer is not None:
            if self._timer.when() <= due:
                return
            self._timer.cancel()
        self._timer = self._loop.call_at(due, self._due)

    def _due(self) -> None:
        self._timer = None
        now = self._loop.time()
        idle = self._waiting is None
        due = self._heard + IDLE_SECONDS if idle else min(self._until, self._heard + READ_SECONDS)
        if due <= now:
            self._fail(late=True)
        else:
            self._timer = self._loop.call_at(due, self._due)

    def _done(self) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            waiting.set_result(self._answer.taken())
        if self._answer.keep and self._rest is None:
            self._free(self)
        else:
            self._end()

    def _fail(self, *, late: bool = False, too_much: bool = False, no_room: bool = False) -> None:
        waiting, self._waiting = self._waiting, None
        if waiting is not None and not waiting.done():
            silent = not (self._seen or late)
            status = self._answer.status
            broken = BrokenError(status=status, late=late, silent=silent, too_much=too_much, no_room=no_room)
            waiting.set_exception(broken)
        self._answer.forget()
        self._end()

    def _end(self) -> None:
        """Close at once and let go of everything that refers back."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ended = True
        self._rest = None
        self._answer.parser = None
        transport, self._transport = self._transport, None
        if transport is not None:
            transport.abort()
