"""Patterns in which `*` stands for any text, matched in time that grows with the text alone."""

from __future__ import annotations

# Of an argument; a longer text (a file's content) or number matches nothing.
_LONGEST = 1000
_LARGEST = 10**30
# ASCII alone: nobody means the Kelvin sign by `k`.
_LOWER = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


class Glob:
    """A pattern; upper and lower case are alike, as they are to the services in names of owners and projects."""

    __slots__ = ("_parts",)

    def __init__(self, pattern: str) -> None:
        self._parts = _lowered(pattern).split("*")

    def matches(self, value: object) -> bool:
        """Return whether the whole value matches: a text, a number or a truth (`true`, `false`); nothing else does."""
        text = _text(value)
        if text is None or len(text) > _LONGEST:
            return False
        text = _lowered(text)
        first, *rest = self._parts
        if not rest:
            return text == first
        *middle, last = rest
        at, end = len(first), len(text) - len(last)
        if at > end or not text.startswith(first) or not text.endswith(last):
            return False
        for part in middle:
            at = text.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True


def _lowered(text: str) -> str:
    return text.lower() if text.isascii() else text.translate(_LOWER)


def _text(value: object) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, int) and abs(value) < _LARGEST else None
