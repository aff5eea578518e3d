"""A head that came before: whatever is sent, it is taken for what the parser alone would take it for."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.errors import MeshError
from devmesh.http.server.bounds import Bounds
from devmesh.http.server.known import Known
from devmesh.http.server.reading import EnoughError, Reading
from http_talk import echo, serving
from http_wrong import BAD, SMUGGLED

BASE = {"type": "http", "client": ("127.0.0.1", 1)}
CLOSE = b"GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
CHUNKED = b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
TRAILER = b"0\r\nConnection: close\r\n\r\n"
POST = b"POST /a%20b?q HTTP/1.1\r\nHost: h\r\nContent-Length: "
AFTER = b"\r\nX: 1\r\n\r\n"
GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


class Ears:
    """A connection as its reading sees it."""

    last = False

    def __init__(self):
        self.exchanges = []
        self.seen = []
        self.told = []

    def head_begins(self):
        self.told.append("head")

    def asked(self, exchange):
        self.told.append("asked")
        self.exchanges.append(exchange)
        # What an application does to its scope, and to the list in it, is of this request alone.
        self.seen.append({**exchange.scope, "headers": list(exchange.scope["headers"])})
        exchange.scope["state"] = exchange.scope["path"] = "spoiled"
        exchange.scope["headers"].append((b"x-spoiled", b"1"))

    def completed(self, exchange):
        pass

    def write(self, *pieces):
        raise AssertionError(pieces)


def post(body: bytes, length: bytes | None = None) -> bytes:
    return POST + (b"%d" % len(body) if length is None else length) + AFTER + body


def heard(pieces, *, known: bool = True):
    """Return what is made of these pieces, one read after the other, and how often the parser was not asked."""
    ears = Ears()
    reading = Reading(ears, BASE, Bounds())
    read, parsed, end = 0, 0, None
    with pytest.MonkeyPatch.context() as patched:
        if not known:
            patched.setattr(Known, "of", lambda *_: None)
        parse = Reading._parse

        def counted(self, parser, data):
            nonlocal parsed
            parsed += 1
            parse(self, parser, data)

        patched.setattr(Reading, "_parse", counted)
        for piece in pieces:
            read += 1
            try:
                reading.feed(piece)
            except (MeshError, EnoughError) as error:
                end = (type(error), getattr(error, "detail", ""))
                break
    made = [(seen, bytes(one._body), one.whole, one.keep) for seen, one in zip(ears.seen, ears.exchanges, strict=True)]
    return (made, ears.told.count("head"), end), read - parsed


def same(*pieces: bytes) -> int:
    """Assert that knowing heads changes nothing; return how often that spared the parser."""
    found, spared = heard(pieces)
    assert found == heard(pieces, known=False)[0]
    return spared


def test_the_same_head_with_a_body_of_any_length_is_known():
    assert same(post(b"abc"), post(b"x" * 70_000), post(b""), post(b"ab\r\n\r\ncd")) == 3
    assert same(GET, GET, GET) == 2


def test_each_request_has_its_own_length_and_its_own_headers():
    (made, _, _), spared = heard([post(b"abc"), post(b"abcdefghijkl"), post(b"ab")])
    assert spared == 2
    assert [(dict(scope["headers"])[b"content-length"], body) for scope, body, _, _ in made] == [
        (b"3", b"abc"),
        (b"12", b"abcdefghijkl"),
        (b"2", b"ab"),
    ]
    assert all(scope["path"] == "/a b" and "state" not in scope and len(scope["headers"]) == 3 for scope, *_ in made)


@pytest.mark.parametrize(
    "second",
    [
        post(b"abc", b"2"),
        post(b"abc", b"4"),
        post(b"abc", b""),
        post(b"abc", b" 3"),
        post(b"abc", b"3 "),
        post(b"abc", b"+3"),
        post(b"abc", b"003"),
        post(b"abc", b"3\r\nContent-Length: 3"),
        post(b"abc", b"3\r\nTransfer-Encoding: chunked"),
        post(b"abc", b"3" + b" " * 20),
        post(b"abc", b"\xb3"),
        post(b"abc", "٣".encode()),
        post(b"abc", b"3_0"),
        post(b"abc", b"0" * 5000 + b"3"),
        POST + b"0" * 5000,
        post(b"abc") + SMUGGLED,
        post(b"") + SMUGGLED,
        post(SMUGGLED, b"0"),
        post(SMUGGLED),
        b"\r\n" + post(b"abc"),
        post(b"abc")[:-1],
        post(b"abc")[:60],
        POST,
        POST + b"3",
        POST + b"3\r",
        post(b"abc").replace(b"h\r\n", b"H\r\n"),
        post(b"abc").replace(b"X: 1", b"x: 1"),
        post(b"abc").replace(b"X: 1", b"X: 2"),
        post(b"abc").replace(b"X: 1", b"XY: "),
        GET,
    ],
)
def test_what_is_but_like_it_is_left_to_the_parser_or_found_the_same(second):
    same(post(b"abc"), second, post(b"abc"), post(b"abc"))
    same(post(b"abc"), post(b"abcd"), second, SMUGGLED)


def test_whoever_else_speaks_over_the_same_connection_is_not_taken_for_the_one_before():
    """As behind a proxy that sends many users' requests over one connection."""
    users = [GET.replace(b"Host: h", b"Host: h\r\nAuthorization: Bearer usr_%c" % user) for user in b"aab"]
    (made, _, _), spared = heard([*users, users[0]])
    assert spared == 1
    assert [dict(scope["headers"])[b"authorization"][-1:] for scope, *_ in made] == [b"a", b"a", b"b", b"a"]


