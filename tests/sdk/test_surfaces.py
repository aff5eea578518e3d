"""Both SDKs have the same methods, named in each language's way."""

from __future__ import annotations

import json
import re

import pytest

from devmesh_sdk import Client
from sdk.node import make

SAY = """
import { MCPClient } from "./dist/esm/index.js";
const client = new MCPClient({ baseURL: "http://localhost:8081" });
const methods = ([name, group]) => [name, Object.getOwnPropertyNames(Object.getPrototypeOf(group))];
console.log(JSON.stringify(Object.fromEntries(Object.entries(client).map(methods))));
"""
# TypeScript's also send what has no method of its own: any route by its path, any message of MCP.
ANY_ROUTE, ANY_MESSAGE = "api", "request"


def public(thing: object) -> set[str]:
    return {name for name in dir(thing) if not name.startswith("_")}


def camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda match: match[1].upper(), name)


@pytest.mark.usefixtures("typescript_sdk")
def test_both_sdks_have_the_same_methods():
    said = json.loads(make("node", "--input-type=module", "-e", SAY))
    typescript = {name: set(methods) - {"constructor", ANY_MESSAGE} for name, methods in said.items()}
    del typescript[ANY_ROUTE]
    with Client("http://localhost:8081") as client:
        python = {group: {camel(name) for name in public(getattr(client, group))} for group in typescript}
        assert public(client) == {*typescript, "close", "use"}
    assert typescript == python
