"""What the edge tells its server, message by message: things that a real server would hide."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devmesh.http.edge import Edge
from devmesh.settings import Settings

SETTINGS = Settings(data_dir=Path("/nowhere"), env="production", public_url="https://mesh.example.com")


async def hello(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


async def told(app: Any, settings: Settings = SETTINGS, **scope: Any) -> list[Any]:
    """Send one request and return what the server was told."""
    messages: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        messages.append(message)

    asked = {"type": "http", "method": "GET", "path": "/", "query_string": b"", "http_version": "1.1", "client": None}
    asked["headers"] = [(b"host", b"localhost")]
    await Edge(app, settings)({**asked, **scope}, receive, send)
    return messages


async def test_head_reaches_the_application_as_get():
    async def echo(scope, receive, send):
        assert scope["method"] == "GET"
        await hello(scope, receive, send)

    start, _ = await told(echo, method="HEAD")
    assert start["status"] == 200


async def test_a_fault_after_the_reply_began_is_left_to_the_server():
    async def half(_scope, _receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        await told(half)


@pytest.mark.parametrize(("env", "status"), [("production", 403), ("development", 200)])
async def test_pages_on_loopback_may_call_outside_production_only(env, status):
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost:3000")]
    start, _ = await told(hello, replace(SETTINGS, env=env), headers=headers)
    assert start["status"] == status


async def test_a_proxy_that_is_not_trusted_says_nothing_of_the_address():
    async def echo(scope, receive, send):
        assert scope["state"]["address"] == "192.0.2.1"
        await hello(scope, receive, send)

    headers = [(b"host", b"localhost"), (b"x-forwarded-for", b"203.0.113.7")]
    start, _ = await told(echo, headers=headers, client=("::ffff:192.0.2.1", 1))
    assert start["status"] == 200


async def test_a_path_that_is_no_unicode_is_answered():
    async def nothing(*_):
        raise AssertionError

    start, body = await told(nothing, path="/\ud800\0")
    assert start["status"] == 400
    assert msgspec.json.decode(body["body"])["instance"] == "/?\0"


async def test_a_content_length_of_any_size_is_understood():
    headers = [(b"host", b"localhost"), (b"content-length", b"9" * 5000)]

    async def reads(_scope: Any, receive: Any, _send: Any) -> None:
        await receive()

    start, _ = await told(reads, headers=headers, method="POST")
    assert start["status"] == 413


async def test_a_websocket_is_turned_away():
    assert await told(hello, type="websocket") == [{"type": "websocket.close", "code": 1008}]
