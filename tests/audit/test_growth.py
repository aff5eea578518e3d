"""What the page on operating says of the audit's size, and of ending what is old."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg
import pytest

from devmesh.audit import store
from devmesh.audit.filters import Filters
from devmesh.audit.model import Record
from devmesh.audit.rows import SINGLE, new_row_id, now_ns, owner, pack
from devmesh.ids import new_id

PAGE = (Path(__file__).parents[2] / "docs" / "operating.md").read_text()
CALLS, CALLERS = 4000, 10
YEAR_NS = 366 * 86_400 * 10**9


async def called(audit, caller):
    async with audit.entry(caller, "tool.call", "github.create_issue") as entry:
        await entry.open(service="github", arguments={"title": "Hello"})
        entry.credential_source, entry.credential_id = "user", new_id()
        await entry.close("ok", host="api.github.com", status=201)


async def size(owner_of_it):
    return await owner_of_it.fetchval("select pg_total_relation_size('audit_events')")


@pytest.fixture
async def table(postgres):
    """The connection of the role that owns the tables."""
    connection = await asyncpg.connect(**postgres.owner_dsn)
    yield connection
    await connection.close()


async def test_a_call_takes_the_room_that_the_page_says(audit, somebody, table):
    callers = [somebody(request_id="01a203b15c06be01d93abe56cd") for _ in range(CALLERS)]
    before = await size(table)
    for _ in range(CALLS // CALLERS // 20):
        await asyncio.gather(*(called(audit, caller) for caller in callers for _ in range(20)))
    [said] = re.findall(r"about (\d\.\d) KB with their indexes", PAGE)
    assert (await size(table) - before) / CALLS == pytest.approx(float(said) * 1000, rel=0.15)


async def test_what_is_old_ends_by_the_statements_of_the_page_and_nothing_else_does(audit, caller, stranger, db, table):
    old = now_ns() - YEAR_NS
    rows = []
    for who in (caller, stranger):
        row_id = new_row_id(old)
        rows.append(pack(row_id, owner(who), row_id, SINGLE, old, Record(action="old")))
    async with db.routing() as tx:
        await store.append(tx, rows)
    for who in (caller, stranger):
        await called(audit, who)
    [printed] = re.findall(r"<< 'SQL'\n(create policy.*?)SQL\n", PAGE, re.DOTALL)
    for statement in printed.split(";")[:-1]:
        await table.execute(statement)
    for who in (caller, stranger):
        assert [entry.action for entry in (await audit.read(who, Filters())).entries] == ["tool.call"]
    assert await table.execute("delete from audit_events") == "DELETE 0"
