"""Connectors are found by their folder alone."""

import re
import sys

import pytest

from devmesh.connectors import CONNECTORS, find

SHELF = re.compile(r"```python\n(# src/devmesh/connectors/shelf\.py\n.*?)```", re.DOTALL)
TEST = re.compile(r"```python\n(# tests/connectors/test_shelf\.py\n.*?)```", re.DOTALL)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A package that connectors can be put into."""
    package = tmp_path / "folder_of_connectors"
    package.mkdir()
    (package / "__init__.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    yield package
    for name in [name for name in sys.modules if name.split(".")[0] == package.name]:
        del sys.modules[name]


def test_a_new_file_in_the_folder_is_a_connector(folder, page):
    (folder / "shelf.py").write_text(SHELF.search(page.read_text())[1])
    (folder / "words.py").write_text("SOMETHING = 1\n")
    found = find(folder.name, [str(folder)])
    assert [(name, connector.title) for name, connector in found.items()] == [("shelf", "Shelf")]


def test_a_connector_that_is_not_named_as_its_file_is_refused(folder, page):
    (folder / "books.py").write_text(SHELF.search(page.read_text())[1])
    with pytest.raises(ValueError, match="'shelf'"):
        find(folder.name, [str(folder)])


def test_the_order_is_that_of_the_names():
    assert list(CONNECTORS) == sorted(CONNECTORS)
    assert "github" in CONNECTORS


def test_a_tool_cannot_be_declared_twice(example):
    with pytest.raises(ValueError, match="declared twice"):
        example.tool()(example.tools["list_books"].build)


def test_the_pages_own_test_passes(page, example):
    block = TEST.search(page.read_text())[1]
    names = {}
    exec(compile(block, "test_shelf.py", "exec"), names)  # noqa: S102  our own page
    tests = [function for name, function in names.items() if name.startswith("test_")]
    assert len(tests) == 2
    for test in tests:
        test(example)
