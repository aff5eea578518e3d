"""What a connection tells about its database: whether it is new enough, and keeps organizations apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from devmesh.db.pool import pooled

_ROLE = "select rolsuper or rolbypassrls from pg_roles where rolname = current_user"
_TABLES = """
select c.relname::text as name,
       c.relrowsecurity and c.relforcerowsecurity as bound,
       exists (select from pg_policy p where p.polrelid = c.oid) as has_policies,
       pg_get_userbyid(c.relowner) = current_user as own
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p')
order by c.relname
"""


@dataclass(frozen=True, slots=True)
class Examination:
    """What the connected role sees.

    `unbound`: it is above row security; `own`: tables that it owns; `loose`: tables that have policies
    and do not hold everybody to them; `clock`: the server's, in Unix seconds; `pooled`: a pooler stands between.
    """

    major: int
    unbound: bool
    tables: int
    bound: int
    own: tuple[str, ...]
    loose: tuple[str, ...]
    clock: float
    pooled: bool


async def examine(connect: Mapping[str, Any]) -> Examination:
    """Connect, look and leave; raises what the driver raises."""
    connection = await asyncpg.connect(**connect, timeout=5, statement_cache_size=0)
    try:
        # One transaction is one session, also behind a pooler.
        async with connection.transaction():
            return await _look(connection)
    finally:
        await connection.close()


async def _look(connection: asyncpg.Connection) -> Examination:
    rows = await connection.fetch(_TABLES)
    return Examination(
        major=connection.get_server_version().major,
        unbound=await connection.fetchval(_ROLE),
        tables=len(rows),
        bound=sum(row["bound"] for row in rows),
        own=tuple(row["name"] for row in rows if row["own"]),
        loose=tuple(row["name"] for row in rows if row["has_policies"] and not row["bound"]),
        clock=float(await connection.fetchval("select extract(epoch from clock_timestamp())")),
        pooled=await pooled(connection),
    )
