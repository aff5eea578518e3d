"""An entry that somebody altered in the database is listed and marked, whatever was altered, and is told once."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import pytest

from audit.altering import alter_row
from audit.opened import opened
from devmesh import metrics
from devmesh.access import Caller
from devmesh.audit.filters import Filters
from devmesh.audit.model import AuditEntry
from devmesh.audit.rows import row_hash
from devmesh.audit.service import Audit
from devmesh.db.embedded import Embedded
from devmesh.ids import new_id

Alter = Callable[..., Awaitable[None]]
INTENT, OUTCOME, SINGLE = 0, 1, 2
NO_RECORDS = [
    "", "no JSON", '{"action":"tool.call"', "[]", "null", '"text"', '{"action":5}', '{"count":"many"}',
    '{"details":' + '{"a":' * 3000 + "1" + "}" * 3001, '{"latency_ms":1e400}',
    '{"details":{"x":1e999999}}',
]  # fmt: skip


@pytest.fixture
def alter(postgres: Embedded, caller: Caller) -> Alter:
    """Change the one row of that phase in the caller's organization; arguments are $2 and so on."""

    async def change(phase: int, assignments: str, *arguments: Any) -> None:
        await alter_row(postgres, caller.organization_id, f"phase = {phase}", assignments, *arguments)

    return change


async def called(audit: Audit, caller: Caller) -> dict[str, str]:
    """Make one call, and return its receipt."""
    entry = await opened(audit, caller, tool="github.get_issue", service="github")
    await entry.close("ok")
    return entry.receipt


async def read(audit: Audit, caller: Caller, **filters: Any) -> list[AuditEntry]:
    return (await audit.read(caller, Filters(**filters))).entries


async def test_an_entry_as_it_was_written_is_not_altered(audit: Audit, caller: Caller):
    await called(audit, caller)
    await opened(audit, caller)
    await audit.record(caller, "key.create", "k", name="a\\b")
    await audit.record(caller, "x\0y", "\ud800")
    audit.refused(caller, "tool.call", "insufficient_scope")
    assert [entry.altered for entry in await read(audit, caller)] == [False] * 5


@pytest.mark.parametrize("phase", [INTENT, OUTCOME])
@pytest.mark.parametrize(
    "assignments",
    [
        "record = record || ' '",
        "at = at + interval '1 microsecond'",
        "at = 'infinity'",
        "at = '-infinity'",
        "at = '0044-03-15 BC'",
        "tenant_id = gen_random_uuid()",
        "id = gen_random_uuid()",
        "row_hash = sha256('')",
        "row_hash = sha256(''), record = record || ' '",
    ],
)
async def test_whatever_of_a_call_is_altered_is_seen(
    audit: Audit, caller: Caller, alter: Alter, phase: int, assignments: str
):
    await called(audit, caller)
    await alter(phase, assignments)
    (entry,) = await read(audit, caller)
    assert entry.altered
    assert (entry.action, entry.tool, entry.outcome) == ("tool.call", "github.get_issue", "ok")


async def test_another_name_or_result_is_shown_as_it_stands_and_marked(audit: Audit, caller: Caller, alter: Alter):
    await called(audit, caller)
    await alter(INTENT, "record = replace(record, 'github.get_issue', 'github.get_me')")
    await alter(OUTCOME, "record = replace(record, '\"ok\"', '\"error\"')")
    await audit.record(caller, "key.create", "k")
    single, call = await read(audit, caller)
    assert (call.tool, call.outcome, call.altered) == ("github.get_me", "error", True)
    assert not single.altered
    await alter(SINGLE, "record = replace(record, 'key.create', 'key.revoke')")
    assert [entry.altered for entry in await read(audit, caller)] == [True, True]


@pytest.mark.parametrize("turned", [INTENT, SINGLE])
async def test_a_row_of_another_phase_is_marked(audit: Audit, caller: Caller, alter: Alter, turned: int):
    if turned == SINGLE:
        await opened(audit, caller)
    else:
        await audit.record(caller, "key.create", "k")
    await alter(SINGLE - turned, f"phase = {turned}")
    (entry,) = await read(audit, caller)
    assert entry.altered


async def test_an_intent_hashed_anew_does_not_fit_its_outcome(audit: Audit, caller: Caller, alter: Alter, db: Any):
    receipt = await called(audit, caller)
    await alter(INTENT, "record = replace(record, 'github.get_issue', 'github.get_me')")
    async with db.acting(caller.organization_id) as tx:
        row = await tx.one("select * from audit_events where phase = 0")
    await alter(INTENT, "row_hash = $2", row_hash(row))
    (entry,) = await read(audit, caller)
    assert entry.altered
    assert entry.receipt.row_hash == receipt["row_hash"]


