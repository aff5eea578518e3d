"""The OpenAPI document says of every route who may, in the words by which it is asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from devmesh import app
from devmesh.access import Caller
from devmesh.http.routing import ANY, BY_TOOL, SESSION, get

if TYPE_CHECKING:
    from running import Mesh

OF_TOOL = "tools:execute:{name}"
ROUTES = [
    *(("/api/v1" + path, handler) for handler in app._ROUTES for path in sorted(handler.paths)),
    *((path, handler) for handler in app._ROOT for path in sorted(handler.paths)),
]


@pytest.fixture
async def document(mesh: Mesh) -> dict[str, Any]:
    async with mesh.http.get("/openapi.json") as reply:
        return await reply.json()


@pytest.mark.parametrize(("path", "handler"), ROUTES, ids=[path for path, _ in ROUTES])
async def test_every_route_shows_what_it_needs(document: dict[str, Any], path: str, handler: Any):
    scope, plan = handler.opt["scope"], handler.opt["plan"]
    shown = document["paths"][re.sub(r"\{(\w+):\w+\}", r"{\1}", path)]
    for method in handler.http_methods - {"HEAD"}:
        operation = shown[method.lower()]
        schemes = {name: named for entry in operation.get("security", []) for name, named in entry.items()}
        if plan.caller is None:
            assert (schemes, operation.get("x-required-scope")) == ({}, None)
        elif not plan.caller_required:
            assert {} in operation["security"]
        elif scope == SESSION:
            assert (schemes, operation["x-required-scope"]) == ({"bearer": []}, SESSION)
            assert "no API key" in operation["description"]
        else:
            named = {ANY: [], BY_TOOL: [OF_TOOL]}.get(scope, [scope])
            assert schemes == {"bearer": named, "apiKey": named}
            assert operation["x-required-scope"] == (named[0] if named else ANY)
            assert all(f"`{each}`" in operation["description"] for each in named)


async def test_the_document_holds_no_route_that_is_not_looked_at(document: dict[str, Any]):
    known = {re.sub(r"\{(\w+):\w+\}", r"{\1}", path) for path, _ in ROUTES}
    assert set(document["paths"]) == known


def test_a_route_without_a_scope_cannot_be_declared():
    async def needs_a_caller(caller: Caller) -> None: ...

    with pytest.raises(TypeError, match="names a scope"):
        get("/forgotten", scope=None)(needs_a_caller)
