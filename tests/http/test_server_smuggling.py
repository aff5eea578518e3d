"""What two readers could understand in two ways is no request: 400, and nothing that follows it is read."""

from __future__ import annotations

import pytest

from http_talk import echo, serving
from http_wrong import BAD, GET, SMUGGLED


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
