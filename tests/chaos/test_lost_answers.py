"""The moments at which nobody can say whether PostgreSQL did what it was asked: each is made to happen."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import UUID

import pytest

from chaos.installation import until
from chaos.wire import Wire
from devmesh.audit.model import Record, Visitor
from devmesh.audit.rows import single
from devmesh.audit.writer import Writer
from devmesh.db.changes import Changes
from devmesh.db.embedded import Embedded
from devmesh.db.pool import CommitUnknown, Database, DatabaseAway, Tx
from devmesh.db.tally import Tally, Uses
from devmesh.ids import new_id


@pytest.fixture
async def wire(postgres: Embedded) -> AsyncIterator[Wire]:
    with tempfile.TemporaryDirectory(prefix="devmesh-wire-") as directory:
        async with Wire(postgres.app_dsn, Path(directory)) as wire:
            yield wire


@pytest.fixture
async def through(wire: Wire) -> AsyncIterator[Database]:
    """The database at the other end of the wire."""
    database = Database(wire.connect, size=2)
    await database.open()
    yield database
    await database.close()


async def _note(tx: Tx, mark: str) -> None:
    await tx.run("insert into sprayed_accounts values ($1, $1, now())", mark.encode())


async def _noted(tx: Tx, mark: str) -> int:
    return await tx.value("select count(*) from sprayed_accounts where email_digest = $1", mark.encode())


async def test_a_lost_answer_to_a_commit_is_told_as_such(wire: Wire, through: Database, db: Database):
    mark = new_id().hex
    wire.lose_answer_to = b"commit\0"
    with pytest.raises(CommitUnknown, match="away while"):
        async with through.routing() as tx:
            await _note(tx, mark)
    assert wire.lost == 1
    async with db.routing() as tx:
        assert await _noted(tx, mark) == 1


async def test_uses_whose_commit_was_not_answered_are_not_counted_again(wire: Wire, through: Database, db: Database):
    key = new_id()

    async def save(tx: Tx, _organization_id: UUID, _tenant_id: UUID, uses: Uses) -> None:
        for used, count, _ in uses:
            for number in range(count):
                await _note(tx, f"{used}-{new_id()}-{number}")

    tally = Tally(through, save)
    tally.count(key, key, key)
    wire.lose_answer_to = b"commit\0"
    await tally._flush_if_possible()
    assert wire.lost == 1
    tally.count(key, key, key)
    await tally.flush()
    async with db.routing() as tx:
        sql = "select count(*) from sprayed_accounts where position(convert_to($1, 'UTF8') in email_digest) = 1"
        assert await tx.value(sql, f"{key}-") == 2


async def test_a_change_stays_made_when_its_connection_is_lost_on_the_way_back(
    wire: Wire, through: Database, db: Database
):
    mark, told = new_id().hex, []
    async with through.routing() as tx:
        await _note(tx, mark)
        tx.after_commit(lambda: told.append(mark))
        # What resets the connection before somebody else gets it.
        wire.lose_answer_to = b"pg_advisory_unlock_all"
    assert wire.lost == 1
    assert told == [mark]
    async with db.routing() as tx:
        assert await _noted(tx, mark) == 1


async def test_a_statement_after_the_servers_farewell_finds_the_database_away(wire: Wire, through: Database):
    async with through.routing() as tx:
        await tx.value("select 1")
    wire.say_farewell()
    await asyncio.sleep(0.05)
    with pytest.raises(DatabaseAway):
        async with through.routing() as tx:
            await tx.value("select 1")
    async with through.routing() as tx:
        assert await tx.value("select 1") == 1


async def test_an_audit_row_whose_answer_was_lost_is_there_once(wire: Wire, db: Database):
    writer = Writer(wire.connect)
    await writer.open()
    actor = Visitor(request_id=new_id().hex, organization_id=new_id())
    writer.put(single(actor, Record(action="tested", request_id=actor.request_id)))
    wire.lose_answer_to = actor.request_id.encode()
    await writer.durable()
    assert wire.lost == 1
    async with db.acting(actor.organization_id) as tx:
        sql = "select count(*) from audit_events where organization_id = $1"
        assert await tx.value(sql, actor.organization_id) == 1
    await writer.close()


async def test_the_audit_writer_survives_the_servers_farewell(wire: Wire):
    writer = Writer(wire.connect)
    await writer.open()
    wire.say_farewell()
    await asyncio.sleep(0.05)
    writer.put(single(Visitor(organization_id=new_id()), Record(action="tested")))
    await writer.durable()
    await writer.close()


async def test_a_change_that_was_announced_while_nobody_listened_empties_the_caches(wire: Wire):
    changes, forgotten = Changes(wire.connect), asyncio.Event()
    await changes.open()
    changes.missed(forgotten.set)
    wire.say_farewell()
    async with asyncio.timeout(30):
        await forgotten.wait()
    await until(changes.fresh, 30)
    await changes.close()
