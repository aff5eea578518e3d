"""What the audit says of a call that nobody can tell the end of."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from devmesh.gateway.recalls import Recalls

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization


@pytest.mark.parametrize(
    ("tool", "arguments", "outcome"),
    [("create_issue", {"title": "once"}, "unknown"), ("get_issue", {"issue_number": 1}, "error")],
)
async def test_a_write_that_was_taken_and_not_answered_is_unknown(
    organization: Organization, tool: str, arguments: dict[str, object], outcome: str
):
    async def take(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(take, "127.0.0.1", 0) as server:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        await organization.connect(SimpleNamespace(url=url), "ghp_adas_token_000000")
        result = await organization.call(f"github.{tool}", {"owner": "o", "repo": "r", **arguments})
    assert result["_meta"]["code"] == "upstream_outcome_unknown"
    _, page = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    assert [(entry["outcome"], entry["code"]) for entry in page["entries"]] == [(outcome, "upstream_outcome_unknown")]


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_of_a_write_that_met_a_failing_server_nobody_can_say_whether_it_happened(
    organization: Organization, github: GitHub, status: int
):
    await organization.connect(github, "ghp_adas_token_000000")
    github.answer = lambda _received: (status, {"message": "oops"}, {})
    before = len(github.received)
    result = await organization.call("github.create_issue", {"owner": "o", "repo": "r", "title": "once"})
    assert (result["isError"], result["_meta"]["code"]) == (True, "upstream_outcome_unknown")
    assert "look at the service's present state" in result["content"][0]["text"]
    assert len(github.received) == before + 1
    _, page = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    assert page["entries"][0]["outcome"] == "unknown"


@pytest.mark.parametrize("status", [400, 404, 422, 429, 501])
async def test_a_write_that_was_refused_did_not_happen(organization: Organization, github: GitHub, status: int):
    await organization.connect(github, "ghp_adas_token_000000")
    github.answer = lambda _received: (status, {"message": "no"}, {})
    result = await organization.call("github.create_issue", {"owner": "o", "repo": "r", "title": "once"})
    assert result["_meta"]["code"] == "upstream_error"


async def test_a_read_that_met_a_failing_server_is_asked_for_again(
    organization: Organization, github: GitHub, monkeypatch: pytest.MonkeyPatch
):
    # A busy machine hears late that the credential was stored, or its heart beat, and rightly leaves it at one answer.
    monkeypatch.setattr(Recalls, "stand", lambda *_: True)
    await organization.connect(github, "ghp_adas_token_000000")
    answers = iter([(503, {}, {}), (502, {}, {}), (200, {"number": 1}, {})])
    github.answer = lambda _received: next(answers)
    result = await organization.call("github.get_issue", {"owner": "o", "repo": "r", "issue_number": 1})
    assert result["structuredContent"] == {"number": 1}
    _, page = await organization.ask("GET", "/api/v1/audit?action=tool.call")
    assert [entry["outcome"] for entry in page["entries"]] == ["ok"]
