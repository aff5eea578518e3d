"""What the SDKs are tried against: the real server, a proxy that counts and can be told to fail, and its control.

`sdk/SCENARIOS.md` describes the control's actions. All of it runs beside the test, so that a runner in any language and
of any manner of waiting can use it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from devmesh.demo.served import Served, stand_in
from ports import free_port
from sdk.faults import Proxy

_TOKEN = "ghp_TheTokenThatAdaMadeOnGitHubForThisTest00"
_LOGIN = "ada-on-github"
# Enough for hundreds of registrations and logins from one address.
_PLANS = {"rate_limits": {"default": {"requests_per_minute": 600_000, "burst": 600_000}}}


class World:
    """`with World(directory) as world`, then `world.values` is what a scenario begins with."""

    def __init__(self, directory: Path) -> None:
        plans = directory / "plans.json"
        plans.write_text(json.dumps(_PLANS))
        settings = {"DEVMESH_UPSTREAM_ALLOW": "127.0.0.0/8", "DEVMESH_PLANS_FILE": str(plans)}
        self.served = Served(directory, settings)
        self.values: dict[str, str] = {}
        self._proxy = Proxy()
        # The server dies with the thread that started it, so the same one starts it each time.
        self._starter = ThreadPoolExecutor(1, "starts the server")
        self._closing = ExitStack()

    def __enter__(self) -> Self:
        with self._closing as closing:
            self._loop = closing.enter_context(_looping())
            closing.callback(self._starter.shutdown)
            self._starter.submit(self.served.start).result()
            closing.callback(lambda: self._starter.submit(self.served.stop).result())
            github = closing.enter_context(stand_in({_TOKEN: _LOGIN}))
            base_url, control_url = self._run(self._open(self.served.url))
            closing.callback(lambda: self._run(self._close()))
            self._closing = closing.pop_all()
        self.values = {
            "base_url": base_url,
            "closed_url": f"http://127.0.0.1:{free_port()}",
            "control_url": control_url,
            "github_url": github.url,
            "github_token": _TOKEN,
            "github_login": _LOGIN,
        }
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.close()

    def _run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    async def _open(self, upstream: str) -> tuple[str, str]:
        control = web.Application()
        control.router.add_post("/{action}", self._act)
        self._control = web.AppRunner(control)
        await self._control.setup()
        await web.TCPSite(self._control, "127.0.0.1", 0).start()
        base_url = await self._proxy.open(upstream)
        return base_url, f"http://127.0.0.1:{self._control.addresses[0][1]}"

    async def _close(self) -> None:
        await self._proxy.close()
        await self._control.cleanup()

    async def _act(self, request: web.Request) -> web.Response:
        actions = {"restart": self._restart, "expire": self._expire, "fail": self._fail, "count": self._count}
        action = actions.get(request.match_info["action"], self._reset)
        return web.json_response(await action(await request.json() if request.can_read_body else {}))

    async def _restart(self, _: Mapping[str, Any]) -> dict[str, Any]:
        """Stop the server and start it on the same port over the same data."""

        def again() -> None:
            self.served.stop()
            self.served.start()

        await self._loop.run_in_executor(self._starter, again)
        return {}

    async def _expire(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._proxy.expired |= self._proxy.issued
        return {}

    async def _fail(self, fault: Mapping[str, Any]) -> dict[str, Any]:
        self._proxy.faults += [fault] * fault.get("times", 1)
        return {}

    async def _count(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        return {"requests": self._proxy.counts[asked["method"], asked["path"]]}

    async def _reset(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self._proxy.reset()
        return {}


@contextlib.contextmanager
def world() -> Iterator[World]:
    """Run a world in a directory that the database's user may enter."""
    with tempfile.TemporaryDirectory(prefix="devmesh-sdk-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with World(directory) as running:
            yield running


@contextlib.contextmanager
def _looping() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="proxy", daemon=True)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()
