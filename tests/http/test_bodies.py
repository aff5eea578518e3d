"""A body that does not come to its end holds memory: of each tenant's so much, and no more."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from devmesh.errors import BadRequest, RateLimited
from devmesh.http.bodies import BODIES, Bodies

KIBIBYTE = 1024


def coming(*pieces: bytes, ends: str = "http.request"):
    """Return what receives these pieces; then the body has ended, or the client has gone."""
    left = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]

    async def receive():
        return left.pop(0) if left else {"type": ends, "body": b"", "more_body": False}

    return receive


async def never():
    await asyncio.Event().wait()


async def test_a_body_is_whole_and_no_longer_counted():
    bodies = Bodies(most=6)
    for _ in range(3):
        assert await bodies.whole(coming(b"abc", b"def"), "acme") == b"abcdef"
    assert not bodies._held


async def test_more_than_may_be_held_is_refused_and_no_longer_counted():
    bodies = Bodies(most=6)
    with pytest.raises(RateLimited) as refusal:
        await bodies.whole(coming(b"abc", b"defg"), "acme")
    assert refusal.value.retry_after == 1
    assert not bodies._held


async def test_a_client_that_leaves_is_no_longer_counted():
    bodies = Bodies()
    with pytest.raises(BadRequest):
        await bodies.whole(coming(b"abc", ends="http.disconnect"), "acme")
    assert not bodies._held


async def test_a_request_that_is_cancelled_is_no_longer_counted():
    bodies = Bodies()

    async def receive():
        return await (pieces.pop() if pieces else never)()

    pieces = [coming(b"abc")]
    task = asyncio.create_task(bodies.whole(receive, "acme"))
    await asyncio.sleep(0)
    assert bodies._held["acme"] == 3
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert not bodies._held


@contextlib.asynccontextmanager
async def half_sent(mesh, path: str, key: str | None) -> AsyncIterator[asyncio.StreamReader]:
    """Send half of a body of 200 KiB, and no more."""
    place = urlsplit(mesh.url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\n{credential}Content-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {200 * KIBIBYTE}\r\n\r\n".encode() + b" " * 100 * KIBIBYTE)
    try:
        yield reader
    finally:
        writer.close()


async def held(whose_many: int) -> None:
    """Wait until that many bytes are held."""
    async with asyncio.timeout(30):
        while BODIES._held.total() != whose_many:  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("path", ["/mcp", "/api/v1/contexts"])
async def test_one_tenants_unfinished_bodies_are_bounded_and_another_tenants_are_not(mesh, monkeypatch, path):
    monkeypatch.setattr(BODIES, "_most", 250 * KIBIBYTE)
    ours, theirs = await mesh.organization(), await mesh.organization()
    weak = await ours.new_key(key_type="agent", scopes=["read"])
    async with half_sent(mesh, path, ours.key), half_sent(mesh, path, weak):
        await held(200 * KIBIBYTE)
        async with half_sent(mesh, path, ours.key) as third:
            assert b" 429 " in await asyncio.wait_for(third.readline(), 30)
        async with half_sent(mesh, path, theirs.key):
            await held(300 * KIBIBYTE)
        assert (await ours.ask("POST", path, {"jsonrpc": "2.0", "id": 1, "method": "ping"}))[0] in (200, 201)
    await held(0)


async def test_unfinished_bodies_of_whoever_is_unknown_count_for_their_address(mesh, monkeypatch):
    monkeypatch.setattr(BODIES, "_most", 150 * KIBIBYTE)
    async with half_sent(mesh, "/api/v1/auth/login", None):
        await held(100 * KIBIBYTE)
        async with half_sent(mesh, "/api/v1/auth/login", None) as second:
            assert b" 429 " in await asyncio.wait_for(second.readline(), 30)
    await held(0)
