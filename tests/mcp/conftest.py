"""A served endpoint, a key for it, and a client that sends exactly the bytes it is given."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import msgspec
import pytest
from granian.constants import Interfaces
from granian.server.embed import Server

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.errors import InvalidKey, RateLimited, Unauthenticated
from devmesh.gateway.model import ListedTool, Listing, ToolResult, UnknownTool
from devmesh.gateway.passed import passed_through
from devmesh.http.edge import Edge
from devmesh.mcp.endpoint import Endpoint
from devmesh.settings import Settings

KEY = "agt_" + "k" * 43
SPENT = "agt_" + "s" * 43
MODERN = "2026-07-28"
META = {
    "io.modelcontextprotocol/protocolVersion": MODERN,
    "io.modelcontextprotocol/clientCapabilities": {},
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
}


class StandIn:
    """Authenticator, limits and gateway in one, until the real ones are served."""

    async def authenticate(self, headers: Any, _address: str, request_id: str) -> Caller:
        secret = dict(headers).get(b"authorization", b"").removeprefix(b"Bearer ").decode()
        if not secret:
            raise Unauthenticated
        if secret not in (KEY, SPENT):
            raise InvalidKey
        uid = UUID(int=1 if secret == KEY else 2)
        person = Person("ada@example.com", "Ada", "Main", "main")
        rights = Rights(["read", "write"], "member", "agent")
        return Caller(uid, "acme", uid, uid, Role.MEMBER, rights, person, Allowance(1, 60), request_id=request_id)

    def spend(self, caller: Caller) -> None:
        if caller.user_id.int == 2:
            raise RateLimited(retry_after=12.2)

    def headers(self, caller: Caller) -> list[tuple[bytes, bytes]]:
        return [(b"x-ratelimit-limit", b"%d" % caller.user_id.int)]

    async def call(self, caller: Caller, name: str, arguments: Mapping[str, Any], passed: Any) -> ToolResult:
        if name.replace("_", ".", 1) not in ("mesh.list.services", "mesh.list_services"):
            raise UnknownTool(name, ("mesh.list_services",))
        if caller.user_id.int == 2:
            meta = {"code": "rate_limit_exceeded", "retry_after": 13}
            return ToolResult("Rate Limit Exceeded\nWait.", None, is_error=True, meta=meta)
        if arguments or passed:
            text = f"Validation Failed\n{sorted(arguments)}"
            return ToolResult(text, None, is_error=True, meta={"code": "validation_failed"})
        return ToolResult('{"services":[]}', msgspec.Raw(b'{"services":[]}'), meta={"request_id": caller.request_id})

    async def listing(self, _caller: Caller) -> Listing:
        schema = msgspec.Raw(b'{"type":"object","properties":{},"additionalProperties":false}')
        names = ("mesh.list_services", "mesh_list_services", "Services", "List.")
        tool = ListedTool(*names, schema, read_only=True, destructive=False, idempotent=True)
        return Listing((tool,), "1")


@pytest.fixture(scope="session")
async def mesh_url() -> AsyncIterator[str]:
    stand_in = StandIn()
    endpoint = Endpoint(stand_in, stand_in, stand_in, passed_through)
    edge = Edge(endpoint, Settings.load({"DEVMESH_DATA_DIR": "/nonexistent"}))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = Server(edge, "127.0.0.1", port, interface=Interfaces.ASGINL, log_enabled=False)
    serving = asyncio.create_task(server.serve())
    await reachable(port)
    yield f"http://127.0.0.1:{port}"
    server.stop()
    await serving


@pytest.fixture(scope="session")
def api_key() -> str:
    return KEY


@pytest.fixture(scope="session")
def spent_key() -> str:
    """Return a key whose rate limit is used up."""
    return SPENT


async def reachable(port: int) -> None:
    for _ in range(100):
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"nothing listens on port {port}")


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
        raw = await asyncio.wait_for(reader.read(), 10)
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
