"""What stands between the gateway and PostgreSQL: a wire that can be cut at the worst moment."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_FAREWELL = b"SFATAL\0VFATAL\0C57P02\0Mterminating connection because of crash of another server process\0\0"


class Wire:
    """A socket that passes everything on to the server's, until one of its faults is asked for."""

    def __init__(self, connect: Mapping[str, Any], directory: Path) -> None:
        self.connect = {**connect, "host": str(directory)}
        self.lose_answer_to: bytes | None = None  # of the next message from a client that holds it
        self.lost = 0
        self._name = f".s.PGSQL.{connect['port']}"
        self._target = f"{connect['host']}/{self._name}"
        self._clients: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self):
        self._server = await asyncio.start_unix_server(self._pass, f"{self.connect['host']}/{self._name}")
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for client in list(self._clients):
            client.close()
        await asyncio.sleep(0.05)

    def say_farewell(self) -> None:
        """Have the server say that it ends, on every connection, and not end it yet."""
        for client in self._clients:
            client.write(b"E" + struct.pack("!i", len(_FAREWELL) + 4) + _FAREWELL)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        from_server, to_server = await asyncio.open_unix_connection(self._target)
        back = asyncio.create_task(self._pass_back(from_server, writer))
        try:
            while sent := await reader.read(65_536):
                if self.lose_answer_to is None or self.lose_answer_to not in sent:
                    to_server.write(sent)
                    continue
                self.lose_answer_to = None
                self.lost += 1
                await _end(back)
                to_server.write(sent)
                # The answer: what was asked for has been done.
                await from_server.read(65_536)
                break
        except ConnectionError:
            pass
        finally:
            await _end(back)
            self._clients.discard(writer)
            to_server.close()
            writer.close()

    async def _pass_back(self, from_server: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while answer := await from_server.read(65_536):
                writer.write(answer)
        writer.close()


async def _end(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait({task})
