"""A served endpoint, a key for it, and a client that sends exactly the bytes it is given."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


@pytest.fixture(scope="session")
def mesh_url(mesh):
    return mesh.url


@pytest.fixture(scope="session")
async def api_key(mesh):
    organization = await mesh.organization()
    return await organization.new_key(key_type="agent", scopes=["read", "write"])


@pytest.fixture(scope="session")
async def spent_key(mesh):
    """Return a key whose rate limit is used up for the day."""
    organization = await mesh.organization()
    key = await organization.new_key(key_type="agent", rate_limit=1, rate_window=86400)
    await organization.call("mesh.list_services", key=key)
    return key


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        return msgspec.json.decode(self.body)

    @property
    def code(self) -> int:
        return int(self.json()["error"]["code"])


class Asker:
    """Posts to /mcp over a plain socket: no header is added, joined, trimmed or reordered on the way."""

    def __init__(self, url: str, key: str) -> None:
        self._netloc = urlsplit(url).netloc
        self._key = key

    async def __call__(
        self,
        body: Any = b"",
        headers: Mapping[str, str] | None = None,
        *,
        method: str = "POST",
        key: str | None = None,
    ) -> Answer:
        """Send the body (bytes as they are, anything else as JSON) with the key, a Host and JSON's content type."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        sent = {
            "Host": self._netloc,
            "Authorization": f"Bearer {self._key if key is None else key}",
            "Content-Type": "application/json",
            "Content-Length": str(len(content)),
            "Connection": "close",
            **(headers or {}),
        }
        head = "".join(f"{name}: {value}\r\n" for name, value in sent.items() if value)
        host, _, port = self._netloc.partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"{method} /mcp HTTP/1.1\r\n{head}\r\n".encode("latin-1") + content)
        raw = await asyncio.wait_for(reader.read(), 60)
        writer.close()
        top, _, payload = raw.partition(b"\r\n\r\n")
        first, *lines = top.decode("latin-1").split("\r\n")
        found = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Answer(int(first.split()[1]), found, payload)

    async def modern(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Answer:
        """Send a request of 2026-07-28 with complete `_meta` and headers; `headers` replace, `""` leaves one out."""
        given = {"_meta": META, **(params or {})}
        mirrored = {"MCP-Protocol-Version": MODERN, "Mcp-Method": method}
        if isinstance(given.get("name"), str):
            mirrored["Mcp-Name"] = given["name"]
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": given}
        return await self(message, {**mirrored, **(headers or {})}, **options)

    async def legacy(
        self, method: str, params: Mapping[str, Any] | None = None, version: str = "2025-11-25", **options: Any
    ) -> Answer:
        """Send a request of the era with a handshake, without any handshake."""
        message = {"jsonrpc": "2.0", "id": 7, "method": method, "params": dict(params or {})}
        return await self(message, {"MCP-Protocol-Version": version}, **options)


@pytest.fixture
def ask(mesh_url: str, api_key: str) -> Asker:
    return Asker(mesh_url, api_key)
