"""What the check of our pages finds."""

from __future__ import annotations

from pathlib import Path

import pages
import pytest
from pages import anchors, blocks, faults

FENCE = "```"


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    (tmp_path / "Makefile").write_text("serve: install\n\techo\n")
    (tmp_path / "other.md").write_text("# Some Thing: `x`, & more\n\n## Twice\n\n## Twice\n")
    return tmp_path / "page.md"


@pytest.mark.parametrize(
    "text",
    [
        "[a](other.md) [b](other.md#some-thing-x--more) [c](other.md#twice-1) [d](https://a.example/x#y) `[e](f)`",
        f"{FENCE}bash\nmake serve\nmake serve ARGS=-x # why\n{FENCE}",
        f"{FENCE}bash\ncurl x\n{FENCE}\n\n{FENCE}json\n{{}}\n{FENCE}\n\n{FENCE}text\nx\n{FENCE}",
        f"<!-- illustration: it stops the server -->\n{FENCE}bash\nrm x\n{FENCE}",
        f"1. A step\n   {FENCE}mermaid\n   [x](y)\n   {FENCE}",
    ],
)
def test_a_sound_page_passes(page: Path, text: str):
    page.write_text(text)
    assert list(faults(page)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("[a](gone.md)", "gone.md leads nowhere"),
        ("[a](../outside.md)", "../outside.md leads nowhere"),
        ("[a](other.md#gone)", "other.md#gone: other.md has no such heading"),
        ("[a](#gone)", "#gone: page.md has no such heading"),
        (f"x\n\n{FENCE}\nx\n{FENCE}", "line 3: the block names no language"),
        (
            f"{FENCE}json\n{{}}\n{FENCE}",
            "line 1: no test uses this block; show a reply after its request, or say why it is shown",
        ),
        (f"<!-- file: x.json -->\n{FENCE}json\n{{}}\n{FENCE}", "line 2: no test uses the file x.json"),
        (f"{FENCE}bash\nmake gone\n{FENCE}", "line 1: there is no 'make gone'"),
        (f"{FENCE}python\nx\n{FENCE}", "line 1: no test runs the python of this page"),
    ],
)
def test_a_fault_is_named(page: Path, text: str, found: str):
    page.write_text(text)
    assert list(faults(page)) == [found]


def test_a_block_inside_a_list_loses_its_indent():
    [block] = blocks(f"1. A step\n   {FENCE}bash\n   curl x \\\n     -v\n   {FENCE}\n")
    assert (block.text, block.line, block.use) == ("curl x \\\n  -v\n", 2, "run")


def test_anchors_are_githubs():
    assert anchors(f"# A b\n{FENCE}bash\n# no heading\n{FENCE}\n## [L](x) `c_d`!") == {"a-b", "l-c_d"}
