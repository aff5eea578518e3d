"""One answer, as the parser tells of it piece by piece; what is too long, or no answer at all, ends it."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from httptools import HttpResponseParser
from msgspec import Struct

from devmesh.upstream.headers import Headers
from devmesh.upstream.room import UNIT, Held, Room

_MOST_HEAD = 64 * 1024  # bytes in a row that are no body: head, interim answers, chunk extensions, trailers
_HEAD_ENDS = b"\r\n\r\n"
_MOST_HEADERS = 256
_VERSIONS = frozenset({"1.1", "1.0"})
_INTERIM = 100
_SWITCHING = 101
_FINAL = 200
_NO_CONTENT = frozenset({204, 304})  # RFC 9112, 6.3: ends with its head, whatever the head says
_GZIP = frozenset({"gzip", "x-gzip"})
_GZIP_ONLY = 31  # zlib's window bits for gzip and nothing else


class NoAnswerError(Exception):
    """What came is no answer that this client takes."""


class TooMuchError(Exception):
    """The body is longer than the caller takes."""


class Taken(Struct, frozen=True):
    """A whole answer; the headers' names are in lower case, repeated ones joined by a comma (RFC 9110, 5.3).

    `held` is what a long one holds of its organization's room.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    held: Held | None = None


class Answer:
    """The answer that is being read; its methods `on_...` are what httptools calls.

    `whole` says that the answer has ended, `keep` that the connection may carry another, `status` is 0 until the
    head is whole. The body is what the limit counts, after it is unpacked, and never grows past it; as far as it is
    long, it takes of the room.
    """

    __slots__ = (
        "_body",
        "_head",
        "_head_at",
        "_held",
        "_left",
        "_most",
        "_packed",
        "_raw",
        "_room",
        "_step",
        "_to_head",
        "_until_eof",
        "headers",
        "keep",
        "parser",
        "quiet",
        "status",
        "whole",
    )

    def __init__(self, room: Room) -> None:
        self._room = room
        self.parser: HttpResponseParser | None = None
        self.expect(to_head=False, most=0)

    def expect(self, *, to_head: bool, most: int) -> None:
        """Begin anew; the answer to a HEAD has no body, any other one of at most `most` bytes."""
        self._to_head = to_head
        self._left = self._raw = self._most = most
        self._step = max(most - UNIT, 0)
        self._held: Held | None = None
        self._body: bytes | bytearray = b""
        self._head: bytes | bytearray = b""
        self._head_at = 0
        self._packed: zlib._Decompress | None = None
        self._until_eof = False
        self.headers: Mapping[str, str] = {}
        self.status = 0
        self.quiet = 0
        self.whole = False
        self.keep = False
        if self.parser is None:
            self.parser = HttpResponseParser(self)

    def forget(self) -> None:
        """Let go of the body, and of the parser, which holds this object in turn."""
        self._body = b""
        self._held = None
        self._packed = None
        self.parser = None

    def taken(self) -> Taken:
        """Return what was read, which is the caller's from now on, whatever this object reads next."""
        body, self._body = self._body, b""
        held, self._held = self._held, None
        return Taken(self.status, self.headers, body if type(body) is bytes else bytes(body), held)

    def feed(self, data: bytes) -> None:
        """Take in bytes; raises what the parser does with what it dislikes, or with an error of its callbacks.

        Those are NoAnswerError, TooMuchError and NoRoomError.
        """
        self.quiet += len(data)
        if self.parser is None:
            raise NoAnswerError
        if not self.status:
            self._head = bytearray(self._head) + data if self._head else data
        self.parser.feed_data(data)
        if self.quiet > _MOST_HEAD and not self.whole:
            raise NoAnswerError

    def ended(self) -> bool:
        """The connection ended: return whether that makes the answer whole."""
        if self._until_eof and not self.whole:
            self._until_eof = False
            self._finish()
        return self.whole

    def on_message_begin(self) -> None:
        """Another answer begins: right after an interim one, and wrong after the final one."""
        self.keep = self.keep and not self.whole

    def on_headers_complete(self) -> None:
        """Read from the head what kind of body follows."""
        if self.whole or self.parser is None:  # what follows an answer is nobody's
            return
        headers = self._read_headers()
        status = self.parser.get_status_code()
        if self.parser.get_http_version() not in _VERSIONS:
            raise NoAnswerError
        if status < _FINAL:
            if (
                status < _INTERIM
                or status == _SWITCHING
                or "content-length" in headers
                or "transfer-encoding" in headers
            ):
                raise NoAnswerError
            return
        coding = headers.get("transfer-encoding")
        if coding is not None and coding.lower() != "chunked":
            raise NoAnswerError
        self.status, self.headers, self._head = status, headers, b""
        if self._to_head or status in _NO_CONTENT:
            self.whole = True
            self.keep = coding is None and self.parser.should_keep_alive()
            self.parser = None  # it waits for a body that does not come
            return
        # What ends with the connection ends its keeping too: only then is the length asked for.
        self._until_eof = coding is None and not self.parser.should_keep_alive() and "content-length" not in headers
        if headers.get("content-encoding", "").lower() in _GZIP:
            self._packed = zlib.decompressobj(_GZIP_ONLY)

    def _read_headers(self) -> Headers:
        """Read the headers of the head that ends here."""
        begin = self._head_at
        while self._head[begin : begin + 1] in (b"\r", b"\n"):  # as the parser passes over them
            begin += 1
        end = self._head.find(_HEAD_ENDS, begin)
        if not 0 <= end - begin <= _MOST_HEAD:
            raise NoAnswerError
        self._head_at = end + len(_HEAD_ENDS)
        headers = Headers(self._head[begin:end])
        if headers.lines > _MOST_HEADERS:
            raise NoAnswerError
        return headers

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body, unpacked if it is packed."""
        self.quiet = 0
        if self.whole or not self.status:
            self.keep = False
            return
        if self._packed is not None:
            self._raw -= len(data)
            if self._raw < 0:
                raise TooMuchError
            if self._packed.eof:  # what follows the packed body is left alone
                return
            data = self._packed.decompress(data, self._left + 1)
        self._left -= len(data)
        if self._left < self._step:
            self._grow()
        if not self._body:
            self._body = data
            return
        if type(self._body) is bytes:
            # Not a list of pieces: a million chunks of one byte each would take fifty times the memory.
            self._body = bytearray(self._body)
        self._body += data

    def _grow(self) -> None:
        """Take of the room what the body holds by now."""
        if self._left < 0:
            raise TooMuchError
        while self._left < self._step:
            self._step -= UNIT
            self._held = self._held or Held(self._room)
            self._held.grow()

    def on_message_complete(self) -> None:
        """Note the end of the final answer."""
        if self.status and not self.whole and self.parser is not None:
            self.keep = self.parser.should_keep_alive()
            self._finish()

    def _finish(self) -> None:
        if self._packed is not None:
            if not self._packed.eof and self._raw < self._most:
                raise NoAnswerError
            # They describe what travelled, and not the body that the caller gets.
            travelled = ("content-length", "content-encoding")
            self.headers = {name: value for name, value in self.headers.items() if name not in travelled}
        self.whole = True
