"""Group commit: few commits for many rows, nothing lost, nobody left waiting."""

import asyncio
import os
import signal
import time
from contextlib import contextmanager, suppress

import asyncpg
import pytest

from audit.opened import opened
from devmesh.audit import writer
from devmesh.audit.filters import Filters
from devmesh.audit.model import AuditUnavailable, OutcomeUnrecorded, Record
from devmesh.audit.rows import single
from devmesh.audit.writer import Writer
from devmesh.db.embedded import _processes_in
from devmesh.db.pool import Database


async def of_owner(server, sql, *arguments):
    """Ask as the owner of the table, which a policy binds: by the server's own books, not the table."""
    connection = await asyncpg.connect(**server.owner_dsn)
    try:
        return await connection.fetchval(sql, *arguments)
    finally:
        await connection.close()


async def stored(server, organization_id, what="count(*)"):
    database = Database(server.app_dsn, size=1)
    await database.open()
    try:
        async with database.acting(organization_id) as tx:
            return await tx.value(f"select {what} from audit_events")
    finally:
        await database.close()


def killed(process):
    with suppress(ProcessLookupError):
        os.kill(process, signal.SIGKILL)


@contextmanager
def stopped(server):
    """PostgreSQL is killed as hard as can be, and there again afterwards."""
    # A backend is in a session of its own and outlives the postmaster until it notices: it would still commit.
    killed(server.process.pid)
    server.process.wait()
    while backends := _processes_in(server.cluster):
        for backend in backends:
            killed(backend)
        time.sleep(0.01)
    try:
        yield
    finally:
        server.start()
        server.wait_until_ready()


async def recovered(audit):
    async with asyncio.timeout(60):
        while True:
            try:
                await audit.flush()
            except AuditUnavailable:
                await asyncio.sleep(0.05)
            else:
                return


async def test_calls_that_come_together_share_commits(audit, caller, postgres):
    async def call():
        entry = await opened(audit, caller)
        await entry.close("ok")

    await asyncio.gather(*[call() for _ in range(200)])
    assert await stored(postgres, caller.organization_id) == 400
    # Rows of one commit carry one transaction's number.
    assert await stored(postgres, caller.organization_id, "count(distinct xmin::text)") <= 10


async def test_two_agents_that_call_without_a_pause_do_not_wait_for_more(audit, caller, monkeypatch):
    monkeypatch.setattr(writer, "SPACING_SECONDS", 3600)

    async def calls():
        for _ in range(10):
            entry = await opened(audit, caller)
            entry.close("ok")

    async with asyncio.timeout(30):
        await asyncio.gather(calls(), calls())


async def test_an_outcome_nobody_waits_for_is_written_soon(audit, caller, postgres):
    entry = await opened(audit, caller)
    entry.close("ok")
    async with asyncio.timeout(30):
        while await stored(postgres, caller.organization_id) < 2:  # noqa: ASYNC110 - nobody is told
            await asyncio.sleep(0.05)
    assert await stored(postgres, caller.organization_id) == 2


async def test_the_intent_is_durable_when_open_returns(mortal, mortal_audit, caller):
    await opened(mortal_audit, caller)
    with stopped(mortal):
        pass
    assert await stored(mortal, caller.organization_id) == 1
    await recovered(mortal_audit)


async def test_a_lost_connection_is_replaced_without_anybody_noticing(audit, caller, postgres):
    await audit.record(caller, "before")
    backend = audit._writer._connection.get_server_pid()
    assert await of_owner(postgres, "select count(*) from pg_stat_activity where pid = $1", backend) == 1
    os.kill(backend, signal.SIGTERM)
    await asyncio.sleep(0.1)
    await audit.record(caller, "after")
    assert await stored(postgres, caller.organization_id) == 2


async def test_a_commit_cut_off_midway_is_made_again_and_leaves_one_row(audit, caller, postgres):
    await audit.flush()
    lock = await asyncpg.connect(**postgres.owner_dsn)
    async with lock.transaction():
        await lock.execute("lock table audit_events in exclusive mode")
        opening = asyncio.create_task(opened(audit, caller))
        await asyncio.sleep(0.2)
        assert not opening.done()
        os.kill(audit._writer._connection.get_server_pid(), signal.SIGTERM)
        await asyncio.sleep(0.2)
        assert not opening.done()
    await lock.close()
    await opening
    assert await stored(postgres, caller.organization_id) == 1


