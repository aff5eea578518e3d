"""What llhttp tells of a connection's bytes, made into exchanges; its methods `on_...` are what httptools calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser

from devmesh.errors import MeshError
from devmesh.http.problem import Header, Scope
from devmesh.http.server.bounds import Bounds
from devmesh.http.server.exchange import Exchange, Wire
from devmesh.http.server.heads import UNREAD, scope_of
from devmesh.http.server.known import Known
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
        "_between",
        "_bounds",
        "_count",
        "_framing",
        "_headers",
        "_hearer",
        "_known",
        "_newest",
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
        self._framing: bytes | None = None  # the header that tells a body's end, where the parser will not read it
        self._parser: HttpRequestParser | None = HttpRequestParser(self)
        self._known: Known | None = None
        self._between = True  # whether the parser waits for a request, and would take one
        self._newest: Scope | None = None  # the last head's as it was read, if one like it may follow
        self.incoming: Exchange | None = None

    def feed(self, data: bytes) -> None:
        """Take in bytes; raises MeshError for what is no request, EnoughError where nothing more is read."""
        parser, between = self._parser, self._between
        if parser is None:
            raise EnoughError
        if between and self._known is not None:
            found = self._known.read(data)
            if found is not None:
                self._take(*found)
                return
        self._parse(parser, data)
        newest, self._newest = self._newest, None
        if newest is not None and between and self._between:
            self._known = Known.of(data, self._target, newest)

    def _take(self, scope: Scope, body: bytes) -> None:
        """Make the exchange of a request that is known, and whole: nothing is left for the parser."""
        self._hearer.head_begins()
        self._quiet = 0
        exchange = Exchange(self._hearer, scope, keep=True, invited=False)
        if body:
            exchange.take(body)
        exchange.complete()
        self._hearer.asked(exchange)

    def _parse(self, parser: HttpRequestParser, data: bytes) -> None:
        self._quiet += len(data)
        try:
            parser.feed_data(data)
        except HttpParserUpgrade as upgrade:
            self._stay(data[upgrade.args[0] :])
        except HttpParserError as error:
            if isinstance(error.__context__, EnoughError):
                raise EnoughError from None
            raise of_parser(error) from None
        if self._quiet > self._bounds.head_bytes + len(data):
            raise head_too_large(self._bounds)

    def _stay(self, rest: bytes) -> None:
        """Read the body, if there is one, of a request that asked for another protocol, in this one (RFC 9110, 7.8).

        The parser leaves it to that protocol. What follows is perhaps no HTTP/1.1 any more.
        """
        framing, self._framing = self._framing, None
        if framing is None:
            raise EnoughError from None
        self._parser = HttpRequestParser(_Body(self))
        self._parser.feed_data(b"POST / HTTP/1.1\r\n%b\r\n\r\n" % framing)
        self.feed(rest)

    def forget(self) -> None:
        """Let go of the parser, which holds this object in turn."""
        self._parser = None

    def on_message_begin(self) -> None:
        """A head begins."""
        self._between = False
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
        if parser.should_upgrade():
            self._framing = _framing_of(fields)
        elif not invited:
            self._newest = {**scope, "headers": headers.copy()}
        exchange = self.incoming = Exchange(self._hearer, scope, keep=keep, invited=invited)
        self._hearer.asked(exchange)

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        self._quiet = 0
        if self.incoming is not None:
            self.incoming.take(data)

    def on_message_complete(self) -> None:
        """Note the end of the request."""
        if self._framing is not None:
            return
        self._quiet = 0
        # Now, and no earlier: trailers can end the connection too.
        self._between = self._parser is not None and self._parser.should_keep_alive()
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


class _Body:
    """Hears the body alone, and ends the reading with it."""

    def __init__(self, reading: Reading) -> None:
        self.on_body = reading.on_body
        self._completed = reading.on_message_complete

    def on_message_complete(self) -> None:
        self._completed()
        raise EnoughError


def _framing_of(fields: Mapping[bytes, bytes]) -> bytes | None:
    """Return the header that tells where the body ends; None if there is no body."""
    for name in (b"content-length", b"transfer-encoding"):
        if name in fields:
            return b"%b: %b" % (name, fields[name])
    return None
