import asyncio
import gzip
import os
import time

import pytest

from devmesh.errors import Invalid
from devmesh.upstream import clients as clients_module
from devmesh.upstream import connection as connection_module
from devmesh.upstream.errors import OutcomeUnknown, ResponseTooLarge, UpstreamTimeout, UpstreamUnreachable
from devmesh.upstream.wire import Request

READ = Request(method="GET", path="/x")
WRITE = Request(method="POST", path="/x", json={})
OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


async def sent(one, service, request=READ, **options):
    return await one.send(request, base_url=service.url, organization="acme", **options)


async def test_trailers_are_no_headers_and_the_connection_is_kept(loopback, sender):
    chunks = b"2;a=b\r\nab\r\n1\r\nc\r\n0\r\nX-Sum: 1\r\nLast: 2\r\n\r\n"
    service = await loopback.serve(loopback.raw(CHUNKED + chunks))
    one = sender(service)
    for _ in range(2):
        reply = await sent(one, service)
        assert (reply.body, dict(reply.headers)) == (b"abc", {"transfer-encoding": "chunked"})
    assert service.connections == 1


async def test_interim_answers_are_passed_over(loopback, sender):
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
    service = await loopback.serve(loopback.raw(interim + OK), loopback.raw(interim, OK))
    one = sender(service)
    for _ in range(2):
        reply = await sent(one, service)
        assert (reply.status, reply.body, dict(reply.headers)) == (200, b"ok", {"content-length": "2"})
    assert service.connections == 1


@pytest.mark.parametrize(
    "tail", [b"garbage", OK, b"H", b"HTTP/1.1 500 No\r\ncontent-length: 6\r\n\r\nsecret", b"\0" * 100_000]
)
@pytest.mark.parametrize("pause", [None, 0.0])
async def test_what_follows_an_answer_is_nobodys(loopback, sender, tail, pause):
    pieces = (OK + tail,) if pause is None else (OK, tail)
    service = await loopback.serve(loopback.raw(*pieces, pause=0.02), loopback.raw(OK.replace(b"ok", b"me")))
    one = sender(service)
    assert (await sent(one, service)).body == b"ok"
    async with asyncio.timeout(20):  # an idle connection would end by itself, but later
        while one._clients._opened:  # noqa: ASYNC110 - what follows is on its way
            await asyncio.sleep(0.01)
    reply = await sent(one, service, WRITE)
    assert (reply.status, reply.body, service.connections) == (200, b"me", 2)


@pytest.mark.parametrize(
    ("method", "head"),
    [
        ("HEAD", b"200 OK\r\ncontent-length: 300"),
        ("GET", b"304 Not Modified\r\ncontent-length: 300"),
        ("DELETE", b"204 No Content"),
    ],
)
async def test_an_answer_without_a_body_ends_with_its_head(loopback, sender, method, head):
    service = await loopback.serve(loopback.raw(b"HTTP/1.1 " + head + b"\r\n\r\n"), loopback.raw(OK))
    one = sender(service)
    assert (await sent(one, service, Request(method=method, path="/x"))).body == b""
    assert (await sent(one, service)).body == b"ok"
    assert service.connections == 1


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_a_body_where_none_belongs_is_not_the_next_answer(loopback, sender, method):
    status = b"200 OK" if method == "HEAD" else b"204 No"
    false = b"HTTP/1.1 " + status + b"\r\ncontent-length: 40\r\n\r\n" + OK
    service = await loopback.serve(loopback.raw(false), loopback.raw(OK.replace(b"ok", b"me")))
    one = sender(service)
    assert (await sent(one, service, Request(method=method, path="/x"))).body == b""
    assert (await sent(one, service)).body == b"me"
    assert service.connections == 2


@pytest.mark.parametrize(
    "head",
    [
        b"X: " + b"a" * 500_000,
        b"X: " + b"a" * 66_000,
        b"".join(b"X%d: y\r\n" % number for number in range(257)) + b"X: y",
        b"\r\n".join([b"X: yyyyyyyyyyyyyyy"] * 20_000),
    ],
)
async def test_a_head_without_end_is_cut_off(loopback, sender, head):
    service = await loopback.serve(loopback.raw(b"HTTP/1.1 200 OK\r\n" + head + b"\r\ncontent-length: 0\r\n\r\n"))
    with pytest.raises(OutcomeUnknown):
        await sent(sender(service), service)


