"""Stands before a server and counts what it is asked."""

from __future__ import annotations

from types import TracebackType
from typing import Self

import aiohttp
from aiohttp import web

_EXPIRED = {"status": 401, "code": "token_expired", "detail": "The token is expired.", "hint": "Refresh it."}


class Counting:
    """`async with Counting(url) as server`: hands every request on; `requests` holds method and path of each.

    A path in `expired` is answered so often as if the access token were over.
    """

    def __init__(self, to: str, expired: dict[str, int] | None = None) -> None:
        self._to = to
        self._expired = expired or {}
        self.requests: list[tuple[str, str]] = []
        self.url = ""

    def count(self, method: str, path: str) -> int:
        """Return how often that was asked."""
        return self.requests.count((method, path))

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._hand_on)
        self._http = aiohttp.ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._runner.cleanup()
        await self._http.close()

    async def _hand_on(self, request: web.Request) -> web.Response:
        self.requests.append((request.method, request.path))
        if self._expired.get(request.path, 0) > 0:
            self._expired[request.path] -= 1
            return web.json_response(_EXPIRED, status=401, content_type="application/problem+json")
        headers = {name: value for name, value in request.headers.items() if name.lower() != "host"}
        body = await request.read()
        async with self._http.request(request.method, self._to + request.path_qs, headers=headers, data=body) as reply:
            kept = {
                name: value for name, value in reply.headers.items() if name.lower() not in ("content-length", "date")
            }
            return web.Response(status=reply.status, headers=kept, body=await reply.read())
