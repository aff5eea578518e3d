"""Bodies too large or unread, on a real server: the reply always arrives."""

from __future__ import annotations

import asyncio

import pytest

from devmesh.errors import TooLarge
from devmesh.http.intake import Intake

MIB = 1024 * 1024


def head(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([line + b" HTTP/1.1", *headers, b"", b""])


async def test_a_body_over_the_limit_is_413(wire):
    body = b'{"text": "' + b"x" * MIB + b'"}'
    raw = head(b"POST /api/v1/notes", b"Content-Type: application/json", b"Content-Length: %d" % len(body)) + body
    reply = await wire.ask(raw)
    assert reply.status == 413
    assert reply.json["limit"] == MIB


async def test_a_body_at_the_limit_is_taken(wire):
    body = b'{"text": "' + b"x" * (MIB - 12) + b'"}'
    assert len(body) == MIB
    raw = head(b"POST /api/v1/notes", b"Content-Type: application/json", b"Content-Length: %d" % MIB) + body
    assert (await wire.ask(raw)).status == 200


async def test_a_prefix_may_have_a_limit_of_its_own(wire):
    body = b"x" * (3 * MIB)
    reply = await wire.ask(head(b"POST /swallow", b"Content-Length: %d" % len(body)) + body)
    assert (reply.status, reply.body) == (200, b"3145728")


async def slow(wire, raw: bytes, size: int, *, chunked: bool = False):
    """Send all of a body in pieces, blind to any reply, then read: what a simple client does."""
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(raw.replace(b"\r\n", b"\r\nHost: localhost\r\nConnection: close\r\n", 1))
    piece = b"x" * 65_536
    for _ in range(size // len(piece)):
        writer.write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
        await writer.drain()
    if chunked:
        writer.write(b"0\r\n\r\n")
        await writer.drain()
    reply = await wire.read(reader)
    writer.close()
    return reply


async def test_the_413_reaches_a_client_that_sends_all_before_it_reads(wire):
    size = 12 * MIB
    reply = await slow(wire, head(b"POST /api/v1/notes", b"Content-Length: %d" % size), size)
    assert reply.status == 413
    assert reply.json["code"] == "body_too_large"


async def test_the_413_reaches_a_client_that_sends_in_chunks(wire):
    reply = await slow(wire, head(b"POST /api/v1/notes", b"Transfer-Encoding: chunked"), 8 * MIB, chunked=True)
    assert reply.status == 413


@pytest.mark.parametrize(
    ("line", "status"),
    [(b"POST /api/v1/who", 405), (b"POST /nothing", 404), (b"POST /deaf", 200), (b"POST /?token=1", 400)],
)
async def test_a_reply_that_needs_no_body_reaches_a_client_that_is_sending_one(wire, line, status):
    size = MIB - 65_536
    reply = await slow(wire, head(line, b"Content-Length: %d" % size), size)
    assert reply.status == status


async def pour(writer: asyncio.StreamWriter) -> None:
    async with asyncio.timeout(20):
        for _ in range(64 * MIB // 65_536):
            writer.write(b"10000\r\n" + b"x" * 65_536 + b"\r\n")
            await writer.drain()


async def test_a_body_without_end_is_cut_off(wire):
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n")
    with pytest.raises(ConnectionError):
        await pour(writer)
    writer.close()


async def test_a_client_that_waits_to_be_invited_is_refused_at_once(wire):
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(
        b"POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9000000\r\n"
        b"Expect: 100-continue\r\nConnection: close\r\n\r\n"
    )
    async with asyncio.timeout(20):
        assert (await wire.read(reader)).status == 413
    writer.close()


async def test_a_client_that_leaves_in_the_middle_of_its_body_harms_nobody(wire):
    _, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"POST /api/v1/notes HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert (await wire.ask(head(b"GET /api/v1/maybe"))).status == 200


async def test_a_body_of_unknown_length_is_counted():
    async def receive():
        return {"type": "http.request", "body": b"12345", "more_body": True}

    intake = Intake(receive, 9)
    await intake()
    with pytest.raises(TooLarge):
        await intake()