@pytest.mark.parametrize("begin", [b"", CHUNKED + b"0\r\nX: ", CHUNKED + b"1;x="])
async def test_interim_answers_trailers_and_extensions_without_end_are_cut_off(loopback, sender, begin):
    async def answer(_reader, writer):
        writer.write(begin)
        while not writer.is_closing():
            writer.write(b"a" * 10_000 if begin else b"HTTP/1.1 100 Continue\r\n\r\n" * 400)
            await writer.drain()

    service = await loopback.serve(answer)
    began = time.monotonic()
    with pytest.raises(OutcomeUnknown):
        await sent(sender(service), service)
    assert time.monotonic() - began < 20


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n",
        b"HTTP/2.0 200 OK\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 099 No\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\ncontent-length: -2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, identity\r\n\r\nab",
        b"HTTP/1.1 103 Hints\r\ncontent-length: 40\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\nX : y\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: a\rcontent-length: 0\r\n\r\n",
        CHUNKED + b"zz\r\n",
    ],
)
async def test_what_two_readers_could_take_for_two_things_is_no_answer(loopback, sender, answer):
    service = await loopback.serve(loopback.raw(answer))
    with pytest.raises(OutcomeUnknown):
        await sent(sender(service), service)


async def test_a_kept_connection_that_was_closed_meanwhile_is_not_used(loopback, sender):
    service = await loopback.serve(loopback.broken(OK))
    one = sender(service)
    for _ in range(3):
        assert (await sent(one, service, WRITE)).body == b"ok"
    assert service.connections == 3


async def test_a_read_that_a_kept_connection_drops_without_a_word_is_sent_once_more(loopback, sender):
    service = await loopback.serve(loopback.raw(OK), loopback.broken(), loopback.raw(OK))
    one = sender(service)
    for _ in range(2):
        assert (await sent(one, service)).body == b"ok"
    assert (len(service.received), service.connections) == (3, 2)


@pytest.mark.parametrize(("word", "received"), [(b"", 3), (b"HTTP/1.1 2", 2)])
async def test_it_is_sent_no_third_time_and_no_second_time_once_the_answer_began(loopback, sender, word, received):
    service = await loopback.serve(loopback.raw(OK), loopback.broken(word))
    one = sender(service)
    await sent(one, service)
    with pytest.raises(OutcomeUnknown):
        await sent(one, service)
    assert len(service.received) == received


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n"])
async def test_a_body_may_end_with_the_connection(loopback, sender, head):
    service = await loopback.serve(loopback.broken(head + b"ab", b"cd"))
    one = sender(service)
    assert (await sent(one, service)).body == b"abcd"
    with pytest.raises(ResponseTooLarge):
        await sent(one, service, max_bytes=3)


@pytest.mark.parametrize("cut", [CHUNKED + b"5\r\nab", CHUNKED + b"2\r\nab\r\n", OK[:-1], b"HTTP/1.1 200 OK\r\n"])
async def test_a_body_that_says_how_long_it_is_may_not_end_before(loopback, sender, cut):
    service = await loopback.serve(loopback.broken(cut))
    with pytest.raises(OutcomeUnknown):
        await sent(sender(service), service)


async def test_a_packed_body_that_is_cut_or_wrong_is_no_answer(loopback, sender):
    packed = gzip.compress(os.urandom(1000))
    for body in (packed[:-1], packed[:100], b"x" * 50, packed[:500] + bytes(50) + packed[550:]):
        head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\n"
        for more in (b"\r\n", b"content-length: %d\r\n\r\n" % len(body)):
            service = await loopback.serve(loopback.broken(head + more + body))
            with pytest.raises(OutcomeUnknown):
                await sent(sender(service), service)


async def test_the_headers_of_the_packing_go_with_it(loopback, sender):
    service = await loopback.serve(loopback.http(body=gzip.compress(b"[1]"), Content_Encoding="gzip", X="y"))
    assert (await sent(sender(service), service)).headers == {"x": "y"}


async def test_a_million_tiny_chunks_fill_no_memory(loopback, sender):
    service = await loopback.serve(loopback.raw(CHUNKED + b"1\r\na\r\n" * 300_000 + b"0\r\n\r\n"))
    assert len((await sent(sender(service), service)).body) == 300_000


@pytest.mark.parametrize("value", ["a\nx: y", "a\rb", "\x00", "\x7f", "€", "\ud800"])
async def test_a_header_cannot_become_two(loopback, sender, value):
    service = await loopback.serve()
    one = sender(service)
    for headers in ({"x-secret": value}, {f"x{value}": "secret"}):
        with pytest.raises(Invalid) as caught:
            await sent(one, service, headers=headers)
        assert "secret" not in repr(caught.value) + str(caught.value)
    assert service.connections == 0


@pytest.mark.parametrize("name", ["", "a b", "a:", "ü"])
async def test_a_header_has_a_name_that_is_a_token(loopback, sender, name):
    service = await loopback.serve()
    with pytest.raises(Invalid):
        await sent(sender(service), service, headers={name: "x"})
    assert service.connections == 0


