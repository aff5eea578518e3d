"""The metrics on an address of their own (`DEVMESH_METRICS_ADDR`), for a scraper on a private network."""

from __future__ import annotations

import asyncio
import contextlib

from devmesh.metrics.registry import CONTENT_TYPE, exposition

_READ_SECONDS = 5


class Listener:
    """Answers every GET with this process's metrics; of several workers each takes the next free port."""

    def __init__(self, host: str, port: int, workers: int) -> None:
        self._host = host
        self._ports = range(port, port + workers)
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        """Listen on the first free port of the workers' own; raise OSError if there is none."""
        for port in self._ports:
            try:
                self._server = await asyncio.start_server(self._answer, self._host, port, reuse_port=False)
            except OSError:
                if port == self._ports[-1]:
                    raise
            else:
                self.port = port
                return

    async def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            async with asyncio.timeout(_READ_SECONDS):
                request = await reader.readuntil(b"\r\n\r\n")
                found = request.startswith((b"GET /metrics ", b"HEAD /metrics "))
                body = exposition().encode() if found else b""
                status = "200 OK" if found else "404 Not Found"
                head = f"HTTP/1.1 {status}\r\ncontent-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\n"
                writer.write(f"{head}connection: close\r\n\r\n".encode() + (b"" if request[:4] == b"HEAD" else body))
                await writer.drain()
        writer.close()
