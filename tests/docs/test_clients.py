"""The configurations that the README holds for agents, each used as its client uses it."""

from __future__ import annotations

import json
import re
import shlex
from typing import Any

import httpx2
import pages
import pytest
from mcp.client.streamable_http import streamable_http_client
from pages import blocks
from reader import PRINTED_URL, ROOT

from mcp import Client

FILES = {block.name: block.text for block in blocks((ROOT / "README.md").read_text()) if block.use == "file"}
# How each client's file names the key: Claude Code's and Cursor's documents call it expansion of environment
# variables, VS Code's an input.
KEYS = {
    "claude": "$DEVMESH_API_KEY",
    ".mcp.json": "${DEVMESH_API_KEY}",
    ".cursor/mcp.json": "${env:DEVMESH_API_KEY}",
    ".vscode/mcp.json": "${input:devmesh-key}",
}


def configured(name: str) -> tuple[str, dict[str, str]]:
    """Return the URL and the headers that the client gets from its configuration."""
    if name == "claude":
        words = shlex.split(FILES[name])
        assert words[:5] == ["claude", "mcp", "add", "--transport", "http"]
        _, url, option, header = words[5:]
        assert option == "--header"
        return url, dict([header.split(": ", 1)])
    content: dict[str, Any] = json.loads(FILES[name])
    servers = content["servers" if name == ".vscode/mcp.json" else "mcpServers"]
    assert list(servers) == ["devmesh"]
    server = servers["devmesh"]
    # Cursor takes what has a url for a remote server; the others ask for the type.
    assert set(server) == {"url", "headers"} | (set() if name == ".cursor/mcp.json" else {"type"})
    assert server.get("type", "http") == "http"
    return server["url"], server["headers"]


def test_the_readme_configures_every_client_that_it_names():
    assert set(FILES) == set(KEYS) == pages.FILES["README.md"]


def test_vs_code_asks_for_the_key_that_its_header_uses():
    [asked] = json.loads(FILES[".vscode/mcp.json"])["inputs"]
    assert (asked["type"], asked["password"], asked["id"]) == ("promptString", True, "devmesh-key")


@pytest.mark.parametrize("name", KEYS)
async def test_a_client_configured_as_printed_lists_and_calls_tools(name: str, mesh, organization):
    url, headers = configured(name)
    assert url == f"{PRINTED_URL}/mcp"
    key = await organization.new_key(key_type="user")
    sent = {header: value.replace(KEYS[name], key) for header, value in headers.items()}
    assert not re.search(r"[${}]", repr(sent.values()).replace("dict_values", ""))
    async with (
        httpx2.AsyncClient(headers=sent) as http,
        Client(streamable_http_client(url.replace(PRINTED_URL, mesh.url), http_client=http)) as client,
    ):
        assert "mesh.list_services" in {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("mesh.list_services", {})
        assert "github" in {service["service"] for service in result.structured_content["services"]}
