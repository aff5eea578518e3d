"""The server and what it reads: every request here has crossed a socket."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from http_talk import body_of, echo, reply, serving, until

HEAD = b"POST /a HTTP/1.1\r\nHost: h\r\n"


async def told(raw: bytes):
    """Return what the application is told of a request."""
    async with serving(echo) as served:
        replies = await served.ask(raw)
    assert [said.status for said in replies] == [200], replies
    return replies[0].json


@pytest.mark.parametrize(
    ("target", "path", "raw_path", "query"),
    [
        (b"/", "/", "/", ""),
        (b"/a%20b/%C3%A9%2fc?x=%20&y", "/a b/é/c", "/a%20b/%C3%A9%2fc", "x=%20&y"),
        (b"/%ff?", "/\ufffd", "/%ff", ""),
        (b"/%zz", "/%zz", "/%zz", ""),
        (b"//evil.example/x", "//evil.example/x", "//evil.example/x", ""),
        (b"http://other:8/p%20?q", "/p ", "/p%20", "q"),
        (b"HTTPS://other?q", "/", "/", "q"),
    ],
)
async def test_the_target_is_told_decoded_and_as_it_came(target, path, raw_path, query):
    seen = await told(b"GET " + target + b" HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
    assert (seen["path"], seen["raw_path"], seen["query"]) == (path, raw_path, query)


async def test_the_host_of_a_whole_address_is_the_requests_whatever_host_says():
    raw = b"GET http://[::1]:8/p HTTP/1.1\r\nX: 1\r\nHost: ours\r\nConnection: close\r\n\r\n"
    hosts = [value for name, value in (await told(raw))["headers"] if name == "host"]
    assert hosts == ["[::1]:8"]


async def test_the_asterisk_is_a_target_of_options_alone():
    assert (await told(b"OPTIONS * HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"))["path"] == "*"
    async with serving(echo) as served:
        assert [said.status for said in await served.ask(b"GET * HTTP/1.1\r\nHost: h\r\n\r\n")] == [400]


async def test_names_are_told_in_lower_case_and_values_without_blanks_around_them():
    raw = b"GET / HTTP/1.1\r\nX-Mixed:\t a b \t \r\nHost: h\r\nX-Mixed: \xff\r\nConnection: close\r\n\r\n"
    assert (await told(raw))["headers"] == [
        ["x-mixed", "a b"],
        ["host", "h"],
        ["x-mixed", "\xff"],
        ["connection", "close"],
    ]


async def test_chunks_are_one_body_and_what_follows_them_is_dropped():
    raw = (
        HEAD
        + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nab\r\n1\r\nc\r\n0\r\nHost: evil\r\n\r\n"
    )
    seen = await told(raw)
    assert seen["body"] == "abc"
    assert ["host", "evil"] not in seen["headers"]


async def test_a_connection_is_kept_for_the_next_request():
    async with serving(echo) as served, served.talk() as talk:
        for number in range(3):
            await talk.say(b"GET /%d HTTP/1.1\r\nHost: h\r\n\r\n" % number)
            said = await talk.hear()
            assert said.json["path"] == f"/{number}"
            assert "connection" not in said.headers
        assert served.server.connections == 1


@pytest.mark.parametrize(
    ("head", "connection"),
    [
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n", "close"),
        (b"GET / HTTP/1.0\r\n\r\n", "close"),
        (b"GET / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n", "close"),
        (b"POST / HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\nContent-Length: 1\r\n\r\nx", "close"),
        (b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "keep-alive"),
    ],
)
async def test_the_reply_says_whether_the_connection_is_kept(head, connection):
    async with serving(echo) as served, served.talk(head) as talk:
        assert (await talk.hear()).headers["connection"] == connection
        if connection == "close":
            assert await talk.is_ended()
        else:
            await talk.say(head)
            assert (await talk.hear()).status == 200


@pytest.mark.parametrize(
    ("framing", "body"),
    [
        (b"Content-Length: 5", b"hello"),
        (b"Transfer-Encoding: chunked", b"2\r\nhe\r\n3\r\nllo\r\n0\r\nX: trailer\r\n\r\n"),
    ],
)
@pytest.mark.parametrize("in_pieces", [False, True])
async def test_the_body_of_a_request_that_asks_for_another_protocol_is_read_in_this_one(framing, body, in_pieces):
    # As Java's HTTP client asks with its first request over plain http.
    upgrade = b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n"
    request = b"POST / HTTP/1.1\r\nHost: h\r\n" + upgrade + framing + b"\r\n\r\n" + body
    async with serving(echo) as served, served.talk() as talk:
        if in_pieces:
            for at in range(len(request)):
                await talk.say(request[at : at + 1])
                await asyncio.sleep(0)
        else:
            await talk.say(request + b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n")
        said = await talk.hear()
        assert (said.status, said.json["body"], said.headers["connection"]) == (200, "hello", "close")
        assert await talk.is_ended()


async def test_a_client_that_asks_first_is_invited_when_the_body_is_wanted():
    async with serving(echo) as served, served.talk() as talk:
        await talk.say(HEAD + b"Expect: 100-Continue\r\nContent-Length: 3\r\n\r\n")
        assert (await talk.hear()).status == 100
        await talk.say(b"abc")
        assert (await talk.hear()).json["body"] == "abc"


async def test_a_client_that_asks_first_is_not_invited_when_the_body_is_there_or_nobody_wants_it():
    async def refuse(scope, receive, send):
        if scope["path"] == "/read":
            await asyncio.sleep(0.05)
            await body_of(receive)
        await reply(send, b"no", 413)

    expecting = b" HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    async with serving(refuse) as served:
        async with served.talk(b"POST /read" + expecting + b"abc") as talk:
            assert (await talk.hear()).status == 413
        async with served.talk(b"POST /" + expecting) as talk:
            said = await talk.hear()
            assert (said.status, said.headers["connection"]) == (413, "close")
            assert await talk.is_ended()


async def test_pipelined_requests_are_answered_in_their_order_one_at_a_time():
    under_way = []

    async def slow_first(scope, receive, send):
        under_way.append(scope["path"])
        assert len(under_way) == 1
        await asyncio.sleep(0.05 if scope["path"] == "/0" else 0)
        under_way.pop()
        await echo(scope, receive, send)

    async with serving(slow_first) as served, served.talk() as talk:
        await talk.say(
            b"".join(b"POST /%d HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\n%d" % (n, n) for n in range(9))
        )
        assert [(await talk.hear()).json["body"] for _ in range(9)] == [str(n) for n in range(9)]


async def test_more_pipelined_requests_than_are_kept_are_not_answered_and_the_last_reply_says_so():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.01)
        await echo(scope, receive, send)

    async with serving(slow, pipelined=4) as served:
        replies = await served.ask(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n" * 50)
    assert len(replies) == 5
    assert [said.headers.get("connection") for said in replies] == [None] * 4 + ["close"]


async def test_a_body_that_is_not_read_is_not_taken_in_either():
    async def deaf(_scope, _receive, _send):
        await asyncio.sleep(60)

    async with serving(deaf) as served, served.talk(HEAD + b"Content-Length: 100000000\r\n\r\n") as talk:
        await until(lambda: any(one._current for one in served.server._connections))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(talk.pour(b"x" * 100_000), 0.5)
        connection = next(iter(served.server._connections))
        assert connection._current.unread < 1_000_000
        talk.writer.transport.abort()


async def test_a_body_that_is_read_comes_through_whatever_its_size():
    async def count(_scope, receive, send):
        await asyncio.sleep(0.05)
        await reply(send, b"%d" % len(await body_of(receive)))

    size = 5_000_000
    async with serving(count) as served, served.talk() as talk:
        for _ in range(2):
            await talk.say(HEAD + b"Content-Length: %d\r\n\r\n" % size + b"x" * size)
            assert (await talk.hear()).body == b"%d" % size


async def test_a_pipelined_body_that_comes_late_is_read_when_its_turn_comes():
    async with serving(echo) as served, served.talk() as talk:
        for begun, rest in ((b"", b"bc"), (b"b", b"c")):
            await talk.say(HEAD + b"Content-Length: 1\r\n\r\na" + HEAD + b"Content-Length: 2\r\n\r\n" + begun)
            assert (await talk.hear()).json["body"] == "a"
            await talk.say(rest)
            assert (await talk.hear()).json["body"] == "bc"


async def test_requests_that_come_while_others_wait_are_left_where_they_are():
    async def slow_first(scope, receive, send):
        await asyncio.sleep(0.3 if scope["path"] == "/slow" else 0)
        await echo(scope, receive, send)

    async with serving(slow_first, pipelined=4) as served, served.talk() as talk:
        await talk.say(b"GET /slow HTTP/1.1\r\nHost: h\r\n\r\n")
        for _ in range(5):
            await asyncio.sleep(0.02)
            await talk.say(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert [(await talk.hear()).headers.get("connection") for _ in range(6)] == [None] * 6


REQUESTS = [
    b"GET /a?b HTTP/1.1\r\nHost: h\r\nX: 1 \r\n\r\n",
    HEAD + b"Content-Length: 5\r\n\r\nhello",
    HEAD + b"Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
    HEAD + b"Content-Length: 0\r\n\r\n",
    b"HEAD / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"\r\nDELETE /x%20y HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nzz",
]


@pytest.fixture(scope="session")
async def echoing():
    """A server that tells what it was asked."""
    async with serving(echo) as served:
        yield served


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
async def test_requests_mean_the_same_wherever_their_bytes_are_split(echoing, data):
    chosen = data.draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=4))
    raw = b"".join(chosen)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=8)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    expected = [await alone(echoing, request) for request in chosen]
    async with echoing.talk() as talk:
        answers = []
        for piece in pieces:
            await talk.say(piece)
            await asyncio.sleep(0)
        for request in chosen:
            said = await talk.hear(bare=request.startswith(b"HEAD"))
            answers.append((said.status, said.body))
    assert answers == expected


async def alone(served, request: bytes):
    async with served.talk(request) as talk:
        said = await talk.hear(bare=request.startswith(b"HEAD"))
        return said.status, said.body
