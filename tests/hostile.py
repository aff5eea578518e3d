"""A server that is none of ours: answers every connection with the same bytes, and then ends it or falls silent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from types import TracebackType
from typing import Self


class Hostile:
    """`async with Hostile(reply) as server`: `reply` makes the answer from the whole request.

    With `silent` the connection stays open after the answer; with `drip` the answer comes byte by byte, seconds apart.
    """

    def __init__(self, reply: Callable[[bytes], bytes], *, silent: bool = False, drip: float = 0) -> None:
        self._reply = reply
        self._silent = silent
        self._drip = drip
        self.requests: list[bytes] = []
        self.url = ""

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(head)
            answer = self._reply(head)
            for at in range(0, len(answer), 1 if self._drip else max(len(answer), 1)):
                writer.write(answer[at : at + 1] if self._drip else answer)
                await writer.drain()
                await asyncio.sleep(self._drip)
            if self._silent:
                await reader.read()
        except (ConnectionError, asyncio.IncompleteReadError):
            return
        finally:
            writer.close()


def reply(status: str, body: bytes, kind: str = "application/json", **headers: str) -> bytes:
    """Return a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", "Connection: close"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body
