"""What a command shows: tables and colors where a person looks, JSON where a program reads."""

from __future__ import annotations

import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, TextIO

from devmesh.client.text import as_json, cut, plain, width

_GAP = "  "
_NARROWEST = 5


class Color(Enum):
    """A color or weight, as the terminal's escape code."""

    NONE = ""
    BOLD = "1"
    DIM = "2"
    RED = "31"
    GREEN = "32"
    YELLOW = "33"
    CYAN = "36"


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table: its head, and what it shows of an entry, with the color of that."""

    head: str
    shown: Callable[[Any], object]
    color: Callable[[Any], Color] = lambda _: Color.NONE
    whole: bool = False


class Screen:
    """Standard output and error of one command."""

    def __init__(self, *, json: bool) -> None:
        self.person = sys.stdout.isatty() and not json
        self.columns = max(shutil.get_terminal_size((80, 24)).columns, 20)

    def show(self, value: Any, to_person: Callable[[], None]) -> None:
        """Show the value: as JSON to a program, and to a person by `to_person`."""
        if self.person:
            to_person()
        else:
            print(as_json(value))

    def say(self, text: str, color: Color = Color.NONE) -> None:
        """Print a text to a person in lines that fit; to a program nothing."""
        if self.person:
            for line in _wrapped(text, self.columns):
                print(painted(line, color, sys.stdout))

    def note(self, text: str, color: Color = Color.NONE) -> None:
        """Print a text beside the result, to whoever looks at standard error."""
        for line in _wrapped(text, self.columns):
            print(painted(line, color, sys.stderr), file=sys.stderr)

    def table(self, entries: Sequence[Any], columns: Sequence[Column], empty: str) -> None:
        """Print a line for each entry, none wider than the screen."""
        if not entries:
            self.say(empty)
            return
        cells = [[plain(column.shown(entry)) for column in columns] for entry in entries]
        widths = _widths(cells, columns, self.columns)
        heads = (cut(column.head, size) for column, size in zip(columns, widths, strict=True))
        print(painted(_line(heads, widths), Color.DIM, sys.stdout))
        for entry, texts in zip(entries, cells, strict=True):
            fitted = [cut(text, size) for text, size in zip(texts, widths, strict=True)]
            colors = [column.color(entry) for column in columns]
            print(_line(fitted, widths, colors))

    def facts(self, facts: Mapping[str, object]) -> None:
        """Print a line for each name and value; values that are None are left out."""
        known = {name: plain(value) for name, value in facts.items() if value is not None}
        longest = max(map(len, known), default=0)
        for name, value in known.items():
            first, *more = textwrap.wrap(value, max(self.columns - longest - 2, 20)) or [""]
            print(painted(name.ljust(longest), Color.DIM, sys.stdout) + _GAP + first)
            for line in more:
                print(" " * (longest + len(_GAP)) + line)


def painted(text: str, color: Color, stream: TextIO) -> str:
    """Return the text in that color if `stream` is a terminal that a person wants colors on (no-color.org)."""
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return f"\x1b[{color.value}m{text}\x1b[0m" if color.value and wanted and stream.isatty() else text


def _wrapped(text: str, columns: int) -> Iterable[str]:
    for line in plain(text, lines=True).split("\n"):
        indent = line[: len(line) - len(line.lstrip())]
        yield from textwrap.wrap(
            line, columns, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
        ) or [""]


def _widths(cells: Sequence[Sequence[str]], columns: Sequence[Column], most: int) -> list[int]:
    """Return the columns' widths; where all are too wide, the widest of those that can be cut give way."""
    widths = [max(width(column.head), *(width(row[i]) for row in cells)) for i, column in enumerate(columns)]
    over = sum(widths) + len(_GAP) * (len(widths) - 1) - most
    while over > 0:
        able = [i for i, column in enumerate(columns) if not column.whole and widths[i] > _NARROWEST]
        if not able:
            break
        widest = max(able, key=lambda i: widths[i])
        widths[widest] -= 1
        over -= 1
    return widths


def _line(texts: Iterable[str], widths: Sequence[int], colors: Sequence[Color] = ()) -> str:
    texts = list(texts)
    shown = []
    for i, (text, size) in enumerate(zip(texts, widths, strict=True)):
        filled = text if i == len(texts) - 1 else text + " " * (size - width(text))
        shown.append(painted(filled, colors[i], sys.stdout) if colors else filled)
    return _GAP.join(shown).rstrip()
