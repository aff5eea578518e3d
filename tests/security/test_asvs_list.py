"""docs/reference/asvs.md is whole: every requirement is in it, and every one that applies names tests that exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reference" / "asvs.md"
# Version 5.0.0, chapters 6 and 7: the numbers of levels 1 and 2, and those of level 3 in section 6.3.
LEVELS = {
    1: "6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 "
    "7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2",
    2: "6.1.2 6.1.3 6.2.9 6.2.10 6.2.11 6.2.12 6.3.3 6.3.4 6.4.3 6.4.4 6.5.1 6.5.2 6.5.3 6.5.4 6.5.5 6.6.1 6.6.2 6.6.3 "
    "6.8.1 6.8.2 6.8.3 6.8.4 7.1.1 7.1.2 7.1.3 7.3.1 7.3.2 7.4.3 7.4.4 7.4.5 7.5.1 7.5.2 7.6.1 7.6.2",
    3: "6.3.5 6.3.6 6.3.7 6.3.8",
}
REQUIRED = {number: level for level, numbers in LEVELS.items() for number in numbers.split()}
_LEAST_WORDS = 2


class Row(NamedTuple):
    """A requirement, as the page tells of it."""

    number: str
    level: int
    met: str
    how: str
    tests: list[str]


def read(text: str) -> list[Row]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    rows = [row for row in cells if re.fullmatch(r"\d+\.\d+\.\d+", row[0])]
    return [Row(row[0], int(row[1]), row[2], row[3], re.findall(r"`([^`]+)`", row[4])) for row in rows]


ROWS = read(PAGE.read_text(encoding="utf-8"))


@cache
def named_in(path: str) -> frozenset[str]:
    file = ROOT / path
    tree = ast.parse(file.read_text(encoding="utf-8")) if file.is_file() else ast.Module([], [])
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in tree.body if isinstance(node, functions) and node.name.startswith("test_"))


def faults(row: Row) -> list[str]:
    """Return what is wrong with the row."""
    found = []
    if row.level != REQUIRED.get(row.number):
        found.append("is of another level, or not asked for")
    if row.met not in ("yes", "partly", "n/a"):
        found.append(f"is neither met nor not: {row.met}")
    if len(row.how.split()) < _LEAST_WORDS:
        found.append("does not say how, or why not")
    if bool(row.tests) is (row.met == "n/a"):
        found.append("applies without a test, or has one without applying")
    for test in row.tests:
        path, _, name = test.partition("::")
        if name not in named_in(path):
            found.append(f"names {test}, which is no test")
    return found


def test_every_requirement_stands_on_the_page_once():
    assert sorted(row.number for row in ROWS) == sorted(REQUIRED)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_a_requirement_that_applies_names_tests_that_exist(row: Row):
    assert faults(row) == []


@pytest.mark.parametrize(
    "line",
    [
        "| 6.1.1 | 2 | yes | So it is | `tests/security/test_asvs_list.py::test_a_fault_of_the_page_is_seen` |",
        "| 6.1.1 | 1 | yes | So it is | |",
        "| 6.1.1 | 1 | yes | So it is | `tests/security/test_asvs_list.py::test_that_there_is_not` |",
        "| 6.1.1 | 1 | yes | So it is | `tests/security/test_no_file.py::test_a_fault_of_the_page_is_seen` |",
        "| 6.1.1 | 1 | n/a | | |",
        "| 6.1.1 | 1 | n/a | So it is | `tests/security/test_asvs_list.py::test_a_fault_of_the_page_is_seen` |",
        "| 6.1.1 | 1 | perhaps | So it is | `tests/security/test_asvs_list.py::test_a_fault_of_the_page_is_seen` |",
        "| 6.7.2 | 2 | yes | So it is | `tests/security/test_asvs_list.py::test_a_fault_of_the_page_is_seen` |",
    ],
)
def test_a_fault_of_the_page_is_seen(line: str):
    (row,) = read(line)
    assert len(faults(row)) == 1
