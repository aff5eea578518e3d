"""A server of the tests' own, and raw words with it."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from devmesh.http.server.bounds import Bounds
from devmesh.http.server.listening import Server


class Said(msgspec.Struct):
    """One reply as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Talk:
    """A client's connection that sends exactly the bytes it is told to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    async def say(self, raw: bytes) -> None:
        self.writer.write(raw)
        await self.writer.drain()

    async def hear(self, *, bare: bool = False) -> Said:
        """Read one reply; a `bare` one has no body whatever its head says."""
        async with asyncio.timeout(30):
            head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = dict(line.split(": ", 1) for line in lines)
            status = int(first.split(" ")[1])
            return Said(status, headers, b"" if bare or status < 200 or status == 204 else await self._body(headers))

    async def _body(self, headers: dict[str, str]) -> bytes:
        if "transfer-encoding" in headers:
            pieces = []
            while size := int(await self.reader.readline(), 16):
                pieces.append(await self.reader.readexactly(size))
                assert await self.reader.readexactly(2) == b"\r\n"
            assert await self.reader.readexactly(2) == b"\r\n"
            return b"".join(pieces)
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return await self.reader.read()

    async def is_ended(self) -> bool:
        """Whether nothing more comes, and the server's side is closed."""
        async with asyncio.timeout(30):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    async def is_ended_already(self) -> bool:
        """Whether the connection ends before another byte comes."""
        async with asyncio.timeout(30):
            while not self.reader._buffer and not self.reader.at_eof():
                await self.reader._wait_for_data("is_ended_already")
            return self.reader.at_eof()

    async def pour(self, piece: bytes, times: int = 1000, *, pause: float = 0) -> None:
        """Say the same many times over."""
        for _ in range(times):
            await self.say(piece)
            await asyncio.sleep(pause)

    async def leave(self) -> None:
        self.writer.close()
        with contextlib.suppress(ConnectionError):
            await self.writer.wait_closed()


class Served:
    """An application on a real server; each call of `talk` is a connection."""

    def __init__(self, server: Server, port: int) -> None:
        self.server = server
        self.port = port

    @contextlib.asynccontextmanager
    async def talk(self, raw: bytes = b"") -> AsyncIterator[Talk]:
        talk = Talk(*await asyncio.open_connection("127.0.0.1", self.port))
        try:
            await talk.say(raw)
            yield talk
        finally:
            await talk.leave()

    async def ask(self, raw: bytes) -> list[Said]:
        """Say one thing on a new connection, and return every reply until it ends."""
        async with self.talk(raw) as talk:
            replies = []
            while not await talk.is_ended_already():
                replies.append(await talk.hear())
            return replies


@contextlib.asynccontextmanager
async def serving(app: Any, *, tls: Any = None, **bounds: Any) -> AsyncIterator[Served]:
    """Serve `app`; what the client may take is bounded by `bounds`, looked at often."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(app, bounds=Bounds(**{"sweep": 0.02, **bounds}), tls=tls)
    await server.open(listener)
    try:
        yield Served(server, listener.getsockname()[1])
    finally:
        await server.close(0.1)


async def until(true: Any) -> None:
    """Return as soon as `true()` holds."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what it asks may be anything
            await asyncio.sleep(0.01)


async def body_of(receive: Any) -> bytes:
    """Return the whole body; raise EOFError if the client leaves before its end."""
    body = b""
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise EOFError
        body += message["body"]
        if not message["more_body"]:
            return body


async def reply(send: Any, body: bytes, status: int = 200, headers: Any = ()) -> None:
    """Send a whole reply."""
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Tell what the request was."""
    body = await body_of(receive)
    told = {
        "method": scope["method"],
        "scheme": scope["scheme"],
        "version": scope["http_version"],
        "path": scope["path"],
        "raw_path": scope["raw_path"].decode(),
        "query": scope["query_string"].decode(),
        "headers": [[name.decode("latin-1"), value.decode("latin-1")] for name, value in scope["headers"]],
        "body": body.decode("latin-1"),
    }
    await reply(send, msgspec.json.encode(told), headers=[(b"content-type", b"application/json")])
