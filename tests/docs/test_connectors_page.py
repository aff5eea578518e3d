"""The connector that the page on writing one holds is a whole one, and its test passes."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import pytest
from pages import blocks
from reader import ROOT

from devmesh.connectors import find

PAGE = ROOT / "docs" / "connectors.md"


@pytest.fixture
def printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, ModuleType]:
    """Every python block of the page, loaded as the file that its first line names."""
    package = tmp_path / "printed"
    package.mkdir()
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    found = {}
    for block in blocks(PAGE.read_text()):
        if block.use == "python":
            name = Path(block.text.partition("\n")[0].removeprefix("# ")).stem
            (package / f"{name}.py").write_text(block.text)
            found[name] = importlib.import_module(f"printed.{name}")
    yield found
    for name in ["printed", *(f"printed.{name}" for name in found)]:
        del sys.modules[name]


def test_the_printed_connector_is_found_and_its_test_passes(printed: dict[str, ModuleType]):
    assert set(printed) == {"shelf", "test_shelf"}
    connector = find("printed", [str(Path(printed["shelf"].__file__).parent)])["shelf"]
    tests = [fn for name, fn in vars(printed["test_shelf"]).items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test(connector)
