"""The server and its limits: slow clients, long heads, too many connections, and the end."""

from __future__ import annotations

import asyncio
import contextlib
import time

import pytest

from http_talk import body_of, echo, reply, serving, until

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nHost: h\r\n"


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: h\r\n", GET + b"GET"])
async def test_a_head_that_does_not_come_is_not_waited_for(begun):
    # So long that one which is there is read first, also if this process stands still for a while.
    async with serving(echo, head=3) as served, served.talk(begun) as talk:
        if begun.startswith(GET):
            await talk.hear()
        async with asyncio.timeout(20):
            assert await talk.is_ended()


async def test_the_next_head_has_no_more_time_than_the_first():
    async with serving(echo, head=3, idle=60) as served, served.talk(GET) as talk:
        await talk.hear()
        await talk.say(b"GET")
        async with asyncio.timeout(20):
            assert await talk.is_ended()


async def test_a_head_that_comes_a_byte_at_a_time_gains_no_time():
    async with serving(echo, head=0.3) as served, served.talk() as talk:
        began = time.monotonic()
        await talk.say(b"GET / HTTP/1.1\r\nX: ")
        with pytest.raises(ConnectionError):
            await talk.pour(b"a", 1000, pause=0.02)
        assert time.monotonic() - began < 15


async def test_an_idle_connection_is_closed_after_a_while_and_not_before():
    async with serving(echo, head=1, idle=5) as served, served.talk(GET) as talk:
        await talk.hear()
        await asyncio.sleep(1.2)
        await talk.say(GET)
        assert (await talk.hear()).status == 200
        async with asyncio.timeout(20):
            assert await talk.is_ended()


async def test_a_call_may_take_longer_than_any_of_these():
    async def slow(scope, receive, send):
        await asyncio.sleep(4)
        await echo(scope, receive, send)

    async with serving(slow, head=3, idle=3, body=3, write=3) as served, served.talk(GET) as talk:
        assert (await talk.hear()).status == 200


async def test_a_body_that_does_not_come_is_408_behind_the_edge(edge):
    async with serving(edge, body=0.2) as served:
        raw = b"POST /swallow HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nhalf"
        async with asyncio.timeout(20):
            (said,) = await served.ask(raw)
    assert (said.status, said.json["code"]) == (408, "body_too_slow")
    assert said.headers["connection"] == "close"


async def test_a_client_that_takes_nothing_of_its_reply_is_let_go():
    async def app(_scope, _receive, send):
        await reply(send, b"x" * 20_000_000)

    async with serving(app, write=0.2) as served, served.talk(GET):
        await until(lambda: served.server.connections == 1)
        async with asyncio.timeout(20):
            await until(lambda: served.server.connections == 0)


async def test_a_client_that_takes_its_reply_slowly_gets_it_whole():
    async def app(_scope, _receive, send):
        await reply(send, b"x" * 20_000_000)

    async with serving(app, write=4, idle=4) as served, served.talk(GET) as talk:
        await talk.reader.readuntil(b"\r\n\r\n")
        began, size = time.monotonic(), 0
        while size < 20_000_000:
            piece = await talk.reader.read(1_000_000)
            assert piece
            size += len(piece)
            await asyncio.sleep(0.06)
        assert time.monotonic() - began > 4
    assert size == 20_000_000


@pytest.mark.parametrize(
    "head",
    [
        b"GET /" + b"a" * 70_000 + b" HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\nX: " + b"a" * 70_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: h\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        b"\r\n" * 400_000,
        POST + b"Transfer-Encoding: chunked\r\n\r\n1;" + b"a" * 700_000 + b"\r\nb\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\n\r\n0\r\n" + b"X: a\r\n" * 200 + b"\r\n",
    ],
)
async def test_a_head_that_is_too_long_is_431(head, edge):
    async with serving(edge) as served:
        (said,) = await served.ask(head.replace(b"Host: h", b"Host: localhost").replace(b"POST / ", b"POST /swallow "))
    assert (said.status, said.json["code"], said.json["limit"]) == (431, "head_too_large", 65_536)


async def test_a_head_that_never_ends_is_not_kept():
    async with serving(echo) as served, served.talk(b"GET / HTTP/1.1\r\nX: ") as talk:
        with pytest.raises(ConnectionError):
            await talk.pour(b"a" * 100_000)


