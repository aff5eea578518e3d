"""Text as Atlassian's document format (ADF), which Jira's API takes for every text of several lines.

https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/ - plain text keeps its paragraphs and
lines; of Markdown there are headings, lists, quotes, rules and code in blocks, and the marks of `inline`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Annotated, Any

from msgspec import Meta

from devmesh.connectors.atlassian.marks import inline
from devmesh.errors import Fault, Invalid

Node = dict[str, Any]

# As long as Jira takes a text.
Text = Annotated[str, Meta(min_length=1, max_length=32767)] | dict[str, Any]

_FENCE = re.compile(r"(?P<fence>`{3,})(?P<language>[\w+#.-]{0,50})")
_HEADING = re.compile(r"#{1,6} +\S.*")
_RULE = re.compile(r"-{3,}|\*{3,}|_{3,}")
_ITEM = re.compile(r"(?P<indent>[ \t]*)(?P<sign>[-*+]|(?P<number>\d{1,3})[.)])[ \t]+(?P<text>\S.*)")
_DEEPEST = 6


def document(text: Text, argument: str) -> Node:
    """Return the document for the text, or the one that was given whole.

    Raises Invalid, naming `argument`, for an object that is no document.
    """
    if isinstance(text, str):
        return {"type": "doc", "version": 1, "content": list(_blocks(text.splitlines(), 0))}
    if text.get("type") == "doc" and text.get("version") == 1 and isinstance(text.get("content"), list):
        return text
    shape = '{"type": "doc", "version": 1, "content": [...]}'
    raise Invalid([Fault(argument, f"give text, or a document in Atlassian's document format: {shape}")])


def _blocks(lines: list[str], depth: int) -> Iterator[Node]:
    """Yield the nodes of the lines; `depth` is how many lists and quotes they stand in, where no heading may stand."""
    at = 0
    while at < len(lines):
        if lines[at].strip():
            at, node = _READERS[_kind(lines[at], depth)](lines, at, depth)
            yield node
        else:
            at += 1


def _kind(line: str, depth: int) -> str:
    """Return what kind of block the line begins."""
    bare = line.strip()
    if _FENCE.fullmatch(bare):
        return "code"
    if depth == 0 and _HEADING.fullmatch(line):
        return "heading"
    if depth == 0 and _RULE.fullmatch(bare):
        return "rule"
    if depth == 0 and line.startswith(">"):
        return "quote"
    return "list" if depth < _DEEPEST and _ITEM.fullmatch(line) else "paragraph"


def _heading(lines: list[str], at: int, _depth: int) -> tuple[int, Node]:
    level, _, text = lines[at].partition(" ")
    return at + 1, {"type": "heading", "attrs": {"level": len(level.strip())}, "content": inline(text.strip())}


def _rule(_lines: list[str], at: int, _depth: int) -> tuple[int, Node]:
    return at + 1, {"type": "rule"}


def _code(lines: list[str], at: int, _depth: int) -> tuple[int, Node]:
    """Return the lines up to the closing fence, or all that follow, as they are."""
    opening = _FENCE.fullmatch(lines[at].strip())
    fence, language = (opening["fence"], opening["language"]) if opening else ("", "")
    end = next((n for n in range(at + 1, len(lines)) if lines[n].strip() == fence), len(lines))
    code = "\n".join(lines[at + 1 : end])
    node: Node = {"type": "codeBlock", **({"attrs": {"language": language}} if language else {})}
    return end + 1, {**node, "content": [{"type": "text", "text": code}] if code else []}


def _quote(lines: list[str], at: int, depth: int) -> tuple[int, Node]:
    end = _while(lines, at, lambda line: line.startswith(">"))
    inner = [line[1:].removeprefix(" ") for line in lines[at:end]]
    content = list(_blocks(inner, depth + 1)) or [{"type": "paragraph", "content": []}]
    return end, {"type": "blockquote", "content": content}


def _list(lines: list[str], at: int, depth: int) -> tuple[int, Node]:
    """Return the items of one kind that follow one another, each with the lines that are indented below it."""
    first = _ITEM.fullmatch(lines[at])
    number = first["number"] if first else None
    items: list[Node] = []
    while at < len(lines) and (item := _ITEM.fullmatch(lines[at])) and (item["number"] is None) == (number is None):
        width = item.start("text")
        end = _while(lines, at + 1, partial(_is_below, len(item["indent"])))
        below = [line[min(_indent(line), width) :] for line in lines[at + 1 : end]]
        content = list(_blocks([item["text"], *below], depth + 1))
        # An item may hold a list, but not begin with one.
        begun = [] if content[0]["type"] in ("paragraph", "codeBlock") else [{"type": "paragraph", "content": []}]
        items.append({"type": "listItem", "content": [*begun, *content]})
        at = end
    if number is None:
        return at, {"type": "bulletList", "content": items}
    order = {"attrs": {"order": int(number)}} if int(number) != 1 else {}
    return at, {"type": "orderedList", **order, "content": items}


def _paragraph(lines: list[str], at: int, depth: int) -> tuple[int, Node]:
    """Return the lines up to the next block, each in a line of its own."""
    end = _while(lines, at + 1, lambda line: bool(line.strip()) and _kind(line, depth) == "paragraph")
    content: list[Node] = []
    for line in lines[at:end]:
        content += [{"type": "hardBreak"}] if content else []
        content += inline(line.strip())
    return end, {"type": "paragraph", "content": content}


def _while(lines: list[str], at: int, holds: Callable[[str], bool]) -> int:
    """Return the index of the first line from `at` of which it does not hold."""
    return next((n for n in range(at, len(lines)) if not holds(lines[n])), len(lines))


def _is_below(indent: int, line: str) -> bool:
    return _indent(line) > indent


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" \t"))


_READERS: Mapping[str, Callable[[list[str], int, int], tuple[int, Node]]] = {
    "code": _code,
    "heading": _heading,
    "rule": _rule,
    "quote": _quote,
    "list": _list,
    "paragraph": _paragraph,
}
