"""Services on loopback that say byte for byte what a test wants, and keep what they were sent."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

import pytest

from devmesh.settings import AllowEntry
from devmesh.upstream.send import Sender


@dataclass
class Received:
    line: str
    headers: dict[str, str]
    body: bytes


Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Service:
    host: str
    port: int = 0
    scheme: str = "http"
    received: list[Received] = field(default_factory=list)
    connections: int = 0

    @property
    def url(self) -> str:
        return f"{self.scheme}://{f'[{self.host}]' if ':' in self.host else self.host}:{self.port}"


class Loopback:
    """Starts services; each gives one answer to everything, or several in turn and then the last."""

    def __init__(self) -> None:
        self._servers: list[asyncio.Server] = []
        self._talks: set[asyncio.Task[None]] = set()

    @staticmethod
    def http(status: str = "200 OK", body: bytes = b"{}", **headers: str) -> Answer:
        """Return an answer of this status and body; header names have `_` for `-`."""
        lines = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        return Loopback.raw(f"HTTP/1.1 {status}\r\n{lines}content-length: {len(body)}\r\n\r\n".encode() + body)

    @staticmethod
    def raw(*pieces: bytes, pause: float = 0.02) -> Answer:
        """Return an answer of these bytes, with a pause between the pieces."""

        async def answer(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for number, piece in enumerate(pieces):
                if number:
                    await asyncio.sleep(pause)
                writer.write(piece)
                await writer.drain()

        return answer

    @staticmethod
    def broken(*pieces: bytes) -> Answer:
        """Return an answer of these bytes after which the connection ends."""

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await Loopback.raw(*pieces)(reader, writer)
            writer.close()

        return answer

    async def serve(
        self, *answers: Answer, host: str = "127.0.0.1", port: int = 0, tls: ssl.SSLContext | None = None
    ) -> Service:
        turns = list(answers or [self.http()])
        service = Service(host, scheme="https" if tls else "http")

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            service.connections += 1
            try:
                while not writer.is_closing():
                    service.received.append(await _received(reader))
                    await (turns.pop(0) if len(turns) > 1 else turns[0])(reader, writer)
            except (OSError, asyncio.IncompleteReadError):
                pass
            finally:
                writer.close()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self._talks.add(asyncio.create_task(talk(reader, writer)))

        server = await asyncio.start_server(accept, host, port, ssl=tls)
        self._servers.append(server)
        service.port = server.sockets[0].getsockname()[1]
        return service

    async def close(self) -> None:
        for server in self._servers:
            server.close()
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


async def _received(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = [line.split(": ", 1) for line in head[1:-2]]
    headers = {name.lower(): value for name, value in pairs}
    assert len(headers) == len(pairs), "no header is sent twice"
    return Received(head[0], headers, await reader.readexactly(int(headers.get("content-length", 0))))


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    services = Loopback()
    yield services
    await services.close()


@pytest.fixture
async def sender() -> AsyncIterator[Callable[..., Sender]]:
    """Make senders to which the given services are opened."""
    made: list[Sender] = []

    def make(*services: Service, allow: tuple[AllowEntry, ...] = (), **options: object) -> Sender:
        entries = tuple(AllowEntry(None, service.host, service.port, None) for service in services)
        made.append(Sender((*entries, *allow), **options))
        return made[-1]

    yield make
    for one in made:
        await one.close()
