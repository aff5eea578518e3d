"""Changes one member of a JSON file that people write by hand, and leaves every other byte as it is.

Comments and trailing commas are taken, as editors take them (JSON with comments).
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

_TOKEN = re.compile(
    r"""(?P<blank>\s+|//[^\r\n]*|/\*.*?\*/)"""
    r"""|(?P<text>"(?:[^"\\\x00-\x1f]|\\.)*")"""
    r"""|(?P<sign>[{}\[\]:,])"""
    r"""|(?P<other>-?[0-9][0-9.eE+-]*|true|false|null)""",
    re.DOTALL,
)
_INDENT = "  "
_INDENTED = re.compile(r'^([ \t]+)["{\[]', re.MULTILINE)
_DEEPEST = 100


class NotJson(ValueError):
    """The text is no JSON with comments; `line` is where that shows."""

    def __init__(self, line: int) -> None:
        self.line = line
        super().__init__(f"line {line}")


@dataclass(slots=True)
class Value:
    """A value in the text, from `start` to before `end`; members of an object by name, elements of an array."""

    start: int
    end: int
    kind: str
    members: dict[str, Value] = field(default_factory=dict)
    elements: list[Value] = field(default_factory=list)
    # The end of the last member or element (of the sign that opens, if there is none), and whether a comma follows it.
    last: int = 0
    comma: bool = False


class Document:
    """A JSON text that can be changed in places."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._newline = "\r\n" if "\r\n" in text else "\n"
        used = _INDENTED.search(text)
        self._indent = used[1] if used else _INDENT
        self._parse()

    def value(self) -> Any:
        """Return what the text says."""
        return self._read(self._root)

    def put(self, path: Sequence[str], value: Any) -> None:
        """Make `value` the member at the path; objects on the way that are not there are made.

        Raises NotJson where something else than an object is on the way.
        """
        at = self._root
        for depth, name in enumerate(path):
            if at.kind != "{":
                raise NotJson(self._line(at.start))
            if name not in at.members:
                for missing in reversed(path[depth + 1 :]):
                    value = {missing: value}
                self._insert(at, f"{json.dumps(name)}: {self._written(value, depth + 1)}", depth)
                return
            at = at.members[name]
        self._change(at.start, at.end, self._written(value, len(path)))

    def append(self, path: Sequence[str], value: Any) -> None:
        """Make `value` the last element of the array at the path; it is made if it is not there."""
        at = self._root
        for name in path:
            if at.kind != "{" or name not in at.members:
                break
            at = at.members[name]
        else:
            if at.kind != "[":
                raise NotJson(self._line(at.start))
            self._insert(at, self._written(value, len(path) + 1), len(path))
            return
        self.put(path, [value])

    def _insert(self, at: Value, text: str, depth: int) -> None:
        """Put the member or element last into the object or array, on a line of its own."""
        end = at.end - 1
        start = len(self.text[:end].rstrip(" \t\r\n"))
        blank = self.text[start:end]
        closing = blank if "\n" in blank else self._newline + self._indent * depth
        comma = "," if (at.members or at.elements) and not at.comma else ""
        kept = self.text[at.last : start]
        self._change(at.last, end, comma + kept + self._newline + self._indent * (depth + 1) + text + closing)

    def _change(self, start: int, end: int, text: str) -> None:
        self.text = self.text[:start] + text + self.text[end:]
        self._parse()

    def _written(self, value: Any, depth: int) -> str:
        lines = json.dumps(value, indent=self._indent, ensure_ascii=False).split("\n")
        return (self._newline + self._indent * depth).join(lines)

    def _line(self, at: int) -> int:
        return self.text.count("\n", 0, at) + 1

    def _parse(self) -> None:
        self._at = 0
        self._root = self._next(0)
        self._skip()
        if self._at != len(self.text):
            raise NotJson(self._line(self._at))

    def _skip(self) -> None:
        while (match := _TOKEN.match(self.text, self._at)) and match["blank"]:
            self._at = match.end()

    def _token(self) -> re.Match[str]:
        self._skip()
        match = _TOKEN.match(self.text, self._at)
        if match is None:
            raise NotJson(self._line(self._at))
        self._at = match.end()
        return match

    def _next(self, depth: int) -> Value:
        token = self._token()
        opened = token["sign"]
        if depth > _DEEPEST or (opened and opened not in "{["):
            raise NotJson(self._line(token.start()))
        value = Value(token.start(), token.end(), opened or "scalar", last=token.end())
        if not opened:
            self._scalar(value)
            return value
        self._fill(value, depth)
        value.end = self._at
        return value

    def _fill(self, value: Value, depth: int) -> None:
        """Read members or elements up to the closing sign."""
        closing = {"{": "}", "[": "]"}[value.kind]
        expected = True
        while True:
            self._skip()
            before = self._at
            sign = self._token()["sign"]
            if sign == closing:
                return
            if sign == "," and not expected:
                value.comma = expected = True
                continue
            if not expected:
                raise NotJson(self._line(before))
            self._at = before
            self._entry(value, depth)
            value.last, value.comma, expected = self._at, False, False

    def _entry(self, value: Value, depth: int) -> None:
        if value.kind == "[":
            value.elements.append(self._next(depth + 1))
            return
        name = self._token()
        if not name["text"] or self._token()["sign"] != ":":
            raise NotJson(self._line(name.start()))
        value.members[json.loads(name["text"])] = self._next(depth + 1)

    def _scalar(self, value: Value) -> None:
        try:
            json.loads(self.text[value.start : value.end])
        except ValueError:
            raise NotJson(self._line(value.start)) from None

    def _read(self, value: Value) -> Any:
        if value.kind == "{":
            return {name: self._read(member) for name, member in value.members.items()}
        if value.kind == "[":
            return [self._read(element) for element in value.elements]
        return json.loads(self.text[value.start : value.end])
