"""Finds API keys in text by their form and checksum, as it streams by: no file and no line is too long.

Nothing but the key's type and its first characters is kept of what is found.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from devmesh.crypto.tokens import PATTERN, PREFIXES, SHOWN, is_api_key

_PIECE = 1 << 20
# Whoever looks for binaries as git does looks that far.
_BINARY_WITHIN = 8000
_KEY = re.compile(PATTERN.pattern.encode())
_PREFIXES = tuple(prefix.encode() for prefix in PREFIXES.values())
_TYPES = {prefix: key_type for key_type, prefix in PREFIXES.items()}
_LONGEST = max(map(len, PREFIXES.values())) + 43
# Bytes of UTF-8 that begin no character: they do not count as columns.
_CONTINUED = bytes(range(0x80, 0xC0))
_UTF_16 = {codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


@dataclass(frozen=True, slots=True)
class Found:
    """Where a key stands, line and column (in characters) counted from 1, and what may be shown of it."""

    line: int
    column: int
    key_type: str
    key_prefix: str


def scan(stream: BinaryIO) -> Iterator[Found]:
    """Yield every key in the text, UTF-8 or UTF-16 with its mark; none if its beginning is that of a binary.

    Raises OSError as the stream does.
    """
    place = _Place()
    kept = b""
    for piece in _text(stream):
        window = kept + piece
        end = 0
        for at, key in _keys(window):
            place.move(window, end, at)
            end = at
            yield Found(place.line, place.column, _TYPES[key[: key.index("_") + 1]], key[:SHOWN])
            # Its first byte is passed, so that it is not found again where the next piece is joined on.
            place.move(window, at, at + 1)
            end = at + 1
        # The rest may be the beginning of a key.
        kept_from = max(end, len(window) - _LONGEST + 1)
        place.move(window, end, kept_from)
        kept = window[kept_from:]


class _Place:
    """The line and column of the next byte."""

    def __init__(self) -> None:
        self.line = 1
        self.column = 1

    def move(self, text: bytes, start: int, end: int) -> None:
        """Step over `text[start:end]`."""
        lines = text.count(b"\n", start, end)
        if lines:
            self.line += lines
            self.column = 1
            start = text.rindex(b"\n", start, end) + 1
        self.column += len(text[start:end].translate(None, _CONTINUED))


def _keys(window: bytes) -> Iterator[tuple[int, str]]:
    """Yield where keys begin. What only looks like one may hold the beginning of a real one."""
    if not any(prefix in window for prefix in _PREFIXES):
        return
    match = _KEY.search(window)
    while match is not None:
        key = match[0].decode("ascii")
        if is_api_key(key):
            yield match.start(), key
        match = _KEY.search(window, match.start() + 1)


def _text(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the stream's text in UTF-8, piece by piece; nothing of a binary."""
    first = _filled(stream)
    encoding = _UTF_16.get(first[:2])
    if encoding is None:
        if b"\0" not in first[:_BINARY_WITHIN]:
            yield first.removeprefix(codecs.BOM_UTF8)
            yield from iter(lambda: stream.read(_PIECE), b"")
        return
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    piece = first[2:]
    while piece:
        yield decoder.decode(piece).encode("utf-8", "replace")
        piece = stream.read(_PIECE)


def _filled(stream: BinaryIO) -> bytes:
    """Return the first bytes, as many as tell what it is, though a pipe gives them in small pieces."""
    found = b""
    while len(found) < _BINARY_WITHIN and (piece := stream.read(_PIECE)):
        found += piece
    return found
