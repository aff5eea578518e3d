"""What the audit says of a call that nobody can tell the end of."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
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
