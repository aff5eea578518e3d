"""The server and what it writes."""

from __future__ import annotations

import asyncio
import logging
import re
import ssl

import pytest

from authority import Authority
from http_talk import Talk, body_of, reply, serving, until

GET = b"GET / HTTP/1.1\r\nHost: h\r\n\r\n"
OLD = b"GET / HTTP/1.0\r\n\r\n"


def told(*pieces: bytes, status: int = 200, headers=()):
    """Return an application that sends these pieces."""

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": status, "headers": headers})
        for number, piece in enumerate(pieces, 1):
            await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})

    return app


def whole_in(pieces, headers=()):
    """Return an application that sends a whole body in these pieces, at once."""

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": pieces})

    return app


async def test_a_reply_tells_its_length_and_the_date():
    async with serving(told(b"hello")) as served, served.talk(GET) as talk:
        said = await talk.hear()
    assert (said.body, said.headers["content-length"]) == (b"hello", "5")
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT", said.headers["date"])
    assert set(said.headers) == {"content-length", "date"}


async def test_a_reply_in_pieces_comes_in_chunks_and_the_connection_is_kept():
    async with serving(told(b"he", b"", b"llo", b"")) as served, served.talk(GET) as talk:
        for _ in range(2):
            said = await talk.hear()
            assert (said.body, said.headers["transfer-encoding"]) == (b"hello", "chunked")
            await talk.say(GET)


async def test_a_reply_in_pieces_of_a_known_length_is_sent_as_it_is():
    app = told(b"he", b"llo", headers=[(b"content-length", b"5")])
    async with serving(app) as served, served.talk(GET) as talk:
        said = await talk.hear()
    assert (said.body, "transfer-encoding" in said.headers) == (b"hello", False)


async def test_a_reply_in_pieces_ends_with_the_connection_in_http_1_0():
    async with serving(told(b"he", b"llo")) as served, served.talk(OLD) as talk:
        said = await talk.hear()
        assert (said.body, said.headers["connection"]) == (b"hello", "close")


async def test_every_piece_is_sent_at_once():
    go_on = asyncio.Event()

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        await go_on.wait()
        await send({"type": "http.response.body", "body": b"last"})

    async with serving(app) as served, served.talk(GET) as talk:
        assert (await talk.reader.readuntil(b"first\r\n")).endswith(b"5\r\nfirst\r\n")
        go_on.set()
        assert (await talk.reader.readuntil(b"0\r\n\r\n")) == b"4\r\nlast\r\n0\r\n\r\n"


@pytest.mark.parametrize("pieces", [(b"hello",), (b"he", b"llo")])
@pytest.mark.parametrize("headers", [(), [(b"content-length", b"5")]])
async def test_the_reply_to_a_head_has_no_body(pieces, headers):
    async with serving(told(*pieces, headers=headers)) as served, served.talk() as talk:
        for _ in range(2):
            await talk.say(GET.replace(b"GET", b"HEAD"))
            said = await talk.hear(bare=True)
            assert said.headers.get("content-length") == "5" or said.headers["transfer-encoding"] == "chunked"


@pytest.mark.parametrize("long", [b"", b"x" * 40_000, b"x" * 5_000_000])
@pytest.mark.parametrize("tls", [False, True])
async def test_a_whole_body_in_several_pieces_arrives_in_their_order(long, tls, tmp_path):
    pieces = [b"a" * 20_000, b"", long, b"b"]
    context = trusting = None
    if tls:
        authority = Authority(tmp_path)
        context, trusting = authority.server_context(), ssl.create_default_context(cafile=authority.file)
        trusting.verify_flags &= ~ssl.VERIFY_X509_STRICT
    name = "localhost" if tls else None
    async with serving(whole_in(pieces), tls=context) as served:
        streams = await asyncio.open_connection("127.0.0.1", served.port, ssl=trusting, server_hostname=name)
        talk = Talk(*streams)
        await talk.say(GET * 3)
        # Longer than the system takes at once: what nobody reads yet has to wait here.
        await asyncio.sleep(0.1)
        for _ in range(3):
            said = await talk.hear()
            assert said.headers["content-length"] == str(len(said.body))
            assert said.body == b"".join(pieces)
        await talk.leave()


async def test_the_reply_to_a_head_tells_the_length_of_all_pieces():
    async with serving(whole_in([b"x" * 40_000, b"y"])) as served, served.talk() as talk:
        for _ in range(2):
            await talk.say(GET.replace(b"GET", b"HEAD"))
            assert (await talk.hear(bare=True)).headers["content-length"] == "40001"


async def test_pieces_that_are_not_as_long_together_as_the_reply_says_are_never_sent(caplog):
    app = whole_in([b"x" * 40_000, b"y"], headers=[(b"content-length", b"40000")])
    with caplog.at_level(logging.ERROR):
        async with serving(app) as served, served.talk(GET) as talk:
            assert (await talk.hear()).status == 500
    assert "the reply is of 40001 bytes" in caplog.text


