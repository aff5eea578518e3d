"""The Python SDK is what the OpenAPI document says, stands by itself, and can be read."""

from __future__ import annotations

import ast
import copy
import importlib
import inspect
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import devmesh_sdk
from devmesh.http.application import PREFIX
from devmesh_sdk import AsyncClient, Client, DeveloperMeshError
from devmesh_sdk.api import awaiting, blocking

ROOT = Path(__file__).parents[2]
SDK = ROOT / "sdk" / "python"
SOURCE = SDK / "src" / "devmesh_sdk"
GENERATED = {SOURCE / "api" / name for name in ("models.py", "operations.py", "blocking.py", "awaiting.py")}
FILES = sorted({*SOURCE.rglob("*.py"), *SDK.glob("*.py")} - GENERATED)


@pytest.fixture(scope="module")
def scripts() -> tuple[ModuleType, ModuleType]:
    """The generator and its table of names, which are no package."""
    sys.path.insert(0, str(SDK))
    yield importlib.import_module("generate"), importlib.import_module("names")
    sys.path.remove(str(SDK))
    del sys.modules["generate"], sys.modules["names"]


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(ROOT / "sdk" / "openapi.py")], capture_output=True, check=True)
    return json.loads(done.stdout)


async def test_the_document_that_the_sdks_are_written_from_is_the_one_that_is_served(mesh, document):
    async with mesh.http.get("/openapi.json") as reply:
        assert await reply.json(content_type=None) == document


def test_the_sdk_is_what_the_document_says(document, scripts):
    differing = [
        name for name, text in scripts[0].written(document).items() if (SOURCE / "api" / name).read_text() != text
    ]
    assert differing == [], "run 'make sdk'"


def test_a_change_of_the_document_is_seen(document, scripts):
    changed = copy.deepcopy(document)
    changed["components"]["schemas"]["KeyShown"]["properties"]["colour"] = {"type": "string"}
    changed["paths"][f"{PREFIX}/tenants"]["get"]["parameters"].append(
        {"name": "q", "in": "query", "schema": {"type": "string"}}
    )
    differing = [
        name for name, text in scripts[0].written(changed).items() if (SOURCE / "api" / name).read_text() != text
    ]
    assert differing == ["operations.py", "models.py"]


def test_every_operation_has_a_method_or_a_reason_to_have_none(document, scripts):
    _, names = scripts
    named = {each.route for group in names.GROUPS.values() for each in group.values() if isinstance(each, names.Named)}
    served = {
        f"{method.upper()} {path}"
        for path, operations in document["paths"].items()
        for method in operations
        if method != "head"
    }
    unnamed = {route for route in served for pattern in names.UNNAMED if re.fullmatch(pattern, route)}
    assert named | names.OWN_ROUTES | unnamed == served
    assert not (named | names.OWN_ROUTES) & unnamed
    assert all(any(re.fullmatch(pattern, route) for route in served) for pattern in names.UNNAMED)


def test_both_clients_have_the_same_methods_with_the_same_arguments():
    def methods(groups: type) -> dict[str, str]:
        made = groups(None, None)
        return {
            f"{group}.{name}": str(inspect.signature(getattr(methods, name)))
            for group, methods in vars(made).items()
            for name in vars(type(methods))
            if not name.startswith("_")
        }

    assert methods(blocking.Groups) == methods(awaiting.Groups)
    assert len(methods(blocking.Groups)) > 50

    def options(client: type) -> list[str]:
        return list(inspect.signature(client).parameters)

    assert options(Client) == options(AsyncClient)


def test_it_needs_nothing_of_the_gateway():
    found = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                found.add((node.module or "").partition(".")[0])
    assert found - set(sys.stdlib_module_names) == {"devmesh_sdk", "httpx2"}


def test_what_it_exports_is_all_there_and_marked_as_typed():
    assert all(hasattr(devmesh_sdk, name) for name in devmesh_sdk.__all__)
    assert (SOURCE / "py.typed").exists()


@pytest.mark.parametrize("path", FILES, ids=[str(path.relative_to(SDK)) for path in FILES])
def test_a_file_can_be_read_in_one_sitting_and_a_function_seen_at_once(path: Path):
    text = path.read_text()
    assert len(text.splitlines()) <= 300
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < 40, node.name


@pytest.mark.parametrize(
    ("message", "hint", "said"),
    [
        ("GitHub answered 404: Not Found", "Check owner.", "GitHub answered 404: Not Found. Check owner. [error]"),
        ("No such key.", "List them.", "No such key. List them. [error]"),
        ("Not Found", "", "Not Found [error]"),
        ("", "Wait.", "Wait. [error]"),
    ],
)
def test_an_errors_text_is_in_sentences(message: str, hint: str, said: str):
    assert str(DeveloperMeshError(message, hint=hint)) == said