async def test_who_hashes_both_rows_anew_is_told_by_the_kept_receipt_alone(
    audit: Audit, caller: Caller, alter: Alter, db: Any
):
    receipt = await called(audit, caller)
    await alter(INTENT, "record = replace(record, 'github.get_issue', 'github.get_me')")
    for phase in (INTENT, OUTCOME):
        async with db.acting(caller.organization_id) as tx:
            row = await tx.one("select * from audit_events where phase = $1", phase)
            intent = await tx.value("select encode(row_hash, 'hex') from audit_events where phase = 0")
        if phase == OUTCOME:
            row = {**row, "record": re.sub('(?<="intent":")[0-9a-f]{64}', intent, row["record"])}
        await alter(phase, "row_hash = $2, record = $3", row_hash(row), row["record"])
    (entry,) = await read(audit, caller)
    assert not entry.altered
    assert entry.receipt.row_hash != receipt["row_hash"]


@pytest.mark.parametrize("text", NO_RECORDS)
@pytest.mark.parametrize("phase", [INTENT, OUTCOME, SINGLE])
async def test_what_is_no_record_any_more_is_listed_and_marked_among_the_others(
    audit: Audit, caller: Caller, alter: Alter, phase: int, text: str
):
    receipt = await called(audit, caller) if phase != SINGLE else None
    await audit.record(caller, "key.create", "k")
    if receipt is None:
        await called(audit, caller)
    await alter(phase, "record = $2", text)
    entries = await read(audit, caller)
    assert len(entries) == 2
    (marked,) = [entry for entry in entries if entry.altered]
    if phase == INTENT:
        assert (marked.action, marked.tool, marked.actor.user_id, marked.outcome) == ("", None, None, "ok")
    elif phase == OUTCOME:
        assert (marked.action, marked.tool, marked.outcome, marked.code) == (
            "tool.call", "github.get_issue", "unknown", None,
        )  # fmt: skip
    else:
        assert (marked.action, marked.target, marked.outcome) == ("", None, "unknown")


@pytest.mark.parametrize(
    "filters",
    [
        {"actor": new_id()},
        {"action": "a"},
        {"service": "jira"},
        {"tool": "jira.x"},
        {"tool": "jira.x", "outcome": "ok"},
    ],
)
async def test_no_filter_hides_a_call_of_which_nobody_can_read_what_it_was(
    audit: Audit, caller: Caller, alter: Alter, filters: dict[str, Any]
):
    await called(audit, caller)
    await audit.record(caller, "key.create", "k")
    assert await read(audit, caller, **filters) == []
    await alter(INTENT, "record = 'no JSON'")
    (entry,) = await read(audit, caller, **filters)
    assert entry.altered


async def test_an_outcome_that_nobody_can_read_is_found_as_unknown(audit: Audit, caller: Caller, alter: Alter):
    await called(audit, caller)
    await alter(OUTCOME, "record = 'no JSON'")
    assert await read(audit, caller, outcome="ok") == []
    (entry,) = await read(audit, caller, outcome="unknown", tool="github.get_issue")
    assert (entry.altered, entry.outcome) == (True, "unknown")


async def test_a_text_that_the_database_cannot_read_is_shown_as_it_stands(audit: Audit, caller: Caller, alter: Alter):
    await audit.record(caller, "key.create", "k")
    await alter(SINGLE, "record = $2", '{"action":"\\u0000"}')
    (entry,) = await read(audit, caller)
    assert (entry.altered, entry.action) == (True, "\0")


async def test_what_cannot_be_read_is_on_one_page_and_none_is_lost(audit: Audit, caller: Caller, alter: Alter):
    for number in range(5):
        await audit.record(caller, "count", str(number))
    await called(audit, caller)
    await alter(INTENT, "record = 'no JSON'")
    seen: list[UUID] = []
    before = None
    while True:
        page = await audit.read(caller, Filters(limit=2, before=before))
        seen += [entry.id for entry in page.entries]
        before = page.next
        if before is None:
            break
    assert len(set(seen)) == len(seen) == 6


async def test_an_altered_entry_is_logged_and_counted_once_and_says_nothing_of_its_content(
    audit: Audit, caller: Caller, alter: Alter, caplog: pytest.LogCaptureFixture
):
    await called(audit, caller)
    await alter(INTENT, "record = replace(record, 'github.get_issue', 'needle')")
    before = metrics.AUDIT_ALTERED.value()
    with caplog.at_level(logging.ERROR, "devmesh.audit.reading"):
        for entries in await asyncio.gather(*(read(audit, caller) for _ in range(3))):
            assert [entry.altered for entry in entries] == [True]
    assert metrics.AUDIT_ALTERED.value() == before + 1
    (line,) = caplog.messages
    assert str(entries[0].id) in line
    assert "needle" not in line


async def test_another_organizations_altered_entry_is_not_seen(
    audit: Audit, caller: Caller, stranger: Caller, alter: Alter
):
    await called(audit, caller)
    await called(audit, stranger)
    await alter(INTENT, "record = 'no JSON'")
    (theirs,) = await read(audit, stranger)
    assert not theirs.altered
    assert await read(audit, stranger, tool="none") == []


async def test_an_outcome_of_another_call_does_not_fit(audit: Audit, caller: Caller, alter: Alter):
    await called(audit, caller)
    await alter(OUTCOME, "record = overlay(record placing $2 from 12 for 64)", hashlib.sha256(b"").hexdigest())
    (entry,) = await read(audit, caller)
    assert entry.altered
