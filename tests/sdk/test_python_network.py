"""Both clients of the Python SDK on real sockets, and a hostile server or none behind them: one error, no hang."""

from __future__ import annotations

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx2
import pytest

from devmesh.upstream.clients import TOTAL_SECONDS
from devmesh_sdk import (
    ApiKey,
    AsyncClient,
    Client,
    ConnectionFailedError,
    DeveloperMeshError,
    MalformedReplyError,
    TimedOutError,
    Tokens,
)
from devmesh_sdk.client import TIMEOUT_SECONDS
from ports import free_port
from sdk.played import KEY

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@pytest.fixture
async def answering() -> AsyncIterator[Callable[[Talk], Awaitable[str]]]:
    """Start a server that reads a request's head and then does as it is told; returns its address."""
    servers, talks = [], set()

    async def start(talk: Talk) -> str:
        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            talks.add(asyncio.current_task())
            try:
                while await reader.readuntil(b"\r\n\r\n"):
                    await talk(reader, writer)
            except (asyncio.IncompleteReadError, ConnectionError):
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        servers.append(server)
        return f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    yield start
    for server in servers:
        server.close()
    for task in talks:
        task.cancel()
    await asyncio.gather(*talks, return_exceptions=True)


async def whole(writer: asyncio.StreamWriter, body: bytes, headers: bytes = b"") -> None:
    writer.write(HEAD + headers + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    await writer.drain()


async def never(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await asyncio.sleep(3600)


async def drips(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b"Content-Length: 100000\r\n\r\n")
    while True:
        writer.write(b" ")
        await asyncio.sleep(0.1)


async def drips_its_head(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while True:
        writer.write(b"X: y\r\n")
        await asyncio.sleep(0.1)


async def is_a_bomb(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole(writer, gzip.compress(b" " * (65 * 1024 * 1024), 1), b"Content-Encoding: gzip\r\n")


async def is_no_gzip(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole(writer, b"{}", b"Content-Encoding: gzip\r\n")


async def is_no_http(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2\r\n" + KEY.encode() + b"\r\n\r\n")


async def leaves(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def is_deep(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole(writer, b'{"a":' * 200_000)


async def is_a_list(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole(writer, b"[]")


async def is_empty(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await whole(writer, b"")


ENDS = [
    (never, TimedOutError),
    (drips, TimedOutError),
    (is_a_bomb, MalformedReplyError),
    (is_no_gzip, MalformedReplyError),
    (is_no_http, ConnectionFailedError),
    (leaves, ConnectionFailedError),
    (is_deep, MalformedReplyError),
    (is_a_list, MalformedReplyError),
    (is_empty, MalformedReplyError),
]


def patience(kind: type[DeveloperMeshError]) -> float:
    """Return how long a call may take: whatever is no silence has its own error, however busy the machine is."""
    return 1 if kind is TimedOutError else 30


async def judged(call: Callable[[], Awaitable[Any]], kind: type[DeveloperMeshError]) -> None:
    began = time.monotonic()
    with pytest.raises(DeveloperMeshError) as raised:
        await call()
    assert type(raised.value) is kind
    assert time.monotonic() - began < 20
    assert (raised.value.__cause__, raised.value.__context__) == (None, None)
    assert KEY not in f"{raised.value!r} {vars(raised.value)}"


@pytest.mark.parametrize(("talk", "kind"), ENDS, ids=[talk.__name__ for talk, _ in ENDS])
async def test_who_blocks_gets_one_error_in_time(answering, talk, kind):
    with Client(await answering(talk), ApiKey(KEY), retries=0, timeout=patience(kind)) as client:
        await judged(lambda: asyncio.to_thread(client.auth.profile), kind)


FOR_TASKS = [*ENDS, (drips_its_head, TimedOutError)]


@pytest.mark.parametrize(("talk", "kind"), FOR_TASKS, ids=[talk.__name__ for talk, _ in FOR_TASKS])
async def test_who_awaits_gets_one_error_in_time(answering, talk, kind):
    async with AsyncClient(await answering(talk), ApiKey(KEY), retries=0, timeout=patience(kind)) as client:
        await judged(client.auth.profile, kind)


async def test_a_name_that_nobody_has_and_a_port_on_which_nobody_listens_are_connections_that_failed():
    for url in (f"http://127.0.0.1:{free_port()}", "http://mesh.invalid"):
        with Client(url, ApiKey(KEY), retries=1, timeout=15) as client:
            await judged(lambda client=client: asyncio.to_thread(client.auth.profile), ConnectionFailedError)
        async with AsyncClient(url, ApiKey(KEY), retries=1, timeout=15) as client:
            await judged(client.auth.profile, ConnectionFailedError)


async def test_plain_http_where_tls_is_expected_is_a_connection_that_failed(answering):
    url = (await answering(never)).replace("http:", "https:")
    with Client(url, ApiKey(KEY), retries=0, timeout=1) as client, pytest.raises(DeveloperMeshError) as raised:
        await asyncio.to_thread(client.auth.profile)
    assert type(raised.value) in (ConnectionFailedError, TimedOutError)


async def test_a_caller_that_is_cancelled_does_not_take_the_refresh_with_it():
    sent: list[str] = []
    refreshing, go_on = asyncio.Event(), asyncio.Event()

    async def answer(request: httpx2.Request) -> httpx2.Response:
        sent.append(request.url.path)
        if request.url.path.endswith("/refresh"):
            refreshing.set()
            await go_on.wait()
            return httpx2.Response(200, json={"access_token": "access-1", "refresh_token": "refresh-1"})
        if request.headers["authorization"] == "Bearer access-1":
            return httpx2.Response(200, json={"name": "Ada"})
        return httpx2.Response(401, json={"code": "token_expired", "error": "Token Expired"})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as http:
        client = AsyncClient("https://mesh.example", Tokens("access-0", "refresh-0"), http=http)
        first = asyncio.create_task(client.auth.profile())
        await refreshing.wait()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        second = asyncio.create_task(client.auth.profile())
        await asyncio.sleep(0.01)
        go_on.set()
        assert await second == {"name": "Ada"}
        assert [path for path in sent if path.endswith("/refresh")] == ["/api/v1/auth/refresh"]
        await client.aclose()


def test_threads_that_share_a_client_do_not_wait_for_one_another():
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        Client(f"http://127.0.0.1:{listener.getsockname()[1]}", ApiKey(KEY), retries=0, timeout=30) as client,
    ):
        threads = [threading.Thread(target=client.auth.profile) for _ in range(8)]
        for thread in threads:
            thread.start()
        # All eight are on the way before any has its answer.
        talks = [listener.accept()[0] for _ in threads]
        for talk in talks:
            with talk:
                talk.recv(65536)
                talk.sendall(HEAD + b"Content-Length: 2\r\nConnection: close\r\n\r\n{}")
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()


def test_a_call_may_last_longer_than_the_gateway_waits_for_a_service():
    assert TIMEOUT_SECONDS > TOTAL_SECONDS
