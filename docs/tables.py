# ruff: noqa: INP001 - beside the pages, no package
"""What the pages that are written from the code share: a table, and a route's path as a reader writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return the table; `|` and `<` in a cell are shown as they are."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(text) for text in line) + " |" for line in lines)


def plain(path: str) -> str:
    """Return a route's path without the types of its parameters."""
    parts = (part.partition(":")[0] + "}" if part.startswith("{") and ":" in part else part for part in path.split("/"))
    return "/".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
