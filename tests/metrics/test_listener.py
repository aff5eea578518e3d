"""The metrics' own address: each worker on the next free port, and nothing but metrics there."""

from __future__ import annotations

import aiohttp
import pytest

from devmesh.metrics.listener import Listener
from ports import free_port


async def test_each_worker_takes_the_next_free_port_and_tells_its_metrics():
    first = free_port(2)
    listeners = [Listener("127.0.0.1", first, 2) for _ in range(2)]
    for listener in listeners:
        await listener.open()
    try:
        assert [listener.port for listener in listeners] == [first, first + 1]
        async with aiohttp.ClientSession() as http:
            for listener in listeners:
                url = f"http://127.0.0.1:{listener.port}"
                async with http.get(f"{url}/metrics") as reply:
                    assert reply.status == 200
                    assert "devmesh_tool_calls_total" in await reply.text()
                async with http.get(f"{url}/api/v1/auth/profile") as reply:
                    assert reply.status == 404
        with pytest.raises(OSError, match="in use"):
            await Listener("127.0.0.1", first, 2).open()
    finally:
        for listener in listeners:
            await listener.close()
