# ruff: noqa: INP001 - beside the pages, no package
"""Reads our pages: their links, anchors and fenced blocks, and what is done with each block."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

ROOT = Path(__file__).parents[1]
# What a test does with a block:
#   run       bash, run as it stands against a real server, page by page and in order
#   reply     json or text, compared with what the bash block before it printed
#   file      the content of a client's configuration file, used as that client uses it
#   make      bash that only calls make: its targets exist
#   python    on a page of PYTHON, run by that page's own test in tests/docs
#   shown     not run, for the reason given in the mark
#   prose     a language that nobody runs
Use = Literal["run", "reply", "file", "make", "python", "shown", "prose"]

# The files that tests use; a mark that names another is a fault.
FILES = {
    "README.md": {"claude", ".mcp.json", ".cursor/mcp.json", ".vscode/mcp.json"},
    "docs/operating.md": {"plans.json"},
    "integrations/github-action/README.md": {"deploy.yml"},
}

PYTHON = {"docs/connectors.md", "docs/guide/python.md", "sdk/python/README.md"}

_FENCE = re.compile(r"^( *)(`{3,}|~{3,})(\S*)[^\n]*\n(.*?)^ *\2 *$", re.MULTILINE | re.DOTALL)
_MARK = re.compile(r"<!-- (illustration|file): (.+?) -->\s*\Z")
_LINK = re.compile(r"!?\[(?:[^\]\\]|\\.)*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#* *$", re.MULTILINE)
_CODE = re.compile(r"`[^`\n]*`")
_RUN = {"bash", "json", "python"}
_MAKE = re.compile(r"make [a-z][a-z-]*(?: [A-Z]+=\S+| *#.*)*")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: `name` is the file's name or the reason, where its mark gives one."""

    language: str
    text: str
    line: int
    use: Use
    name: str = ""


def pages() -> list[Path]:
    """Return every page of ours."""
    beside = [*sorted((ROOT / "integrations").rglob("*.md")), *sorted((ROOT / "sdk").glob("*/README.md"))]
    return [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md")), *beside]


def blocks(text: str) -> list[Block]:
    """Return the page's fenced blocks, in order."""
    found: list[Block] = []
    for match in _FENCE.finditer(text):
        indent, _, language, content = match.groups()
        content = "".join(line.removeprefix(indent) for line in content.splitlines(keepends=True))
        mark = _MARK.search(text, 0, match.start())
        kind, name = (mark[1], mark[2]) if mark else ("", "")
        before = [block.use for block in found if block.use != "prose"]
        use = _use(kind, language, content, before[-1] if before else "prose")
        found.append(Block(language, content, text.count("\n", 0, match.start()) + 1, use, name))
    return found


def _use(mark: str, language: str, content: str, before: Use) -> Use:
    if mark == "illustration":
        return "shown"
    if mark == "file":
        return "file"
    if language == "bash":
        return "make" if all(_MAKE.fullmatch(line) for line in content.splitlines()) else "run"
    if language in ("json", "text"):
        # A json block that follows nothing that ran is told by the check.
        return "reply" if before == "run" else "prose"
    return "python" if language == "python" else "prose"


def links(text: str) -> Iterator[str]:
    """Yield where the page points to."""
    yield from _LINK.findall(_CODE.sub("", _FENCE.sub("", text)))


def anchors(text: str) -> set[str]:
    """Return the anchors that the page's headings have where GitHub shows it."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        words = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "")
        slug = re.sub(r"[^\w\- ]", "", words.lower()).replace(" ", "-")
        unique, number = slug, 0
        while unique in found:
            number += 1
            unique = f"{slug}-{number}"
        found.add(unique)
    return found


def faults(path: Path) -> Iterator[str]:
    """Yield what is wrong with the page: dead links and anchors, blocks without a language or that nothing tests."""
    text = path.read_text(encoding="utf-8")
    for link in links(text):
        if not re.match(r"[a-z]+:", link):
            yield from _dead(path, link)
    for block in blocks(text):
        if not block.language:
            yield f"line {block.line}: the block names no language"
        yield from _unused(path, block)
        if block.use == "make":
            yield from _missing_targets(block)


def _unused(path: Path, block: Block) -> Iterator[str]:
    if block.language in _RUN and block.use == "prose":
        yield f"line {block.line}: no test uses this block; show a reply after its request, or say why it is shown"
    if block.use == "file" and block.name not in FILES.get(str(path.relative_to(ROOT)), ()):
        yield f"line {block.line}: no test uses the file {block.name}"
    if block.use == "python" and str(path.relative_to(ROOT)) not in PYTHON:
        yield f"line {block.line}: no test runs the python of this page"


def _dead(path: Path, link: str) -> Iterator[str]:
    name, _, anchor = link.partition("#")
    target = (path.parent / name).resolve() if name else path
    if not target.is_relative_to(ROOT) or not target.exists():
        yield f"{link} leads nowhere"
    elif anchor and (target.suffix != ".md" or anchor not in anchors(target.read_text(encoding="utf-8"))):
        yield f"{link}: {target.name} has no such heading"


def _missing_targets(block: Block) -> Iterator[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for line in block.text.splitlines():
        if line.split()[1] not in targets:
            yield f"line {block.line}: there is no '{line}'"