async def test_while_postgresql_is_down_calls_are_refused_at_once_and_later_served(mortal, mortal_audit, caller):
    entry = await opened(mortal_audit, caller, tool="github.create_issue")
    with stopped(mortal):
        with pytest.raises(AuditUnavailable) as refusal:
            await opened(mortal_audit, caller)
        assert (refusal.value.status, refusal.value.code) == (503, "audit_unavailable")
        assert refusal.value.retry_after > 0
        # Each would wait for seconds if it were tried.
        async with asyncio.timeout(20):
            for _ in range(100):
                with pytest.raises(AuditUnavailable):
                    await opened(mortal_audit, caller)
        with pytest.raises(OutcomeUnrecorded):
            await entry.close("ok", status=201)
        mortal_audit.refused(caller, "tool.call", "audit_unavailable")
    await recovered(mortal_audit)
    await opened(mortal_audit, caller)
    page = await mortal_audit.read(caller, Filters())
    seen = [(read.outcome, read.code) for read in page.entries]
    # The new one, the counted refusal, the one whose commit failed, and the outcome that had to wait.
    assert sorted(seen, key=str) == sorted(
        [("pending", None), ("refused", "audit_unavailable"), ("refused", "audit_unavailable"), ("ok", None)], key=str
    )


async def test_a_store_that_does_not_answer_keeps_nobody_waiting(mortal, mortal_audit, caller, monkeypatch):
    monkeypatch.setattr("devmesh.audit.writer.COMMIT_SECONDS", 2.4)
    await mortal_audit.flush()
    backend = mortal_audit._writer._connection.get_server_pid()
    os.kill(backend, signal.SIGSTOP)
    os.kill(mortal.process.pid, signal.SIGSTOP)
    try:
        began = time.perf_counter()
        calls = [opened(mortal_audit, caller) for _ in range(20)]
        results = await asyncio.gather(*calls, return_exceptions=True)
        assert time.perf_counter() - began < 20
        assert all(type(result) is AuditUnavailable for result in results)
    finally:
        os.kill(mortal.process.pid, signal.SIGCONT)
        os.kill(backend, signal.SIGCONT)
    await recovered(mortal_audit)
    page = await mortal_audit.read(caller, Filters())
    assert {read.outcome for read in page.entries} == {"refused"}
    assert len(page.entries) == 20


async def test_a_caller_that_leaves_disturbs_nobody(audit, caller, postgres):
    calls = [asyncio.create_task(opened(audit, caller)) for _ in range(3)]
    await asyncio.sleep(0)
    calls[1].cancel()
    await asyncio.gather(calls[0], calls[2])
    with pytest.raises(asyncio.CancelledError):
        await calls[1]
    await audit.flush()
    outcomes = [read.outcome for read in (await audit.read(caller, Filters())).entries]
    assert sorted(outcomes) == ["pending", "pending", "refused"]
    assert await stored(postgres, caller.organization_id) == 4


async def test_closing_writes_what_was_put(postgres, caller):
    writer = Writer(postgres.app_dsn)
    await writer.open()
    for _ in range(2500):
        writer.put(single(caller, Record(action="x")))
    await writer.close(60)
    assert await stored(postgres, caller.organization_id) == 2500


async def test_a_full_queue_refuses(postgres, caller, monkeypatch):
    monkeypatch.setattr("devmesh.audit.writer._MAX_ROWS", 3)
    writer = Writer(postgres.app_dsn)
    await writer.open()
    for _ in range(3):
        writer.check()
        writer.put(single(caller, Record(action="x")))
    with pytest.raises(AuditUnavailable):
        writer.check()
    await writer.durable()
    writer.check()
    await writer.close()


async def test_a_writer_begun_before_its_store_serves_once_it_is_there(mortal, caller):
    with stopped(mortal):
        writer = Writer(mortal.app_dsn)
        await writer.open()
        with pytest.raises(AuditUnavailable):
            writer.check()
        writer.put(single(caller, Record(action="x")))
    await writer.close(60)
    assert await stored(mortal, caller.organization_id) == 1
