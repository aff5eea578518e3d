"""A head that came before on the same connection: a client that keeps it sends nearly the same each time."""

from __future__ import annotations

from typing import Final, Self

from devmesh.http.problem import Header, Scope

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length"
_LENGTH_LINE: Final = b"\r\ncontent-length:"
# Ordinary heads are shorter; each idle connection keeps one. Far below what a head may have, whatever its digits.
_MOST_BYTES: Final = 2048
_MOST_DIGITS: Final = 9


class Known:
    """A head that the parser took, and what it was taken for; in the next one the length alone may be another.

    What is recognised is the whole message, byte for byte: the same head, and a body just as long as it says. So a
    parser that waits for a request would find the same in it, in the same place; anything else is left to the parser.
    """

    __slots__ = ("_after", "_before", "_place", "_scope")

    def __init__(self, before: bytes, after: bytes, place: int, scope: Scope) -> None:
        self._before = before
        self._after = after
        self._place = place  # of the length among the headers
        self._scope = scope

    @classmethod
    def of(cls, data: bytes, target: bytes, scope: Scope) -> Self | None:
        """Return what is to be known of `data`, which the parser was fed between two requests and found to be `scope`.

        Returns None where there is more in it than that one request, and for a head that is too long to keep.
        """
        end = data.find(_END, 0, _MOST_BYTES)
        if end < 0 or not data.startswith(b"%b %b HTTP/1.1\r\n" % (scope["method"].encode(), target)):
            return None
        head = data[: end + len(_END)]
        headers: list[Header] = scope["headers"]
        names = [name for name, _ in headers]
        place = names.index(_LENGTH) if _LENGTH in names else -1
        length = headers[place][1] if place >= 0 else b""
        # A head and a body of that length are all there is: no second request, and no chunks.
        if len(length) > _MOST_DIGITS or len(head) + int(length or 0) != len(data):
            return None
        if place < 0:
            return cls(head, b"", place, scope)
        start = head.find(length, head.lower().find(_LENGTH_LINE) + len(_LENGTH_LINE))
        return cls(head[:start], head[start + len(length) :], place, scope)

    def read(self, data: bytes) -> tuple[Scope, bytes] | None:
        """Return scope and body if `data` is this head with its whole body and nothing more, else None."""
        before, after = self._before, self._after
        if not data.startswith(before):
            return None
        start = len(before)
        scope = {**self._scope}
        if self._place < 0:
            if len(data) != start:
                return None
            scope["headers"] = scope["headers"].copy()
            return scope, b""
        end = data.find(b"\r", start, start + _MOST_DIGITS + 1)
        length = data[start:end]
        body = end + len(after)
        if not length.isdigit() or not data.startswith(after, end) or body + int(length) != len(data):
            return None
        headers = scope["headers"] = scope["headers"].copy()
        headers[self._place] = (_LENGTH, length)
        return scope, data[body:]
