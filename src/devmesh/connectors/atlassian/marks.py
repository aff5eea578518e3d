"""Marks within a line: code, bold, italic and struck text, links and bare addresses, as Markdown writes them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]

# What stands between two signs is bounded: a text of nothing but opening signs must not cost its length squared.
_MARKED = re.compile(
    r"\\(?P<escaped>[\\`*_~\[\]#>+-])"
    r"|`(?P<code>[^`]{1,500})`"
    r"|\[(?P<label>[^\[\]]{1,500})\]\((?P<href>(?:https?://|mailto:)[^\s()<>]{1,2000})\)"
    r"|(?P<address>https?://[^\s<>\"]{1,2000})"
    r"|\*\*(?=\S)(?P<strong>.{1,300}?)(?<=\S)\*\*"
    r"|~~(?=\S)(?P<strike>.{1,300}?)(?<=\S)~~"
    r"|(?<![\w*])\*(?=\S)(?P<em>[^*]{1,300}?)(?<=\S)\*(?![\w*])"
    r"|(?<!\w)_(?=\S)(?P<emphasis>[^_]{1,300}?)(?<=\S)_(?!\w)"
)
_KINDS = {"strong": "strong", "strike": "strike", "em": "em", "emphasis": "em"}
_AFTER_AN_ADDRESS = ".,;:!?)]'*_~"


def inline(text: str) -> list[Node]:
    """Return the text nodes of a line; none for an empty one, and never two alike in a row."""
    nodes: list[Node] = []
    for piece, marks in _pieces(text, ()):
        same = [dict(mark) for mark in marks]
        if nodes and nodes[-1].get("marks", []) == same:
            nodes[-1]["text"] += piece
        elif piece:
            nodes.append({"type": "text", "text": piece, **({"marks": same} if same else {})})
    return nodes


def _pieces(text: str, marks: tuple[Node, ...]) -> Iterator[tuple[str, tuple[Node, ...]]]:
    """Yield the text piece by piece with its marks; no mark stands within itself."""
    at = 0
    for found in _MARKED.finditer(text):
        yield text[at : found.start()], marks
        yield from _marked(found, marks)
        at = found.end()
    yield text[at:], marks


def _marked(found: re.Match[str], marks: tuple[Node, ...]) -> Iterator[tuple[str, tuple[Node, ...]]]:
    kind = str(found.lastgroup)
    if kind == "escaped":
        yield found[kind], marks
    elif kind == "code":
        # Code takes no other mark than a link.
        yield found[kind], (*(mark for mark in marks if mark["type"] == "link"), {"type": "code"})
    elif kind in ("href", "address"):
        yield from _linked(found, kind, marks)
    elif any(mark["type"] == _KINDS[kind] for mark in marks):
        yield found[0], marks
    else:
        yield from _pieces(found[kind], (*marks, {"type": _KINDS[kind]}))


def _linked(found: re.Match[str], kind: str, marks: tuple[Node, ...]) -> Iterator[tuple[str, tuple[Node, ...]]]:
    if any(mark["type"] == "link" for mark in marks):
        yield found[0], marks
        return
    href = found[kind] if kind == "href" else found[kind].rstrip(_AFTER_AN_ADDRESS)
    link = (*marks, {"type": "link", "attrs": {"href": href}})
    if kind == "href":
        yield from _pieces(found["label"], link)
    else:
        yield href, link
        yield found[kind][len(href) :], marks
