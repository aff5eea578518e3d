"""What a service says of a credential, as it is told and kept."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

from devmesh.credentials import service as module

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

TOKEN = "ghp_adas_token_000000"


async def test_a_service_that_sends_the_token_back_as_a_name_shows_it_to_nobody(
    organization: Organization, github: GitHub
):
    await organization.connect(github, TOKEN)
    github.answer = lambda _received: (200, {"login": TOKEN}, {})
    status, verdict = await organization.ask("POST", "/api/v1/credentials/github/validate", {})
    assert (status, verdict["status"]) == (200, "valid")
    assert "[secret removed]" in str(verdict)
    _, kept = await organization.ask("GET", "/api/v1/credentials/github")
    assert TOKEN not in f"{verdict}{kept}"


async def test_an_answer_that_is_far_too_long_for_the_question_says_nothing(organization: Organization, github: GitHub):
    await organization.connect(github, TOKEN)
    github.answer = lambda _received: (200, {"login": "ada", "more": "x" * 1_048_576}, {})
    status, verdict = await organization.ask("POST", "/api/v1/credentials/github/validate", {})
    assert (status, verdict["status"], verdict["valid"]) == (200, "unknown", None)
    assert "more than 1048576 bytes" in verdict["reason"]


async def test_a_tenant_asks_so_many_services_at_once_and_no_more(mesh: Mesh, organization: Organization):
    other, answering, asked = await mesh.organization(), asyncio.Event(), asyncio.Semaphore(0)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        asked.release()
        await answering.wait()
        body = b'{"login": "ada"}'
        head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        writer.write(head.encode() + b"Connection: close\r\n\r\n" + body)
        await writer.drain()
        writer.close()

    def validate(one: Organization) -> asyncio.Task[tuple[int, dict[str, str]]]:
        return asyncio.create_task(one.ask("POST", "/api/v1/credentials/github/validate", {}))

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        slow = SimpleNamespace(url=f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        for one in (organization, other):
            await one.connect(slow, TOKEN)
        waiting = [validate(organization) for _ in range(module.MOST_ASKED)]
        for _ in waiting:
            await asked.acquire()
        status, refusal = await validate(organization)
        assert (status, refusal["code"]) == (429, "rate_limit_exceeded")
        others = validate(other)
        await asked.acquire()
        answering.set()
        assert {status for status, _ in await asyncio.gather(*waiting, others)} == {200}
        assert (await validate(organization))[0] == 200
