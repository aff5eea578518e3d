"""The servers that the gateway is measured with: `python bench/servers.py upstream|proxy|least PORT [UPSTREAM]`.

All are raw ASGI on Granian, a server that is not our own. `upstream` stands for GitHub, `proxy` forwards to it and
checks nothing, `least` gives the smallest reply there can be.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import aiohttp
import msgspec
from granian.constants import HTTPModes, Interfaces
from granian.server.embed import Server

from issue import HEADERS, ISSUE

Scope = MutableMapping[str, Any]
Asgi = Callable[[Scope, Any, Any], Awaitable[None]]

_HOP = frozenset((b"connection", b"host", b"keep-alive", b"te", b"trailer", b"transfer-encoding", b"upgrade"))


async def body_of(receive: Any) -> bytes:
    """Return the request's whole body."""
    body = b""
    while True:
        event = await receive()
        body += event.get("body", b"")
        if not event.get("more_body"):
            return body


async def reply(send: Any, status: int, headers: list[tuple[bytes, bytes]], body: bytes) -> None:
    """Send a whole reply."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def upstream() -> Asgi:
    """Return the stand-in for GitHub: one issue, whatever is asked for."""
    body = msgspec.json.encode(ISSUE)
    headers = [*HEADERS, (b"content-length", b"%d" % len(body))]

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        if scope["method"] == "POST":
            await body_of(receive)
            await reply(send, 201, headers, body)
        else:
            await reply(send, 200, headers, body)

    return app


def least() -> Asgi:
    """Return the smallest raw ASGI application that replies."""

    async def app(_scope: Scope, _receive: Any, send: Any) -> None:
        await reply(send, 200, [(b"content-length", b"2")], b"ok")

    return app


def proxy(upstream_port: int) -> Asgi:
    """Return the do-nothing reverse proxy; call it where an event loop runs."""
    session = aiohttp.ClientSession(
        f"http://127.0.0.1:{upstream_port}",
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
    )

    async def app(scope: Scope, receive: Any, send: Any) -> None:
        body = await body_of(receive) if scope["method"] == "POST" else None
        headers = [(name.decode(), value.decode()) for name, value in scope["headers"] if name not in _HOP]
        async with session.request(scope["method"], scope["path"], headers=headers, data=body) as answer:
            content = await answer.read()
        kept = [(name.lower(), value) for name, value in answer.raw_headers if name.lower() not in _HOP]
        await reply(send, answer.status, kept, content)

    return app


async def serve(app: Asgi, port: int) -> None:
    """Serve until SIGTERM."""
    server = Server(
        app, "127.0.0.1", port, interface=Interfaces.ASGINL, http=HTTPModes.http1, websockets=False, log_enabled=False
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


async def main(kind: str, port: int, *more: int) -> None:
    """Serve one of the three."""
    await serve({"upstream": upstream, "proxy": proxy, "least": least}[kind](*more), port)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], *map(int, sys.argv[2:])))
    # Granian's threads do not survive the interpreter's own end in silence.
    os._exit(0)
