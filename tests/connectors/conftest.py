"""Every connector of the folder, the documents' example among them, and sample arguments for each of their tools."""

import re
from pathlib import Path
from types import ModuleType

import pytest

from devmesh.connectors import CONNECTORS

PAGE = Path(__file__).parents[2] / "docs" / "connectors.md"
# Tried in turn for a text with a pattern and without an example; the first is base64, too.
CANDIDATES = ("sample01", "1", "2026-01-02T03:04:05Z")


def _example():
    """Return the module that the page prints, as Python runs it."""
    block = re.search(r"```python\n(# src/devmesh/connectors/shelf\.py\n.*?)```", PAGE.read_text(), re.DOTALL)
    module = ModuleType("shelf")
    exec(compile(block[1], "shelf.py", "exec"), module.__dict__)  # noqa: S102  our own page
    return module


EXAMPLE = _example().CONNECTOR
ALL = {**CONNECTORS, EXAMPLE.name: EXAMPLE}


def sample(schema, definitions):
    """Return a value that the schema allows."""
    if "$ref" in schema:
        return sample(definitions[schema["$ref"].rsplit("/", 1)[1]], definitions)
    if "anyOf" in schema:
        return sample(schema["anyOf"][0], definitions)
    for chosen in ("examples", "enum"):
        if chosen in schema:
            return schema[chosen][0]
    if schema.get("format") == "date-time":
        return "2026-01-02T03:04:05+01:00"
    make = {
        "string": lambda: next(text for text in CANDIDATES if re.search(schema.get("pattern", ""), text)),
        "integer": lambda: max(7, schema.get("minimum", 0)),
        "number": lambda: 1.5,
        "boolean": lambda: True,
        "array": lambda: [sample(schema.get("items", {}), definitions)],
        "object": lambda: (
            {name: sample(one, definitions) for name, one in schema.get("properties", {}).items()}
            or {"name": sample(schema.get("additionalProperties", {}), definitions)}
        ),
    }
    return make[schema.get("type", "string")]()


def samples(tool, *, optional):
    """Return sample arguments for the tool: the required ones, or all but those of paging and projection."""
    schema = tool.arguments.schema
    return {
        name: sample(member, schema.get("$defs", {}))
        for name, member in schema["properties"].items()
        if name in schema.get("required", ()) or (optional and name not in ("limit", "cursor", "fields"))
    }


def pytest_generate_tests(metafunc):
    tools = [tool for one in ALL.values() for tool in one.tools.values()]
    lists = [tool for tool in tools if tool.items is not None and tool.paging]
    for name, values in (("tool", tools), ("listing", lists)):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, values, ids=[tool.name for tool in values])
    if "connector" in metafunc.fixturenames:
        metafunc.parametrize("connector", ALL.values(), ids=ALL.keys())


@pytest.fixture
def complete(tool):
    """All arguments of the tool."""
    return samples(tool, optional=True)


@pytest.fixture
def minimal(tool):
    """The required arguments of the tool."""
    return samples(tool, optional=False)


@pytest.fixture
def page():
    return PAGE


@pytest.fixture
def example():
    return EXAMPLE


@pytest.fixture(name="samples")
def sample_arguments():
    return samples
