"""A proxy before the server: it counts what passes, and answers some requests as a bad network or server would."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

import aiohttp
from aiohttp import web
from yarl import URL

from devmesh.errors import MeshError
from devmesh.http.problem import render
from devmesh.sessions.model import TokenExpired

# The connection's own, which end at each hop (RFC 9110, section 7.6.1).
_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})
_ISSUING = ("/api/v1/auth/login", "/api/v1/auth/refresh")


class Proxy:
    """Between `open` and `close`: passes requests on, unless one of `faults` or `expired` meets them.

    `counts` are the requests by method and path; `issued` the access tokens that have passed.
    """

    def __init__(self) -> None:
        self.counts: Counter[tuple[str, str]] = Counter()
        self.faults: list[Mapping[str, Any]] = []
        self.issued: set[str] = set()
        self.expired: set[str] = set()
        self._upstream = ""

    async def open(self, upstream: str) -> str:
        """Listen, and return where."""
        self._upstream = upstream
        self._session = aiohttp.ClientSession(
            auto_decompress=False, connector=aiohttp.TCPConnector(limit=0, force_close=True)
        )
        app = web.Application(client_max_size=1 << 24)
        app.router.add_route("*", "/{rest:.*}", self._handle)
        self._runner = web.AppRunner(app, handler_cancellation=True, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024).start()
        return f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()
        await self._session.close()

    def reset(self) -> None:
        """Count from zero, and fail no more."""
        self.counts.clear()
        self.faults.clear()
        self.expired.clear()

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        self.counts[request.method, request.path] += 1
        fault = self._fault(request.path)
        if fault is not None:
            return await self._fail(request, fault)
        if request.headers.get("Authorization", "").removeprefix("Bearer ") in self.expired:
            return _problem(TokenExpired(), request.path)
        try:
            return await self._pass_on(request)
        except aiohttp.ClientError:
            return _cut_off(request)

    def _fault(self, path: str) -> Mapping[str, Any] | None:
        for fault in self.faults:
            if fault.get("path", path) == path:
                self.faults.remove(fault)
                return fault
        return None

    async def _fail(self, request: web.Request, fault: Mapping[str, Any]) -> web.StreamResponse:
        how = fault["how"]
        if how == "status":
            return _problem(_error(fault), request.path)
        if how == "html":
            page = "<!doctype html><title>Sign in to the network</title>"
            return web.Response(status=fault.get("status", 200), text=page, content_type="text/html")
        if how == "hang":
            await asyncio.sleep(3600)
        if how == "drop":
            await self._pass_on(request)
        if how == "cut":
            reply = web.StreamResponse(headers={"Content-Type": "application/json", "Content-Length": "1000"})
            await reply.prepare(request)
            await reply.write(b'{"email": "ada@')
        return _cut_off(request)

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        url = URL(self._upstream + request.raw_path, encoded=True)
        async with self._session.request(
            request.method, url, headers=headers, data=await request.read(), allow_redirects=False
        ) as reply:
            kept = [(name, value) for name, value in reply.headers.items() if name.lower() not in _HOP_BY_HOP]
            body = await reply.read()
        if request.path in _ISSUING and reply.status == web.HTTPOk.status_code:
            self.issued.add(json.loads(body).get("access_token", ""))
        return web.Response(status=reply.status, headers=kept, body=body)


def _error(fault: Mapping[str, Any]) -> MeshError:
    kind = type("Fault", (MeshError,), {"status": fault["status"]})
    return kind("The proxy was told to answer so.", code=fault["code"], retry_after=fault.get("retry_after"))


def _problem(error: MeshError, path: str) -> web.Response:
    rendered = render(error, path=path, request_id="0192f000000000000000000000")
    headers = [(name.decode(), value.decode()) for name, value in rendered.headers if name != b"content-length"]
    return web.Response(status=rendered.status, headers=headers, body=rendered.body)


def _cut_off(request: web.Request) -> web.Response:
    """Close the connection under the reply."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