async def test_a_head_within_the_bounds_is_read():
    head = b"GET /" + b"a" * 30_000 + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + b"X: a\r\n" * 100 + b"\r\n"
    async with serving(echo) as served:
        assert [said.status for said in await served.ask(head)] == [200]


async def test_connections_over_the_limit_wait_for_a_place_where_all_are_used():
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        await go_on.wait()
        await echo(scope, receive, send)

    def used() -> int:
        return sum(not one.waits for one in served.server._connections)

    async with serving(app, connections=2) as served, served.talk(GET) as first:
        await until(lambda: used() == 1)
        async with served.talk(GET) as second:
            await until(lambda: used() == 2)
            async with served.talk(GET) as third:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(third.reader.read(1), 0.3)
                assert served.server.connections == 2
                go_on.set()
                await first.hear()
                await second.hear()
                await first.leave()
                assert (await third.hear()).status == 200


@pytest.mark.parametrize("begun", [b"", b"GET / HTTP/1.1\r\nX: ", GET, GET + b"GET"])
async def test_connections_that_only_wait_keep_nobody_out(begun):
    async with contextlib.AsyncExitStack() as open_, serving(echo, connections=4) as served:
        waiting = []
        for _ in range(3):
            waiting.append(await open_.enter_async_context(served.talk(begun)))
            if begun.startswith(GET):
                await waiting[-1].hear()
            await asyncio.sleep(0.02)  # so that it is clear who has waited longest
        for number in range(8):
            async with served.talk(GET) as other:
                assert (await other.hear()).status == 200
                assert served.server.connections <= 4
                assert waiting[0].reader.at_eof() or number or await waiting[0].is_ended()


async def test_who_waits_longest_gives_way_and_who_is_served_does_not():
    go_on = asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/slow":
            await go_on.wait()
        await echo(scope, receive, send)

    slow = GET.replace(b"/ ", b"/slow ", 1)
    async with serving(app, connections=4) as served, served.talk(slow) as busy:
        await until(lambda: any(not one.waits for one in served.server._connections))
        async with served.talk(GET) as old, served.talk() as young:
            await old.hear()
            await asyncio.sleep(0.02)  # the loop's clock may tell milliseconds
            await young.say(GET)
            await young.hear()
            async with served.talk(GET) as last:
                assert (await last.hear()).status == 200
                assert await old.is_ended()
                await young.say(GET)
                assert (await young.hear()).status == 200
                go_on.set()
                assert (await busy.hear()).json["path"] == "/slow"


async def test_the_end_closes_idle_connections_and_answers_what_is_under_way():
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def app(scope, receive, send):
        if scope["path"] == "/slow":
            begun.set()
            await go_on.wait()
        await echo(scope, receive, send)

    slow = GET.replace(b"/ ", b"/slow ", 1)
    async with (
        serving(app) as served,
        served.talk(GET) as idle,
        served.talk(slow) as busy,
        served.talk(b"GET ") as half,
    ):
        await idle.hear()
        await begun.wait()
        closing = asyncio.create_task(served.server.close(60))
        assert await idle.is_ended()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", served.port)
        await half.say(GET.removeprefix(b"GET "))
        go_on.set()
        for talk in (half, busy):
            said = await talk.hear()
            assert (said.status, said.headers["connection"]) == (200, "close")
            assert await talk.is_ended()
        assert await closing


async def test_what_takes_longer_than_the_end_is_cut_off():
    seen, begun = [], asyncio.Event()

    async def app(_scope, receive, _send):
        await body_of(receive)
        begun.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            seen.append("cut off")
            raise

    async with serving(app) as served, served.talk(GET) as talk:
        await begun.wait()
        assert not await served.server.close(0.1)
        assert seen == ["cut off"]
        assert await talk.is_ended()


async def test_the_end_waits_for_a_call_whose_client_has_gone():
    done = []

    async def app(_scope, receive, send):
        await body_of(receive)
        await asyncio.sleep(0.3)
        await reply(send, b"")
        done.append(1)

    async with serving(app) as served:
        async with served.talk(GET):
            await until(lambda: served.server.connections == 1)
        assert await served.server.close(5)
        assert done == [1]