@pytest.mark.parametrize("status", [204, 304])
async def test_statuses_without_a_body_have_none(status):
    async with serving(told(b"", status=status)) as served, served.talk() as talk:
        for _ in range(2):
            await talk.say(GET)
            said = await talk.hear(bare=True)
            assert (said.status, "content-length" in said.headers) == (status, False)


@pytest.mark.parametrize(
    "headers",
    [
        [(b"x", b"a\r\nset-cookie: b")],
        [(b"x", b"a\nb")],
        [(b"x\r", b"a")],
        [(b"content-length", b"4")],
        [(b"content-length", b"x")],
    ],
)
async def test_a_head_that_is_wrong_is_never_sent(headers, caplog):
    async with serving(told(b"hello", headers=headers)) as served, served.talk(GET) as talk:
        said = await talk.hear()
    assert (said.status, said.json["code"], said.headers["connection"]) == (500, "internal_error", "close")
    assert "a request failed" in caplog.text


async def test_a_fault_of_the_application_is_500_without_its_cause(caplog):
    async def app(*_):
        raise RuntimeError("CANARY")

    async with serving(app) as served, served.talk(GET) as talk:
        said = await talk.hear()
        assert await talk.is_ended()
    assert said.status == 500
    assert b"CANARY" not in said.body
    assert "CANARY" in caplog.text


@pytest.mark.parametrize("headers", [(), [(b"content-length", b"9")]])
async def test_a_fault_in_the_middle_cuts_the_reply_off(headers, caplog):
    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("CANARY")

    async with serving(app) as served, served.talk(GET) as talk:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError, ValueError)):
            await talk.hear()
    assert "CANARY" in caplog.text


@pytest.mark.parametrize("pieces", [(b"he", b"l"), (b"he", b"llooo")])
async def test_pieces_that_are_not_as_long_as_the_reply_says_cut_it_off(pieces, caplog):
    app = told(*pieces, headers=[(b"content-length", b"5")])
    async with serving(app) as served, served.talk(GET) as talk:
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await talk.hear()
    assert "not as long as it says" in caplog.text


async def test_a_reply_that_is_cut_does_not_look_like_one_that_ended(caplog):
    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        await asyncio.sleep(0.05)
        raise RuntimeError("CANARY")

    async with serving(app) as served, served.talk(OLD) as talk:
        await talk.reader.readuntil(b"half")
        with pytest.raises(ConnectionResetError):
            await talk.reader.read()
    assert "CANARY" in caplog.text


async def test_an_application_that_says_nothing_is_500(caplog):
    async def app(*_):
        pass

    with caplog.at_level(logging.ERROR):
        async with serving(app) as served, served.talk(GET) as talk:
            assert (await talk.hear()).status == 500
    assert "without a whole reply" in caplog.text


async def test_who_does_not_read_is_not_written_to_without_end():
    sent = []

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while True:
            await send({"type": "http.response.body", "body": b"x" * 100_000, "more_body": True})
            sent.append(1)

    async with serving(app) as served, served.talk(GET):
        before = 0
        while len(sent) != before or not sent:
            before = len(sent)
            assert before < 200
            await asyncio.sleep(0.3)


async def test_requests_wait_while_replies_are_not_read():
    asked = []

    async def app(_scope, _receive, send):
        asked.append(1)
        await reply(send, b"x" * 3_000_000)

    async with serving(app) as served, served.talk(GET * 20) as talk:
        await asyncio.sleep(0.3)
        assert len(asked) < 10
        for _ in range(20):
            assert len((await talk.hear()).body) == 3_000_000


async def test_a_call_goes_on_when_its_client_has_gone_and_is_told_so():
    seen = []

    async def app(_scope, receive, send):
        await body_of(receive)
        seen.append((await receive())["type"])
        await asyncio.sleep(0.05)
        await reply(send, b"nobody hears this")
        seen.append("done")

    async with serving(app) as served:
        async with served.talk(GET):
            await until(lambda: served.server.connections == 1)
        await until(lambda: seen)
        assert served.server.connections == 1  # until it is done
        await until(lambda: served.server.connections == 0)
    assert seen == ["http.disconnect", "done"]


async def test_a_reply_in_pieces_is_ended_when_its_client_has_gone():
    ended = asyncio.Event()

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"data: 1\n\n", "more_body": True})
        try:
            await asyncio.sleep(600)
        finally:
            ended.set()

    async with serving(app) as served:
        async with served.talk(GET) as talk:
            await talk.reader.readuntil(b"data: 1\n\n")
        async with asyncio.timeout(30):
            await ended.wait()
        await until(lambda: served.server.connections == 0)


async def test_receive_tells_when_the_reply_is_over():
    seen = []

    async def app(_scope, receive, send):
        await body_of(receive)
        await reply(send, b"")
        seen.append((await receive())["type"])

    async with serving(app) as served, served.talk(GET) as talk:
        await talk.hear()
        await until(lambda: seen == ["http.disconnect"])
