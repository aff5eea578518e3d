"""A burst over HTTP, and a flood of keys that nobody has."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Mesh, Organization


@pytest.mark.parametrize("path", ["/api/v1/health", "/api/v1/tools/mesh.list_services/execute", "/mcp"])
async def test_a_burst_from_64_clients_admits_exactly_the_capacity(organization: Organization, path: str):
    capacity = 90
    key = await organization.new_key(key_type="user", rate_limit=capacity, rate_window=86_400)
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "mesh.list_services"}}
    body = message if path == "/mcp" else {} if "execute" in path else None
    found: Counter[bool] = Counter()
    left = iter(range(3 * capacity))

    async def client() -> None:
        for _ in left:
            status, reply = await organization.ask("POST" if body is not None else "GET", path, body, key=key)
            refused = status == 429 or reply.get("result", {}).get("isError", False)
            assert status == 200 or refused, reply
            found[not refused] += 1

    await asyncio.gather(*(client() for _ in range(64)))
    assert (found[True], found.total()) == (capacity, 3 * capacity)


async def test_a_key_that_nobody_has_leaves_nothing_behind(mesh: Mesh):
    for number in range(1_000):
        assert await _status(mesh, f"usr_{number:036}", "192.0.2.1") in {401, 429}
    gc.collect()
    before = sys.getallocatedblocks()
    for number in range(1_000, 9_000):
        await _status(mesh, f"usr_{number:036}", "192.0.2.1")
    gc.collect()
    assert sys.getallocatedblocks() - before < 4_000


async def _status(mesh: Mesh, key: str, address: str) -> int:
    statuses: list[int] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/v1/profile",
        "raw_path": b"/api/v1/profile",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"localhost"), (b"x-api-key", key.encode())],
        "client": (address, 1),
        "server": ("127.0.0.1", 80),
    }
    await mesh.app.asgi(scope, receive, send)
    return statuses[0]
