"""What a call through the Python SDK costs the client beyond the same request by httpx2, its HTTP client."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Awaitable, Callable
from statistics import median
from typing import Any

import httpx2

from devmesh_sdk import ApiKey, AsyncClient, Client
from figures import figure, note
from processes import free_port, running, script

_KEY = "usr_" + "k" * 43
_ASKED = 0.3
_NEW = {"name": "Web team", "slug": "web-team"}


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure the client's CPU in calls one after the other, in rounds that alternate."""
    rounds, count = (9, 200) if quick else (25, 500)
    port = free_port()
    with running(script("servers.py", "upstream", port), port):
        url = f"http://127.0.0.1:{port}"
        _blocking(url, rounds, count)
        asyncio.run(_awaiting(url, rounds, count))


def _blocking(url: str, rounds: int, count: int) -> None:
    def many(call: Callable[[], Any]) -> float:
        began = time.process_time()
        for _ in range(count):
            call()
        return (time.process_time() - began) / count * 1e6

    with Client(url, ApiKey(_KEY)) as mesh, httpx2.Client() as http:
        pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "a read": (
                mesh.organization.get,
                lambda: http.get(f"{url}/api/v1/organization", headers=_headers()).json(),
            ),
            "an action": (
                lambda: mesh.tenants.create(name="Web team", slug="web-team"),
                lambda: http.post(f"{url}/api/v1/tenants", headers=_headers(once=True), json=_NEW).json(),
            ),
        }
        for name, (sdk, bare) in pairs.items():
            _print(f"{name}, blocking", [(many(bare), many(sdk)) for _ in range(rounds + 1)])


async def _awaiting(url: str, rounds: int, count: int) -> None:
    async def many(call: Callable[[], Awaitable[Any]]) -> float:
        began = time.process_time()
        for _ in range(count):
            await call()
        return (time.process_time() - began) / count * 1e6

    async with AsyncClient(url, ApiKey(_KEY)) as mesh, httpx2.AsyncClient() as http:

        async def get() -> Any:
            return (await http.get(f"{url}/api/v1/organization", headers=_headers())).json()

        async def post() -> Any:
            return (await http.post(f"{url}/api/v1/tenants", headers=_headers(once=True), json=_NEW)).json()

        async def create() -> Any:
            return await mesh.tenants.create(name="Web team", slug="web-team")

        for name, sdk, bare in (("a read", mesh.organization.get, get), ("an action", create, post)):
            _print(f"{name}, awaiting", [(await many(bare), await many(sdk)) for _ in range(rounds + 1)])


def _headers(*, once: bool = False) -> dict[str, str]:
    headers = {"authorization": f"Bearer {_KEY}", "accept": "application/json"}
    return {**headers, "idempotency-key": str(uuid.uuid4())} if once else headers


def _print(name: str, took: list[tuple[float, float]]) -> None:
    # The first round opens the connections.
    took = took[1:]
    note(f"{name}, by httpx2 alone: {median(bare for bare, _ in took):.0f} us")
    more = median(sdk - bare for bare, sdk in took)
    figure(f"Python SDK, {name}", more / 1000, _ASKED, "ms", "CPU a call beyond httpx2")
