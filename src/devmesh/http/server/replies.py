"""Replies as bytes: the head, and a body that is whole, of a length told before, in chunks, or until the close."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from email.utils import formatdate
from http import HTTPStatus
from typing import Any, Final

_LINES: Final = {status.value: f"HTTP/1.1 {status.value} {status.phrase}".encode() for status in HTTPStatus}
_BODILESS: Final = frozenset({204, 304})
_FINAL: Final = 200
_CR, _LF = b"\r\n"
_HEAD_ENDS: Final = b"\r\n\r\n"
_UNTIL_CLOSE: Final = -1
# Up to here one copy costs less than a write of several pieces.
_COPIED_BYTES: Final = 32 * 1024


class WrongReplyError(RuntimeError):
    """The application's messages make no reply of HTTP; whoever reads the log is to mend it."""


class _Date:
    """The Date header, made anew once a second."""

    second = -1
    line = b""


def whole(
    start: Mapping[str, Any], body: bytes | Sequence[bytes], *, to_head: bool, connection: bytes | None
) -> list[bytes]:
    """Return, in pieces, a reply whose body is known; the reply to a HEAD (`to_head`) is the same without it.

    A long body stays in the pieces that it has, for a copy of it is what costs most.
    Raises WrongReplyError if the length that it tells is another, or a header holds a line break.
    """
    pieces = (body,) if isinstance(body, bytes) else body
    size = sum(map(len, pieces))
    lines = _lines(start, connection)
    length = _length_of(start)
    if start["status"] in _BODILESS:
        pieces = ()
    elif length is None:
        lines.append(b"content-length: %d" % size)
    elif length != b"%d" % size and not to_head:
        raise WrongReplyError(f"the reply is of {size} bytes and says that it is of {length!r}")
    if to_head:
        pieces = ()
    if size > _COPIED_BYTES:
        return [_joined(lines) + _HEAD_ENDS, *pieces]
    return [b"".join((_joined(lines), _HEAD_ENDS, *pieces))]


class Stream:
    """A reply whose body comes in pieces; `open_ended` says that only the connection's end tells where it ends."""

    __slots__ = ("_bare", "_chunked", "_left", "_lines", "open_ended")

    def __init__(self, start: Mapping[str, Any], *, to_head: bool, old: bool) -> None:
        length = _length_of(start)
        self._bare = to_head or start["status"] in _BODILESS
        self._left = _UNTIL_CLOSE if length is None else _number(length)
        self._chunked = length is None and not old and start["status"] not in _BODILESS
        self.open_ended = length is None and old and not self._bare

    def head(self, start: Mapping[str, Any], connection: bytes | None) -> bytes:
        """Return the head."""
        lines = _lines(start, connection)
        if self._chunked:
            lines.append(b"transfer-encoding: chunked")
        return _joined(lines) + _HEAD_ENDS

    def piece(self, body: bytes, *, last: bool) -> bytes:
        """Return the bytes of one piece of the body; raise WrongReplyError if the pieces are not what the head says."""
        if self._bare:
            return b""
        if self._chunked:
            chunk = b"%x\r\n%b\r\n" % (len(body), body) if body else b""
            return chunk + b"0\r\n\r\n" if last else chunk
        if self._left != _UNTIL_CLOSE:
            self._left -= len(body)
            if self._left < 0 or (last and self._left):
                raise WrongReplyError("the reply is not as long as it says")
        return body


def _lines(start: Mapping[str, Any], connection: bytes | None) -> list[bytes]:
    status: int = start["status"]
    line = _LINES.get(status) or f"HTTP/1.1 {status} ".encode()
    if status < _FINAL:
        raise WrongReplyError(f"{status} is no reply")
    lines = [line, _date(), *map(b": ".join, start["headers"])]
    if connection is not None:
        lines.append(connection)
    return lines


def _joined(lines: list[bytes]) -> bytes:
    bare = b"".join(lines)
    if _CR in bare or _LF in bare:
        raise WrongReplyError("a header of the reply holds a line break")
    return b"\r\n".join(lines)


def _length_of(start: Mapping[str, Any]) -> bytes | None:
    for name, value in start["headers"]:
        if name == b"content-length":
            length: bytes = value
            return length
    return None


def _date() -> bytes:
    now = int(time.time())
    if now != _Date.second:
        _Date.second = now
        _Date.line = b"date: " + formatdate(now, usegmt=True).encode()
    return _Date.line


def _number(length: bytes) -> int:
    if not length.isdigit():
        raise WrongReplyError(f"{length!r} is no length")
    return int(length)
