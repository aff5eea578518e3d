"""A small application behind the edge, in this process and on a real server."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import msgspec
import pytest

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.http.application import litestar
from devmesh.http.body import Body
from devmesh.http.edge import Edge
from devmesh.http.routing import Cursor, Limit, Request, Response, cursor_of, delete, get, position_of, post
from devmesh.settings import Settings
from http_talk import serving


class Names:
    """A service."""

    def of(self, caller: Caller) -> str:
        return caller.person.name


class Thing(msgspec.Struct):
    id: UUID
    name: str


class NewThing(Body):
    name: str
    count: int = 1


class Note(Body):
    text: str | None = None


class Seen(msgspec.Struct):
    address: str
    name: str | None
    limit: int
    tags: list[str]
    position: int | None


@get("/who", scope="profile:read")
async def who(caller: Caller, names: Names) -> Thing:
    """Say who calls."""
    return Thing(caller.user_id, names.of(caller))


@get("/maybe", scope=None)
async def maybe(caller: Caller | None) -> Note:
    return Note(text=None if caller is None else caller.person.name)


@post(["/things", "/also/things"], scope="things:write", status=201)
async def create(data: NewThing) -> Response[Thing]:
    return Response(Thing(UUID(int=data.count), data.name), headers={"etag": '"1"'})


@post("/notes", scope=None)
async def write_note(data: Note) -> Note:
    return data


@get("/things/{thing_id:uuid}", scope=None)
async def show(
    thing_id: UUID, request: Request, limit: Limit = 50, cursor: Cursor = None, tag: list[str] | None = None
) -> Seen:
    assert isinstance(thing_id, UUID)
    return Seen(request.address, request.header("x-name"), limit, tag or [], position_of(cursor, int))


@delete("/things/{thing_id:uuid}", scope=None, status=204)
async def remove(thing_id: UUID) -> None:
    assert thing_id


@get("/next", scope=None)
async def following() -> Note:
    return Note(text=cursor_of(7))


@get("/broken", scope=None)
async def broken() -> Note:
    raise RuntimeError("CANARY: the cause")


ROUTES = [who, maybe, create, write_note, show, remove, following, broken]
CALLER = Caller(
    organization_id=uuid4(),
    organization_slug="acme",
    tenant_id=uuid4(),
    user_id=uuid4(),
    role=Role.OWNER,
    rights=Rights(["admin"], "owner"),
    person=Person("ada@example.com", "Ada", "t", "t"),
    allowance=Allowance(100, 60),
)


async def application(scope: Any, receive: Any, send: Any) -> None:
    """The routes; `x-test-caller` stands for a credential, `/swallow` reads any body, `/deaf` reads none."""
    if scope["path"] in ("/deaf", "/swallow"):
        size = 0
        while scope["path"] == "/swallow":
            message = await receive()
            size += len(message.get("body", b""))
            if not message.get("more_body"):
                break
        body = str(size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})
        return
    if scope["type"] == "http" and b"x-test-caller" in scope["state"]["headers"]:
        scope["state"]["caller"] = CALLER
        scope["state"]["reply_headers"].append((b"x-ratelimit-limit", b"100"))
    await APP(scope, receive, send)


APP = litestar(ROUTES, {"names": Names()})
SETTINGS = Settings(
    data_dir=Path("/nowhere"),
    public_url="https://mesh.example.com",
    allowed_hosts=("also.example.com", "port.example.com:8443"),
    allowed_origins=("https://app.example.com",),
    trusted_proxies=(ipaddress.ip_network("127.0.0.1/32"), ipaddress.ip_network("10.0.0.0/8")),
)


class Reply(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Wire:
    """A client that sends exactly the bytes it is told to."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def ask(self, raw: bytes, *, host: str = "localhost") -> Reply:
        """Send a request's head (its first line and headers) and body as one piece and read one reply."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        first, _, rest = raw.partition(b"\r\n")
        named = b"" if b"\r\nhost:" in raw.lower() else f"Host: {host}\r\n".encode()
        writer.write(first + b"\r\n" + named + b"Connection: close\r\n" + rest)
        try:
            return await self.read(reader)
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()

    @staticmethod
    async def read(reader: asyncio.StreamReader) -> Reply:
        async with asyncio.timeout(20):
            whole = await reader.read()
        head, _, body = whole.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = [line.split(": ", 1) for line in lines]
        assert len(pairs) == len({name for name, _ in pairs} | {"date"}), pairs
        return Reply(int(first.split(" ")[1]), dict(pairs), body)


@pytest.fixture(scope="session")
def edge() -> Edge:
    """The small application behind the edge."""
    return Edge(application, SETTINGS, limits={"/swallow": 4 * 1024 * 1024})


@pytest.fixture(scope="session")
async def wire(edge: Edge) -> AsyncIterator[Wire]:
    """The same on a real server."""
    async with serving(edge, sweep=1.0) as served:
        yield Wire(served.port)
