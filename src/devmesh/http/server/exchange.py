"""One request and its reply, as ASGI has them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from devmesh.errors import MeshError
from devmesh.http.problem import Message, Scope
from devmesh.http.server.replies import Stream, WrongReplyError, whole

_CLOSE = b"connection: close"
_KEEP = b"connection: keep-alive"  # which HTTP/1.0 has to be told
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Wire(Protocol):
    """The connection as its exchange sees it."""

    last: bool

    def write(self, *pieces: bytes) -> None: ...  # noqa: D102 - the names say it
    def wants_more(self) -> None: ...  # noqa: D102
    async def writable(self) -> None: ...  # noqa: D102


class Exchange:
    """`receive` and `send` are the application's; the rest is the connection's.

    `whole` says that the request has come to its end, `keep` that the connection may carry another, `begun` and
    `ended` how far the reply is, `streaming` that it comes in pieces.
    """

    __slots__ = (
        "_body",
        "_error",
        "_gone",
        "_invited",
        "_news",
        "_old",
        "_start",
        "_stream",
        "_to_head",
        "_told",
        "_wire",
        "begun",
        "ended",
        "keep",
        "scope",
        "task",
        "whole",
    )

    def __init__(self, wire: Wire, scope: Scope, *, keep: bool, invited: bool) -> None:
        self._wire = wire
        self._body: bytes | bytearray = b""
        self._error: MeshError | None = None
        self._news: asyncio.Event | None = None
        self._start: Message | None = None
        self._stream: Stream | None = None
        self._invited = invited
        self._old = scope["http_version"] == "1.0"
        self._to_head = scope["method"] == "HEAD"
        self._gone = self._told = False
        self.scope = scope
        self.keep = keep
        self.whole = self.begun = self.ended = False
        self.task: asyncio.Task[None] | None = None

    @property
    def unread(self) -> int:
        """How much of the body the application has not taken yet."""
        return len(self._body)

    @property
    def streaming(self) -> bool:
        """Whether the reply comes in pieces, and has not ended."""
        return self._stream is not None and not self.ended

    def take(self, data: bytes) -> None:
        """Take in a piece of the body."""
        self._invited = False
        if not self._body:
            self._body = data
        elif type(self._body) is bytes:
            self._body = bytearray(self._body) + data
        else:
            self._body += data
        if self._news is not None:
            self._news.set()

    def complete(self) -> None:
        """Note the end of the request."""
        self.whole = True
        self._invited = False
        if self._news is not None:
            self._news.set()

    def fail(self, error: MeshError) -> None:
        """Have `receive` raise `error` from now on: the request does not come to its end."""
        self._error = error
        self.keep = False
        if self._news is not None:
            self._news.set()

    def leave(self) -> None:
        """The client has gone: `receive` says so, what is sent goes nowhere, and a reply in pieces is ended."""
        self._gone = True
        if self._news is not None:
            self._news.set()
        if self.streaming and self.task is not None:
            self.task.cancel()

    async def receive(self) -> Message:
        """Return the next piece of the body, or after its end that the client has gone or has its reply."""
        while True:
            if self._error is not None:
                raise self._error
            if self._body or (self.whole and not self._told):
                body, self._body = self._body, b""
                self._told = self.whole
                if not self._told:
                    self._wire.wants_more()
                return {
                    "type": "http.request",
                    "body": body if type(body) is bytes else bytes(body),
                    "more_body": not self._told,
                }
            if self._gone or self.ended:
                return {"type": "http.disconnect"}
            if self._invited:
                self._invited = False
                self._wire.write(_CONTINUE)
            if self._news is None:
                self._news = asyncio.Event()
            self._news.clear()
            await self._news.wait()

    async def send(self, message: Message) -> None:
        """Send a part of the reply; raise WrongReplyError if that cannot be it.

        Beyond what ASGI knows, a body that is sent whole may be bytes in several pieces.
        """
        kind = message["type"]
        if kind == "http.response.start" and self._start is None:
            self._start = {"status": message["status"], "headers": list(message.get("headers", ()))}
        elif kind == "http.response.body" and self._start is not None and not self.ended:
            body = message.get("body", b"")
            if message.get("more_body", False):
                self._write(self._piece(self._start, body, last=False))
                await self._wire.writable()
                return
            if self.begun:
                self._write(self._piece(self._start, body, last=True))
            else:
                self._write(*self._whole(self._start, body))
            self.ended = True
            if self._news is not None:
                self._news.set()
        else:
            raise WrongReplyError(f"{kind} is out of turn")

    def _whole(self, start: Message, body: bytes | Sequence[bytes]) -> list[bytes]:
        pieces = whole(start, body, to_head=self._to_head, connection=self._connection())
        self.begun = True
        return pieces

    def _piece(self, start: Message, body: bytes, *, last: bool) -> bytes:
        stream = self._stream
        if stream is not None:
            return stream.piece(body, last=last)
        stream = Stream(start, to_head=self._to_head, old=self._old)
        if stream.open_ended:
            self.keep = False
        data = stream.head(start, self._connection()) + stream.piece(body, last=last)
        self._stream = stream
        self.begun = True
        return data

    def _connection(self) -> bytes | None:
        """Return what the head says of the connection: it ends if the request has not, for what follows is unclear."""
        if self.keep and self.whole and not self._wire.last:
            return _KEEP if self._old else None
        self.keep = False
        return _CLOSE

    def _write(self, *pieces: bytes) -> None:
        if pieces[0] and not self._gone:
            self._wire.write(*pieces)
