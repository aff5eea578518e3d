"""Rows of the audit: appended, and read newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, cast
from uuid import UUID

import asyncpg

from devmesh.db.pool import Record, Tx, pooled

Append = Callable[[Sequence[bytes]], Awaitable[object]]
Page = Callable[[Tx, UUID, datetime, Sequence[Any], Sequence[Any]], Awaitable[list[Record]]]

# `conflict` can only be with the same row: written again because the answer to its commit was lost.
_APPEND = """
insert into audit_events (row_hash, id, organization_id, tenant_id, entry_id, phase, at, record)
select substr(packed, 1, 32),
    encode(substr(packed, 33, 16), 'hex')::uuid,
    encode(substr(packed, 49, 16), 'hex')::uuid,
    encode(substr(packed, 65, 16), 'hex')::uuid,
    encode(substr(packed, 81, 16), 'hex')::uuid,
    get_byte(packed, 96),
    timestamptz 'epoch'
        + ('x' || encode(substr(packed, 98, 8), 'hex'))::bit(64)::bigint * interval '1 microsecond',
    convert_from(substr(packed, 106), 'UTF8')
from unnest($1::bytea[]) as rows (packed)
on conflict do nothing
"""

_ENTRIES = """
select row_id, organization_id, tenant_id, entry_id, phase, at, record, row_hash,
    outcome_id, outcome_tenant_id, outcome_at, outcome_record, outcome_row_hash, outcome
from (
    select e.id as row_id, e.organization_id, e.tenant_id, e.entry_id, e.phase, e.record, e.row_hash,
        -- Within what a reader can name, wherever it was moved to.
        least(greatest(e.at, timestamptz 'epoch'), timestamptz '9999-12-30 00:00Z') as at,
        {did} as facts,
        o.id as outcome_id, o.tenant_id as outcome_tenant_id, o.record as outcome_record,
        o.row_hash as outcome_row_hash,
        least(greatest(o.at, timestamptz 'epoch'), timestamptz '9999-12-30 00:00Z') as outcome_at,
        case
            when e.phase = 2 then coalesce({did} ->> 'outcome', 'unknown')
            when o.record is not null then coalesce({came} ->> 'outcome', 'unknown')
            when e.at < $2 then 'unknown'
            else 'pending'
        end as outcome
    from audit_events e
    left join audit_events o
        on o.organization_id = e.organization_id and o.entry_id = e.entry_id and o.phase = 1
    where e.organization_id = $1 and e.phase <> 1 and e.entry_id < $3 and e.entry_id >= $4
) as entries
where at >= $5 and at < $6
    and ({lost} or (
        ($7::text is null or $7 in (facts ->> 'user_id', facts ->> 'key_id', facts ->> 'on_behalf_of'))
        and ($8::text is null or facts ->> 'action' = $8)
        and ($9::text is null or facts ->> 'service' = $9)
        and ($10::text is null or facts ->> 'tool' = $10)
    ))
    and ($11::text is null or outcome = $11)
order by entry_id desc
limit $12
"""
# How a record is read: as JSON, or slower, where that failed, each tried by itself.
_TRUSTED = {"did": "e.record::jsonb", "came": "o.record::jsonb", "lost": "false"}
_TRIED = {"did": "audit_facts(e.record)", "came": "audit_facts(o.record)", "lost": "facts is null"}


class RecordsDamaged(Exception):
    """A record among those read is no JSON any more: somebody altered it in the database."""


async def appender(connection: asyncpg.Connection) -> Append:
    """Return `append` prepared for this connection: a commit of its own for each call, in one round trip."""
    if await pooled(connection):
        return partial(_append_pooled, connection)
    statement = await connection.prepare(_APPEND)
    return cast("Append", statement.fetch)


async def _append_pooled(connection: asyncpg.Connection, rows: Sequence[bytes]) -> None:
    # Outside a transaction a pooler may parse the statement in one session and execute it in another.
    async with connection.transaction():
        await connection.execute(_APPEND, rows)


async def append(tx: Tx, rows: Sequence[bytes]) -> None:
    """Append packed rows, of one organization or of several, in one statement; one that is there already stays."""
    await tx.run(_APPEND, rows)


async def page(
    tx: Tx, organization_id: UUID, given_up: datetime, bounds: Sequence[Any], filters: Sequence[Any]
) -> list[Record]:
    """Return entries of the organization, the newest first; raise RecordsDamaged if one of the records is no JSON.

    An intent from before `given_up` without an outcome is `unknown`. `bounds` are: entries before
    and not before these ids, not before and before these times; `filters` are actor, action,
    service, tool, outcome (each None for any) and the number of entries.
    """
    try:
        return await tx.all(_ENTRIES.format(**_TRUSTED), organization_id, given_up, *bounds, *filters)
    except (asyncpg.DataError, asyncpg.ProgramLimitExceededError):
        raise RecordsDamaged from None


async def damaged_page(
    tx: Tx, organization_id: UUID, given_up: datetime, bounds: Sequence[Any], filters: Sequence[Any]
) -> list[Record]:
    """Return what `page` returns; where a record is no JSON, nobody knows whose it is: each actor, action and so on.

    So no filter hides it but by time and outcome, which is `unknown` where nobody can read it.
    """
    return await tx.all(_ENTRIES.format(**_TRIED), organization_id, given_up, *bounds, *filters)
