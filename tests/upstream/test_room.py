"""Long answers take of their organization's room until nobody holds them; short ones take nothing."""

from __future__ import annotations

import asyncio
import gzip

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.gateway.rests import MOST_BYTES
from devmesh.upstream import room as module
from devmesh.upstream.errors import ResponseTooLarge
from devmesh.upstream.masking import masked
from devmesh.upstream.model import Reply, Request, get
from devmesh.upstream.send import Sender

MIB = 1024 * 1024
SECRET = b"a-secret-of-somebody"


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_UNITS", 3)


async def ask(sender: Sender, service, organization: str = "acme", request: Request | None = None) -> Reply:
    return await sender.send(request or get("/"), base_url=service.url, organization=organization)


@pytest.mark.parametrize("packed", [False, True])
async def test_what_is_held_is_given_back_with_the_answer(loopback, sender, packed):
    body = SECRET + b"x" * (2 * MIB)
    answer = loopback.http(body=gzip.compress(body), content_encoding="gzip") if packed else loopback.http(body=body)
    service = await loopback.serve(answer)
    gateway = sender(service)
    held = await ask(gateway, service)
    for _ in range(3):
        with pytest.raises(ResponseTooLarge, match="as much of long answers") as caught:
            await ask(gateway, service)
        assert caught.value.retry_after == 1.0
    assert len((await ask(gateway, service, "other")).body) == len(body)
    # What is made of it is as long, and takes as much.
    held = masked(held, [SECRET.decode()])
    assert held.body.startswith(b"[secret removed]")
    with pytest.raises(ResponseTooLarge):
        await ask(gateway, service)
    del held
    assert len((await ask(gateway, service)).body) == len(body)


async def test_short_answers_take_nothing_and_the_longest_is_taken(loopback, sender, monkeypatch):
    monkeypatch.setattr(module, "MOST_UNITS", 7)
    service = await loopback.serve(loopback.http(body=b"x" * MOST_BYTES), loopback.http(body=b"y" * MIB))
    gateway = sender(service)
    held = [await ask(gateway, service) for _ in range(20)]
    assert [len(one.body) for one in held] == [MOST_BYTES] + [MIB] * 19


async def test_an_answer_that_breaks_off_or_that_nobody_waits_for_gives_it_back(loopback, sender):
    head = f"HTTP/1.1 200 OK\r\ncontent-length: {3 * MIB}\r\n\r\n".encode()
    begun = asyncio.Event()

    async def begin(_reader, writer):
        writer.write(head + b"x" * (2 * MIB + MIB // 2))
        await writer.drain()
        begun.set()

    service = await loopback.serve(
        loopback.broken(head + b"x" * (2 * MIB)), begin, loopback.http(body=b"x" * (3 * MIB))
    )
    gateway = sender(service)
    with pytest.raises(Exception, match="before its answer was whole"):
        await ask(gateway, service)
    waiting = asyncio.create_task(ask(gateway, service))
    await begun.wait()
    waiting.cancel()
    await asyncio.wait([waiting])
    for _ in range(3):
        assert len((await ask(gateway, service)).body) == 3 * MIB


async def test_a_write_without_room_is_said_to_have_been_answered(loopback, sender):
    service = await loopback.serve(loopback.http(body=b"x" * (5 * MIB)))
    with pytest.raises(ResponseTooLarge) as caught:
        await ask(sender(service), service, request=Request(method="POST", path="/", json={}))
    assert "Do not repeat a write" in caught.value.hint


@pytest.mark.parametrize(
    ("service", "body"),
    [
        ("github", b'{"temp_clone_token": "abc"}'),
        ("gitlab", b'{"runners_token": "abc"}'),
    ],
)
async def test_what_a_service_translates_keeps_what_it_holds(service: str, body: bytes):
    held = module.Held(module.Room())
    reply = Reply(200, {"content-type": "application/json"}, body, "h", held)
    translated = CONNECTORS[service].translate(get("/"), reply)
    assert translated.body != body
    assert translated.held is held
