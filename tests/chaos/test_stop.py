"""SIGTERM: what is under way is answered and recorded, then everything ends by itself."""

from __future__ import annotations

import asyncio
import signal
import time
from typing import Any

import pytest

from chaos.installation import Installation, until
from chaos.load import Outside
from chaos.witness import Patient

CALLS = 8
SLOW_SECONDS = 2
DRAIN_SECONDS = 20


@pytest.fixture
async def github():
    """A GitHub that takes its time."""
    async with Patient({"tok": "ada"}) as service:
        service.seconds = SLOW_SECONDS
        service.before = lambda _received: asyncio.sleep(service.seconds)
        yield service


async def test_calls_under_way_are_answered_and_recorded_and_nobody_else_is_let_in(
    installation: Installation, outside: Outside, github: Patient
):
    await installation.start()
    organization = await outside.organization()
    await organization.connect(github, "tok")
    key = await organization.new_key(key_type="user")
    calls = [asyncio.create_task(organization.call("github.create_issue", issue(n), key=key)) for n in range(CALLS)]
    await until(lambda: len(github.received) == CALLS, 30)
    installation.process.send_signal(signal.SIGTERM)
    asked = time.monotonic()
    await until_refused(installation, 10)
    while not all(call.done() for call in calls):
        assert await refused(installation)
        await asyncio.sleep(0.1)
    answers = [await call for call in calls]
    assert await installation.end() == 0
    assert time.monotonic() - asked < DRAIN_SECONDS - 5, "it ends with the last call, not with its patience"
    assert sorted(answer["structuredContent"]["title"] for answer in answers) == sorted(map(str, range(CALLS)))
    assert installation.remains({}) == []

    await installation.start()
    _, audit = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    recorded = {entry["id"]: (entry["outcome"], entry["receipt"]["row_hash"]) for entry in audit["entries"]}
    assert recorded == {answer["_meta"]["receipt"]["id"]: ("ok", receipt_of(answer)) for answer in answers}
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    assert [entry["usage_count"] for entry in keys["api_keys"] if key.startswith(entry["key_prefix"])] == [CALLS]
    _, stored = await organization.ask("GET", "/api/v1/credentials/github")
    assert stored["usage_count"] == CALLS
    assert await installation.stop() == 0


async def test_clients_that_never_finish_do_not_hold_it_forever(
    installation: Installation, outside: Outside, github: Patient
):
    github.seconds = 600
    await installation.start("--workers", "2")
    organization = await outside.organization()
    await organization.connect(github, "tok")
    endless = asyncio.create_task(organization.ask("POST", "/mcp", message(issue(0))))
    clients = [await talk(installation, text) for text in (b"", b"GET /hea", HALF_A_BODY) for _ in range(3)]
    idle = await talk(installation, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
    await idle[0].readuntil(b"\r\n\r\n")
    await until(lambda: len(github.received) == 1, 30)
    installation.process.send_signal(signal.SIGTERM)
    assert await installation.end(DRAIN_SECONDS + 20) == 0
    assert installation.remains({}) == []
    assert "Traceback" not in installation.log.read_text()
    await asyncio.gather(endless, return_exceptions=True)
    for _, writer in (*clients, idle):
        writer.close()

    await installation.start()
    _, audit = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    # It was sent, and nobody heard what came of it: the record says neither more nor less.
    assert [entry["outcome"] for entry in audit["entries"]] in (["pending"], ["unknown"])
    assert await installation.stop() == 0


async def test_idle_connections_do_not_delay_the_end(installation: Installation):
    await installation.start()
    idle = [await talk(installation, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") for _ in range(5)]
    for reader, _ in idle:
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
    began = time.monotonic()
    assert await installation.stop() == 0
    assert time.monotonic() - began < DRAIN_SECONDS - 5
    for _, writer in idle:
        writer.close()


HALF_A_BODY = b"POST /mcp HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"


def issue(number: int) -> dict[str, str]:
    return {"owner": "acme", "repo": "site", "title": str(number)}


def message(arguments: dict[str, str]) -> dict[str, Any]:
    params = {"name": "github.create_issue", "arguments": arguments}
    return {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}


def receipt_of(answer: dict[str, Any]) -> str:
    return answer["_meta"]["receipt"]["row_hash"]


async def talk(installation: Installation, text: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", installation.port)
    writer.write(text)
    await writer.drain()
    return reader, writer


async def refused(installation: Installation) -> bool:
    try:
        _, writer = await talk(installation, b"")
    except OSError:
        return True
    writer.close()
    return False


async def until_refused(installation: Installation, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await refused(installation):
                return
            await asyncio.sleep(0.01)
