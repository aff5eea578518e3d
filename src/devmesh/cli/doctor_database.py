"""What the doctor asks the database: that it answers, is new enough, and keeps organizations apart."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import asyncpg

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.crypto.master import load_master_key
from devmesh.db.embedded import Embedded
from devmesh.db.embedded_binaries import OLDEST_MAJOR
from devmesh.db.pool import CONNECTION_LOST
from devmesh.serve.connections import Connections, connections
from devmesh.serve.handover import Handover
from devmesh.settings import Settings, SettingsError

_SKEW_SECONDS = 5
_TABLES = """
select c.relname::text as name, c.relforcerowsecurity as forced, pg_get_userbyid(c.relowner)::text as owner
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where n.nspname = 'public' and c.relkind in ('r', 'p')
"""
# A table that has policies is meant to be bound by them, its owner included.
_LOOSE = """
select c.relname::text as name from pg_class c
where not (c.relrowsecurity and c.relforcerowsecurity) and exists (select from pg_policy p where p.polrelid = c.oid)
"""
_ROLE = "select rolsuper or rolbypassrls as unbound from pg_roles where rolname = current_user"


async def look(settings: Settings) -> list[Finding]:
    """Look at the database; an embedded one that is not running is nothing wrong."""
    embedded = Embedded(settings.data_dir) if settings.embedded else None
    if embedded and not embedded.ready():
        return [good("database: the embedded PostgreSQL is not running; 'devmesh serve' starts it")]
    try:
        to = _connections(settings, embedded)
    except SettingsError:
        return []  # The machine's part has said it.
    try:
        connection = await asyncpg.connect(**to.app, timeout=5)
    except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
        return [await _unreachable(to, type(error).__name__)]
    try:
        return await _examine(connection, to.app_role)
    finally:
        await connection.close()


def _connections(settings: Settings, embedded: Embedded | None) -> Connections:
    owner, app = (embedded.owner_dsn, embedded.app_dsn) if embedded else (None, None)
    handed = Handover(settings.host, settings.port, settings.workers, load_master_key(settings), owner, app)
    return connections(settings, handed)


async def _unreachable(to: Connections, why: str) -> Finding:
    try:
        connection = await asyncpg.connect(**to.owner, timeout=5)
    except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
        return wrong(f"database ({type(error).__name__})", "start it, or correct DEVMESH_DATABASE_URL.")
    await connection.close()
    return wrong(
        f"database: the role {to.app_role} cannot connect ({why})",
        "run 'devmesh migrate' with the master key of this installation.",
    )


async def _examine(connection: asyncpg.Connection, role: str) -> list[Finding]:
    major = connection.get_server_version().major
    version = f"database: PostgreSQL {major}"
    return [
        good(version) if major >= OLDEST_MAJOR else wrong(version, f"version {OLDEST_MAJOR} or newer is needed."),
        _role(role, await connection.fetchval(_ROLE)),
        _tables(role, await connection.fetch(_TABLES), await connection.fetch(_LOOSE)),
        _clock(float(await connection.fetchval("select extract(epoch from clock_timestamp())"))),
    ]


def _role(role: str, unbound: bool) -> Finding:  # noqa: FBT001 - a row's column
    if unbound:
        return wrong(f"role {role} is above row security", f"as superuser: alter role {role} nosuperuser nobypassrls;")
    return good(f"role {role} is bound by row security")


def _tables(role: str, tables: list[Mapping[str, Any]], loose: list[Mapping[str, Any]]) -> Finding:
    owned = [row["name"] for row in tables if row["owner"] == role]
    if not tables:
        return wrong("tables: there are none", "run 'devmesh migrate'.")
    if owned:
        return wrong(f"tables owned by {role}: {', '.join(owned)}", "give them to the role of DEVMESH_DATABASE_URL.")
    if loose:
        names = ", ".join(row["name"] for row in loose)
        return wrong(
            f"row security is not forced on {names}",
            "as owner, for each: alter table NAME enable row level security, force row level security;",
        )
    return good(f"tables: {sum(row['forced'] for row in tables)} of {len(tables)} under forced row security")


def _clock(theirs: float) -> Finding:
    apart = abs(time.time() - theirs)
    if apart > _SKEW_SECONDS:
        return wrong(
            f"clocks: the database's is {apart:.0f} s apart", "let both machines keep time (chrony, timesyncd)."
        )
    return good("clocks: this machine's and the database's agree")
