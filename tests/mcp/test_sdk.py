"""The official SDK's client against our endpoint, in each of its modes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx2
import pytest
from mcp.client.streamable_http import streamable_http_client

from mcp import Client, MCPError

LATEST = {"2026-07-28": "2026-07-28", "auto": "2026-07-28", "legacy": "2025-11-25"}
in_each_mode = pytest.mark.parametrize("mode", LATEST)


@asynccontextmanager
async def connected(url: str, key: str, mode: str) -> AsyncIterator[Client]:
    async with (
        # The first list of a process loads every tool: on a busy machine that takes longer than a client waits.
        httpx2.AsyncClient(headers={"Authorization": f"Bearer {key}"}, timeout=60) as http,
        Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client,
    ):
        yield client


@in_each_mode
async def test_the_sdk_connects_lists_and_calls(mesh_url, api_key, mode):
    async with connected(mesh_url, api_key, mode) as client:
        assert client.protocol_version == LATEST[mode]
        [tool] = [tool for tool in (await client.list_tools()).tools if tool.name == "mesh.list_services"]
        assert tool.annotations.read_only_hint is True
        result = await client.call_tool("mesh.list_services", {})
        assert result.is_error is not True
        assert "services" in result.structured_content


@in_each_mode
async def test_the_sdk_hears_our_name_where_we_may_tell_it(mesh_url, api_key, mode):
    async with connected(mesh_url, api_key, mode) as client:
        await client.list_tools()
        if mode != "2026-07-28":  # pinned to a version, the client never asks who we are
            assert client.server_info.name == "devmesh"
            assert "mesh.list_services" in client.instructions


@in_each_mode
async def test_the_sdk_sees_no_prompts_and_no_resources(mesh_url, api_key, mode):
    async with connected(mesh_url, api_key, mode) as client:
        assert (await client.list_prompts()).prompts == []
        assert (await client.list_resources()).resources == []
        assert (await client.list_resource_templates()).resource_templates == []


@in_each_mode
async def test_the_sdk_raises_for_an_unknown_tool_and_goes_on(mesh_url, api_key, mode):
    async with connected(mesh_url, api_key, mode) as client:
        with pytest.raises(MCPError, match=r"mesh\.list_services") as raised:
            await client.call_tool("mesh.list_service", {})
        assert raised.value.code == -32602
        assert raised.value.data["code"] == "unknown_tool"
        assert raised.value.message.endswith(raised.value.data["hint"])
        assert (await client.call_tool("mesh_list_services", {})).is_error is not True


async def test_the_sdk_gets_a_used_up_limit_as_a_tool_error(mesh_url, spent_key):
    async with connected(mesh_url, spent_key, "2026-07-28") as client:
        result = await client.call_tool("mesh.list_services", {})
        assert result.is_error is True
        assert result.content[0].text.startswith("Rate Limit Exceeded\n")


@in_each_mode
async def test_the_sdk_tells_a_wrong_key(mesh_url, mode):
    with pytest.raises(BaseExceptionGroup) as raised:
        async with connected(mesh_url, "agt_wrong", mode) as client:
            await client.list_tools()
    assert raised.group_contains(MCPError, match="Invalid API Key")