@pytest.mark.parametrize("more", [GET, SMUGGLED, b"x", b"\r", b"\r\n"])
def test_what_follows_a_known_head_is_read(more):
    same(GET, GET + more, GET)
    same(post(b"abc"), post(b"abc") + more, post(b"abc"))


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_what_no_request_may_be_is_none_after_a_known_one_either(bad):
    for good in (post(b"abc"), b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n", GET):
        same(good, good, bad, SMUGGLED)
        same(good, bad, bad)


@pytest.mark.parametrize(
    "first",
    [
        post(b"abc") + post(b"abcd"),
        post(b"") + SMUGGLED,
        GET + SMUGGLED,
        post(GET) + GET,
        post(b"") + GET,
        GET + b"\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\nabc",
        b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        b"GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.1\r\nHost: h\r\nX: %b\r\n\r\n" % (b"x" * 2048),
        b"\r\n\r\n" + GET,
    ],
)
def test_only_one_whole_ordinary_request_by_itself_is_learnt(first):
    if same(first, first, GET):
        assert first.startswith(b"GET http://other/a ")


def test_a_head_that_came_in_two_reads_is_not_learnt_from_its_second_half():
    whole = post(b"abc")
    assert same(whole[:30], whole[30:], whole, whole) == 1
    half = len(whole) - 3
    assert same(whole[:half], whole[half:], GET, whole) == 0


@pytest.mark.parametrize(
    "last",
    [
        [CLOSE],
        [GET.replace(b"1.1", b"1.0")],
        [post(b"").replace(b"X: 1", b"Proxy-Connection: close")],
        [CHUNKED + TRAILER],
        [CHUNKED, TRAILER],
        [CHUNKED + b"1\r\nx\r\n", TRAILER],
    ],
)
def test_a_known_head_after_the_last_request_is_none(last):
    assert same(GET, GET, *last, GET, GET) == 1
    assert heard([GET, *last, GET])[0][2] is not None


def test_a_length_with_more_digits_than_numbers_have_is_not_learnt():
    zeros = b"0" * 5000
    same(post(b"", zeros), post(b"", zeros), GET)
    same(post(b"") + post(b"", zeros), GET)
    assert same(post(b"", zeros[:1500]), post(b"", zeros[:1500])) == 0


@pytest.mark.parametrize("decoy", [b"X-Content-Length: ", b"Content-Length-X: ", b"X: content-length: "])
@pytest.mark.parametrize("length_is_first", [True, False])
def test_the_length_alone_may_be_another(decoy, length_is_first):
    def message(told: int, body: bytes) -> bytes:
        lines = [decoy + b"%d\r\n" % told, b"Host: h\r\n", b"Content-Length: 3\r\n"]
        return b"POST / HTTP/1.1\r\n" + b"".join(lines[::-1] if length_is_first else lines) + b"\r\n" + body

    assert same(message(3, b"abc"), message(3, b"abc")) == 1
    assert same(message(3, b"abc"), message(3 + len(SMUGGLED), b"abc" + SMUGGLED)) == 0


@pytest.mark.parametrize(
    "head",
    [
        b"POST http://other/a HTTP/1.1\r\nX: 1\r\nContent-Length: %d\r\nHost: h\r\nY: 2\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length:\t %d\r\nHost: h\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: h\r\nX: 7\r\ncontent-length:%d\r\n\r\n",
    ],
)
def test_the_length_is_found_wherever_it_stands(head):
    assert same(head % 7 + b"x" * 7, head % 12 + b"x" * 12, head % 0, head % 3 + b"abc") == 3


@pytest.mark.parametrize("whole", [GET, post(b"abc")])
def test_a_head_that_stands_in_a_header_of_another_is_not_learnt(whole):
    line = whole[: whole.index(b"\r\n")]
    assert same(line + b"\r\nX: ", whole, whole, whole) == 1


def test_blank_lines_before_known_heads_are_not_added_up():
    blank = b"\r\n" * (Bounds().head_bytes // 3)
    assert same(GET, blank, GET, blank, GET, blank, GET) == 3


def test_a_known_head_is_not_looked_for_inside_of_a_body():
    start = post(post(b"abc"))[: -len(post(b"abc"))]
    found, spared = heard([post(b"x"), start, post(b"abc"), post(b"y")])
    assert [body for _, body, _, _ in found[0]] == [b"x", post(b"abc"), b"y"]
    assert spared == 1


MESSAGES = st.one_of(
    st.binary(max_size=40).map(post),
    st.tuples(st.binary(max_size=12), st.integers(0, 30)).map(lambda made: post(made[0], b"%d" % made[1])),
    st.sampled_from([GET, SMUGGLED, CLOSE, CHUNKED, TRAILER, b"\r\n", POST, AFTER, b"abc", b"0", *BAD.values()]),
)


@given(st.lists(MESSAGES, max_size=8), st.lists(st.integers(0, 400), max_size=8))
def test_any_bytes_in_any_pieces_are_taken_for_what_the_parser_takes_them_for(messages, cuts):
    same(*messages)
    stream = b"".join(messages)
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    same(*(stream[start:end] for start, end in pairwise(places)))


async def test_a_client_that_keeps_its_connection_is_answered_as_before():
    async with serving(echo) as served, served.talk() as talk:
        for body in (b"one", b"another", b""):
            await talk.say(post(body))
            said = await talk.hear()
            assert (said.json["path"], said.json["query"], said.json["body"]) == ("/a b", "q", body.decode())
            assert ["content-length", str(len(body))] in said.json["headers"]


async def test_a_reply_to_a_known_head_may_take_longer_than_its_body_might():
    async def slow(scope, receive, send):
        await asyncio.sleep(0.3)
        await echo(scope, receive, send)

    async with serving(slow, body=0.05) as served, served.talk() as talk:
        for body in (b"one", b"another"):
            await talk.say(post(body))
            assert (await talk.hear()).json["body"] == body.decode()
