"""Text as a terminal can show it: nothing in it moves the cursor, hides, or pretends to be ours."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime
from typing import Any

_WIDE = ("W", "F")
_STEPS = ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h"), (float("inf"), 86_400, "days"))


def plain(text: object, *, lines: bool = False) -> str:
    """Return the text with everything that is not to be seen written out; with `lines`, line ends stay."""
    return "".join(
        character if character.isprintable() or (lines and character == "\n") else _written(character)
        for character in str(text)
    )


def as_json(value: Any) -> str:
    """Return the value as JSON that any terminal and any program reads."""
    return "".join(
        character if character.isprintable() or character == "\n" else json.dumps(character)[1:-1]
        for character in json.dumps(value, indent=2, ensure_ascii=False)
    )


def width(text: str) -> int:
    """Return how many columns of a terminal the text takes."""
    return sum(
        0 if unicodedata.combining(character) else 2 if unicodedata.east_asian_width(character) in _WIDE else 1
        for character in text
    )


def cut(text: str, columns: int) -> str:
    """Return the text in at most that many columns; what is left out is shown as an ellipsis."""
    if width(text) <= columns:
        return text
    kept = ""
    for character in text:
        if width(kept + character) > columns - 1:
            break
        kept += character
    return kept + "…"


def ago(time: str | None, now: datetime | None = None) -> str:
    """Return in words how long ago the RFC 3339 time is; "never" for None."""
    if time is None:
        return "never"
    seconds = max(((now or datetime.now(UTC)) - datetime.fromisoformat(time)).total_seconds(), 0)
    unit, name = next((unit, name) for below, unit, name in _STEPS if seconds < below)
    return f"{seconds // unit:.0f} {name} ago"


def at(time: str | None) -> str:
    """Return the RFC 3339 time in UTC, to the second and without its zone; "" for None."""
    return "" if time is None else re.sub(r"(\.\d+)?Z?$", "", time).replace("T", " ")


def _written(character: str) -> str:
    return {"\t": "    ", "\n": " ", "\r": ""}.get(character) or character.encode(
        "unicode_escape", "surrogatepass"
    ).decode()
