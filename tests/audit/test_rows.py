"""What row-level security and privileges allow, and that nothing in a row changes unseen."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from audit.opened import opened
from devmesh.audit import store
from devmesh.audit.model import Record, Visitor
from devmesh.audit.rows import pack, row_hash, single
from devmesh.ids import new_id


async def rows_of(db, organization_id):
    async with db.acting(organization_id) as tx:
        return [dict(row) for row in await tx.all("select * from audit_events order by id")]


@pytest.mark.parametrize(
    "statement", ["update audit_events set phase = 2", "delete from audit_events", "truncate audit_events"]
)
async def test_the_gateways_role_can_neither_change_nor_remove_a_row(db, audit, caller, statement):
    await audit.record(caller, "key.create", "k")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with db.acting(caller.organization_id) as tx:
            await tx.run(statement)


async def test_without_an_organization_no_row_is_seen(db, audit, caller):
    await audit.record(caller, "key.create", "k")
    async with db.routing() as tx:
        assert await tx.value("select count(*) from audit_events") == 0


async def test_the_owner_of_the_table_is_bound_too(postgres, audit, caller):
    await audit.record(caller, "key.create", "k")
    owner = await asyncpg.connect(**postgres.owner_dsn)
    try:
        assert await owner.fetchval("select count(*) from audit_events") == 0
        assert await owner.execute("delete from audit_events") == "DELETE 0"
    finally:
        await owner.close()


async def test_rows_of_several_organizations_go_into_one_statement(db, caller, stranger):
    async with db.routing() as tx:
        await store.append(tx, [single(caller, Record(action="a")), single(stranger, Record(action="b"))])
    (mine,), (theirs,) = await rows_of(db, caller.organization_id), await rows_of(db, stranger.organization_id)
    assert (mine["record"], theirs["record"]) == ('{"action":"a"}', '{"action":"b"}')


async def test_a_row_written_again_is_there_once(db, caller):
    row = single(caller, Record(action="a"))
    for _ in range(2):
        async with db.routing() as tx:
            await store.append(tx, [row, row])
    assert len(await rows_of(db, caller.organization_id)) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    text=st.text(max_size=300),
    details=st.none() | st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(-(2**53), 2**53)),
    phase=st.sampled_from([0, 1, 2]),
    now=st.integers(0, 4_000_000_000_000_000_000),
)
async def test_what_is_read_back_has_the_hash_that_was_written(db, text, details, phase, now):
    ids = [uuid4() for _ in range(4)]
    record = Record(action=text, target=text, details=details)
    row = pack(ids[0].bytes, ids[1].bytes + ids[2].bytes, ids[3].bytes, phase, now, record)
    async with db.acting(ids[1]) as tx:
        await store.append(tx, [row])
        (read,) = await tx.all("select *, record::jsonb as parsed from audit_events where organization_id = $1", ids[1])
    assert row_hash(dict(read)) == read["row_hash"] == row[:32]
    assert read["at"] == datetime.fromtimestamp(0, UTC) + timedelta(microseconds=now // 1000)
    assert read["phase"] == phase
    assert [read[name] for name in ("id", "organization_id", "tenant_id", "entry_id")] == ids


async def test_whatever_of_a_row_is_altered_its_hash_tells(db, audit, caller):
    await audit.record(caller, "key.create", "k")
    (row,) = await rows_of(db, caller.organization_id)
    assert row_hash(row) == row["row_hash"]
    for altered in (
        {"id": new_id()},
        {"organization_id": new_id()},
        {"tenant_id": new_id()},
        {"entry_id": new_id()},
        {"phase": 1},
        {"at": row["at"] + timedelta(microseconds=1)},
        {"record": row["record"].replace("key.create", "key.revoke")},
        {"record": row["record"] + " "},
    ):
        assert row_hash({**row, **altered}) != row["row_hash"], altered


async def test_an_outcome_holds_the_hash_of_its_intent(db, audit, caller):
    entry = await opened(audit, caller)
    of_intent = entry.receipt["row_hash"]
    await entry.close("ok")
    intent, outcome = await rows_of(db, caller.organization_id)
    assert intent["row_hash"].hex() == of_intent
    assert f'"intent":"{of_intent}"' in outcome["record"]
    assert outcome["row_hash"].hex() == entry.receipt["row_hash"]


async def test_the_operators_rows_belong_to_no_organization(db, audit, caller):
    await audit.record(Visitor(address="192.0.2.7"), "auth.login", outcome="refused", code="invalid_credentials")
    assert await rows_of(db, caller.organization_id) == []