async def test_slow_headers_do_not_outlast_the_time_limit(loopback, sender):
    service = await loopback.serve(loopback.raw(*(b"%c" % byte for byte in OK), pause=1))
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout):
        await sent(sender(service), service, timeout=1.5)
    assert 1.4 < time.monotonic() - began < 20


async def test_silence_between_bytes_is_cut_off_and_a_slow_answer_is_not(loopback, sender, monkeypatch):
    # Far from each other, and together longer than may be silent at once: this process may stand still for a while.
    monkeypatch.setattr(connection_module, "READ_SECONDS", 4)
    slow = await loopback.serve(loopback.raw(*(OK[at : at + 4] for at in range(0, len(OK), 4)), pause=0.5))
    began = time.monotonic()
    assert (await sent(sender(slow), slow)).body == b"ok"
    assert time.monotonic() - began > 4
    monkeypatch.setattr(connection_module, "READ_SECONDS", 1.5)
    silent = await loopback.serve(loopback.raw(OK[:9], OK[9:], pause=60))
    with pytest.raises(UpstreamTimeout):
        await sent(sender(silent), silent)


async def test_no_connection_carries_two_organizations_requests(loopback, sender):
    async def one_behind(_reader, writer):
        # As after a request that a proxy took for two: from then on each answer is the one to the request before.
        writer.write(OK.replace(b"ok", before.get(writer, b"ok")))
        before[writer] = b"no"

    before = {}
    service = await loopback.serve(one_behind)
    one = sender(service)
    told = [(await one.send(READ, base_url=service.url, organization=name)).body for name in ("acme", "other", "acme")]
    assert (told, service.connections) == ([b"ok", b"ok", b"no"], 2)


async def test_beyond_many_open_connections_none_is_kept(loopback, sender, monkeypatch):
    monkeypatch.setattr(clients_module, "_OPEN_CONNECTIONS", 2)
    service = await loopback.serve(loopback.raw(OK[:9], OK[9:], pause=0.1))
    one = sender(service)
    await asyncio.gather(*(sent(one, service) for _ in range(5)))
    assert len(one._clients._opened) <= 2


async def test_an_idle_connection_is_closed(loopback, sender, monkeypatch):
    # The timer of the first exchange runs out that late, long after its answer, and finds the connection idle.
    monkeypatch.setattr(connection_module, "READ_SECONDS", 4)
    monkeypatch.setattr(connection_module, "IDLE_SECONDS", 0.2)
    service = await loopback.serve(loopback.raw(OK))
    one = sender(service)
    await sent(one, service)
    assert len(one._clients._opened) == 1
    async with asyncio.timeout(20):
        while one._clients._opened:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await sent(one, service)
    assert service.connections == 2


async def test_a_long_request_is_written_as_fast_as_it_is_taken(loopback, sender):
    service = await loopback.serve()
    content = os.urandom(5_000_000)
    await sent(sender(service), service, Request(method="PUT", path="/x", content=content))
    assert service.received[0].body == content


async def test_a_caller_who_gives_up_takes_no_connection_from_another(loopback, sender):
    service = await loopback.serve(*[loopback.raw(b"HTTP/1.1 200 OK\r\n", OK[17:], pause=0.01)])
    one = sender(service)

    async def call(number: int) -> bytes | None:
        try:
            async with asyncio.timeout(0.001 * (number % 40)):
                return (await sent(one, service)).body
        except TimeoutError:
            return None

    given = await asyncio.gather(*(call(number) for number in range(200)), *(sent(one, service) for _ in range(20)))
    assert [reply.body for reply in given[200:]] == [b"ok"] * 20
    assert set(given[:200]) <= {b"ok", None}


async def test_each_caller_gets_the_answer_to_its_own_request(loopback, sender):
    async def echo(_reader, writer):
        line = service.received[-1].line.encode()  # this connection's: nothing was awaited since
        await asyncio.sleep(0.001)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(line) + line)

    service = await loopback.serve(echo)
    one = sender(service)
    room = asyncio.Semaphore(20)

    async def call(number: int) -> None:
        async with room:
            reply = await sent(one, service, Request(method="GET", path=f"/{number}"))
        assert reply.body == b"GET /%d HTTP/1.1" % number

    await asyncio.gather(*(call(number) for number in range(1000)))
    assert service.connections <= 20


async def test_what_is_still_connecting_when_all_is_closed_is_not_sent(loopback, sender):
    service = await loopback.serve()
    one = sender(service)
    task = asyncio.create_task(sent(one, service, WRITE))
    await asyncio.sleep(0)  # it has no other way than to connect
    assert one._clients._opened
    await one.close()
    with pytest.raises(UpstreamUnreachable):
        await task
    assert not service.received
    assert not one._clients._opened
