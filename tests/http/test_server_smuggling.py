"""What two readers could understand in two ways is no request: 400, and nothing that follows it is read."""

from __future__ import annotations

import pytest

from http_talk import echo, serving

POST = b"POST / HTTP/1.1\r\nHost: h\r\n"
GET = b"GET / HTTP/1.1\r\nHost: h\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

BAD = {
    "length and chunks": POST + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "chunks and length": POST + b"Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 44\r\n\r\n",
    "the same length twice": POST + b"Content-Length: 0\r\nContent-Length: 0\r\n\r\n",
    "a list of lengths": POST + b"Content-Length: 0, 0\r\n\r\n",
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length in hexadecimal": POST + b"Content-Length: 0x0\r\n\r\n",
    "a length without digits": POST + b"Content-Length:\r\n\r\n",
    "a length beyond reason": POST + b"Content-Length: 99999999999999999999\r\n\r\n",
    "another coding": POST + b"Transfer-Encoding: gzip\r\n\r\n",
    "a coding before chunks": POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "a coding after chunks": POST + b"Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "two codings": POST + b"Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "two times chunks": POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a coding by another name": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a coding with a tab inside": POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "an empty coding": POST + b"Transfer-Encoding:\r\n\r\n0\r\n\r\n",
    "identity": POST + b"Transfer-Encoding: identity\r\n\r\n",
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "a tab before the colon": POST + b"Content-Length\t: 0\r\n\r\n",
    "a folded header": POST + b"X: a\r\n b\r\n\r\n",
    "a folded coding": POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a blank before the first header": b"GET / HTTP/1.1\r\n Host: h\r\n\r\n",
    "a header without a name": GET + b": a\r\n\r\n",
    "a header without a colon": GET + b"abc\r\n\r\n",
    "a name that is no ASCII": GET + b"\xff: a\r\n\r\n",
    "NUL in a value": GET + b"X: a\0b\r\n\r\n",
    "a bare CR in a value": GET + b"X: a\rb\r\n\r\n",
    "a bare CR and more": GET + b"X: a\rContent-Length: 3\r\n\r\n",
    "line feeds alone": b"GET / HTTP/1.1\nHost: h\n\n",
    "a line feed alone after a value": b"GET / HTTP/1.1\r\nHost: h\nX: 1\r\n\r\n",
    "a line feed alone at the end": GET + b"\n",
    "a CR too many": b"GET / HTTP/1.1\r\r\nHost: h\r\n\r\n",
    "a chunk's size with a line feed alone": CHUNKED + b"\r\n1\na\r\n0\r\n\r\n",
    "a chunk longer than its size": CHUNKED + b"\r\n1\r\nab\r\n0\r\n\r\n",
    "a chunk's size with a sign": CHUNKED + b"\r\n+1\r\na\r\n0\r\n\r\n",
    "a chunk's size in another notation": CHUNKED + b"\r\n0x1\r\na\r\n0\r\n\r\n",
    "a chunk's size with a blank": CHUNKED + b"\r\n1 \r\na\r\n0\r\n\r\n",
    "a chunk's size that overflows": CHUNKED + b"\r\nffffffffffffffff1\r\na\r\n0\r\n\r\n",
    "no chunk's size": CHUNKED + b"\r\n\r\n0\r\n\r\n",
    "a line feed in a chunk's extension": CHUNKED + b"\r\n1;a\nb\r\na\r\n0\r\n\r\n",
    "such a chunk where another protocol is asked for": CHUNKED
    + b"Connection: upgrade\r\nUpgrade: h2c\r\n\r\n1;a\nb\r\na\r\n0\r\n\r\n",
    "two hosts": GET + b"Host: other\r\n\r\n",
    "the same host twice": GET + b"host: h\r\n\r\n",
    "another version": b"GET / HTTP/1.2\r\nHost: h\r\n\r\n",
    "HTTP/2.0": b"GET / HTTP/2.0\r\nHost: h\r\n\r\n",
    "HTTP/0.9": b"GET /\r\n\r\n",
    "the preface of HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "words after the version": b"GET / HTTP/1.1 x\r\nHost: h\r\n\r\n",
    "a blank in the target": b"GET / x HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tab in the target": b"GET /\tx HTTP/1.1\r\nHost: h\r\n\r\n",
    "a fragment": b"GET /#x HTTP/1.1\r\nHost: h\r\n\r\n",
    "a fragment of a whole address": b"GET http://h/#x HTTP/1.1\r\nHost: h\r\n\r\n",
    "a target that is no ASCII": b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
    "a target that is no path": b"GET x HTTP/1.1\r\nHost: h\r\n\r\n",
    "an address of another scheme": b"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "an address with a user": b"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n",
    "a tunnel": b"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n",
    "a method in lower case": b"get / HTTP/1.1\r\nHost: h\r\n\r\n",
    "no method": b" / HTTP/1.1\r\nHost: h\r\n\r\n",
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("shape", BAD)
async def test_it_is_400_and_the_connection_ends(shape):
    asked = []

    async def app(scope, receive, send):
        asked.append(scope["path"])
        await echo(scope, receive, send)

    async with serving(app) as served:
        replies = await served.ask(BAD[shape] + SMUGGLED)
    # Where only the body is wrong the application is asked, and its `receive` fails.
    assert asked in ([], ["/"])
    assert [said.status for said in replies] == ([400] if asked == [] else [500])
    assert replies[-1].headers["connection"] == "close"


@pytest.mark.parametrize("shape", ["a chunk longer than its size", "length and chunks", "line feeds alone"])
async def test_the_refusal_is_a_problem_document_behind_the_edge_too(wire, shape):
    raw = BAD[shape].replace(b"Host: h", b"Host: localhost").replace(b"POST / ", b"POST /swallow ")
    reply = await wire.ask(raw + SMUGGLED)
    assert reply.status == 400
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.headers["x-request-id"] == reply.json["request_id"]
    assert reply.headers["cache-control"] == "no-store"
    assert reply.json["code"] == "bad_request"
    assert reply.json["detail"]


async def test_what_came_before_is_answered_first():
    async with serving(echo) as served:
        replies = await served.ask(GET + b"\r\n" + GET + b"\r\n" + b"nonsense\r\n\r\n" + SMUGGLED)
    assert [said.status for said in replies] == [200, 200, 400]


async def test_a_request_after_the_last_one_is_not_read():
    async with serving(echo) as served:
        replies = await served.ask(GET + b"Connection: close\r\n\r\n" + SMUGGLED)
    assert [said.json["path"] for said in replies] == ["/"]
