"""A refusal says what happened: its detail never only repeats its title."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import devmesh.app
from devmesh.errors import MeshError

SOURCE = Path(devmesh.app.__file__).parent


def kinds(of: type[MeshError] = MeshError) -> Iterator[type[MeshError]]:
    for kind in of.__subclasses__():
        yield kind
        yield from kinds(kind)


KINDS = {kind.__name__: kind for kind in kinds()}


def bare(tree: ast.AST) -> Iterator[str]:
    """Yield the names of what is raised, or made to be raised, with nothing said of this time."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Name):
            yield node.exc.id
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args and not node.keywords:
            yield node.func.id


RAISED = sorted(
    {name for file in SOURCE.rglob("*.py") for name in bare(ast.parse(file.read_text("utf-8"))) if name in KINDS}
)


def test_many_are_raised_with_nothing_said():
    assert {"InvalidKey", "KeyNotFound", "UserNotFound", "SessionRequired"} <= set(RAISED)


@pytest.mark.parametrize("name", RAISED)
def test_what_is_raised_with_nothing_said_says_what_happened(name: str):
    error = KINDS[name]()
    assert error.detail not in (error.error, "")
