"""The headers of an answer, looked up where they stand: of the twenty that a service sends, few are ever asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TypeVar, overload

_LINE = "\r\n"
T = TypeVar("T")


class Headers(Mapping[str, str]):
    """The headers of a whole head, its first line before them; names in lower case, repeated ones joined by a comma.

    The parser has taken the head: its lines end with CRLF and nowhere else, none is folded, each has a name that is
    a token, and a colon. A header that is no ASCII is left out. `lines` is how many there are.
    """

    __slots__ = ("_all", "_asked", "_lower", "_text", "lines")

    def __init__(self, head: bytes | bytearray) -> None:
        self._text = text = head.decode("latin-1")
        self._lower = text.lower()
        self._all: dict[str, str] | None = None if text.isascii() else self._read()
        self._asked: dict[str, str] = {}
        self.lines = text.count("\n")

    def _read(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for line in self._text.split(_LINE)[1:]:
            name, _, value = line.partition(":")
            if value.isascii():
                name, value = name.lower(), value.strip()
                found[name] = f"{found[name]}, {value}" if name in found else value
        self._all = found
        return found

    @overload
    def get(self, name: str, /) -> str | None: ...
    @overload
    def get(self, name: str, /, default: str | T) -> str | T: ...
    def get(self, name: str, /, default: object = None) -> object:
        """Return the header of that name, in lower case, or `default`."""
        if self._all is not None:
            return self._all.get(name, default)
        known = self._asked.get(name)
        if known is not None:
            return known
        begins = f"\r\n{name}:"
        # From the end: then Python looks for the line's beginning, which is rare, and needs a third of the time.
        at = self._lower.rfind(begins)
        if at < 0:
            return default
        if self._lower.rfind(begins, 0, at) >= 0:
            return self._read()[name]
        value = at + len(begins)
        end = self._text.find(_LINE, value)
        found = self._asked[name] = self._text[value : end if end >= 0 else None].strip()
        return found

    def __getitem__(self, name: str) -> str:
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        return iter(self._read() if self._all is None else self._all)

    def __len__(self) -> int:
        return len(self._read() if self._all is None else self._all)

    def __repr__(self) -> str:
        return f"Headers({', '.join(self)})"
