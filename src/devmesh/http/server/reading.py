"""What llhttp tells of a connection's bytes, made into exchanges; its methods `on_...` are what httptools calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from devmesh.errors import MeshError
from devmesh.http.problem import Header
from devmesh.http.server.bounds import Bounds
from devmesh.http.server.exchange import Exchange, Wire
from devmesh.http.server.heads import UNREAD, scope_of
from devmesh.http.server.refusals import head_too_large, of_parser


class EnoughError(Exception):
    """There is to be no further request on this connection."""


class Hearer(Wire, Protocol):
    """The connection as its reading sees it."""

    def head_begins(self) -> None: ...  # noqa: D102 - the names say it
    def asked(self, exchange: Exchange) -> None: ...  # noqa: D102
    def completed(self, exchange: Exchange) -> None: ...  # noqa: D102


class Reading:
    """The requests of one connection; `incoming` is the one whose body is being read.

    What was read since the last progress (a whole head, a piece of a body) is bounded: `quiet` counts blank lines
    before a request, half a head, chunk extensions and trailers, which say nothing to anybody.
    """

    __slots__ = (
        "_base",
        "_bounds",
        "_count",
        "_headers",
        "_hearer",
        "_parser",
        "_quiet",
        "_room",
        "_target",
        "incoming",
    )

    def __init__(self, hearer: Hearer, base: Mapping[str, Any], bounds: Bounds) -> None:
        self._hearer = hearer
        self._base = {**base, **UNREAD}
        self._bounds = bounds
        self._quiet = 0
        self._target = b""
        self._headers: list[Header] = []
        self._count = 0
        self._room = bounds.head_bytes
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self.incoming: Exchange | None = None

    def feed(self, data: bytes) -> None:
        """Take in bytes; raises MeshError for what is no request, EnoughError where nothing more is read."""
        self._quiet += len(data)
        if self._parser is None:
            raise EnoughError
        try:
            self._parser.feed_data(data)
        except HttpParserUpgrade:  # we stay with HTTP/1.1, and what follows is perhaps none
            raise EnoughError from None
        except HttpParserError as error:
            if isinstance(error.__context__, EnoughError):
                raise EnoughError from None
            raise of_parser(error) from None
        if self._quiet > self._bounds.head_bytes + len(data):
            raise head_too_large(self._bounds)

    def forget(self) -> None:
        """Let go of the parser, which holds this object in turn."""
        self._parser = None

    def on_message_begin(self) -> None:
        """A head begins."""
        self._target = b""
        self._headers = []
        self._room = self._bounds.head_bytes
        self._count = 0
        self._hearer.head_begins()

    def on_url(self, piece: bytes) -> None:
        """Take a piece of the target."""
        self._room -= len(piece)
        if self._room < 0:
            raise head_too_large(self._bounds)
        self._target += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; those that follow a body are counted and left alone."""
        self._room -= len(name) + len(value)
        self._count += 1
        if self._room < 0 or self._count > self._bounds.headers:
            raise head_too_large(self._bounds)
        if self.incoming is None:
            self._headers.append((name.lower(), value.strip(b" \t")))

    def on_headers_complete(self) -> None:
        """Make the exchange."""
        parser = self._parser
        if parser is None:
            raise EnoughError
        self._quiet = 0
        headers = self._headers
        fields = dict(headers)
        method = parser.get_method().decode()
        version = parser.get_http_version()
        scope = scope_of(self._base, version, method, self._target, headers, fields)
        keep = parser.should_keep_alive() and not parser.should_upgrade()
        invited = version == "1.1" and fields.get(b"expect", b"").lower() == b"100-continue"
        exchange = self.incoming = Exchange(self._hearer, scope, keep=keep, invited=invited)
        self._hearer.asked(exchange)

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._quiet = 0
        if self.incoming is not None:
            self.incoming.take(data)

    def on_message_complete(self) -> None:
        """Note the end of the request."""
        self._quiet = 0
        exchange, self.incoming = self.incoming, None
        if exchange is not None:
            exchange.complete()
            self._hearer.completed(exchange)

    def spoil(self, error: MeshError) -> bool:
        """Have the request that is being read fail with `error`; return False if none is."""
        exchange, self.incoming = self.incoming, None
        if exchange is None:
            return False
        exchange.fail(error)
        return True
