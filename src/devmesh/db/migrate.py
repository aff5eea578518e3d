"""Numbered, forward-only migrations, applied by the owner role; the app role is made here and owns nothing."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from typing import Any

import asyncpg

from devmesh.db import app_role as app_roles
from devmesh.db.app_role import MigrationError
from devmesh.db.embedded_binaries import OLDEST_MAJOR
from devmesh.db.pool import Tx

__all__ = ["MigrationError", "migrate", "migrations"]

log = logging.getLogger(__name__)

Check = Callable[[Tx], Awaitable[None]]

_LOCK = 0x6465766D


def migrations() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of every migration, in order."""
    found = []
    for file in resources.files("devmesh.db").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_([a-z_]+)\.sql", file.name)
        if match:
            found.append((int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found)


async def migrate(
    owner: Mapping[str, Any], app_role: str, app_password: str | None = None, *, check: Check | None = None
) -> list[str]:
    """Bring the schema up to date and return the names of the migrations that this call applied.

    `app_role` is created if it is missing, and given `app_password` unless that is None; it can log
    in, owns nothing and bypasses nothing. All or nothing; safe to run from several processes at once.
    `check` is asked before anything is changed in a database that is in use: a server that was given
    the wrong master key shall not take the app role's password from those that run. Raises
    MigrationError, what `check` raises, or what asyncpg raises when it cannot connect.
    """
    connection = await asyncpg.connect(**owner, timeout=10, statement_cache_size=0)
    try:
        version = connection.get_server_version()
        if version.major < OLDEST_MAJOR:
            raise MigrationError(f"the database is PostgreSQL {version.major}; {OLDEST_MAJOR} or newer is needed")
        # One transaction: a lock of the session's would not hold behind a transaction pooler.
        async with connection.transaction():
            us = await connection.fetchrow("select current_user as role, current_database() as database")
            await connection.execute("select pg_advisory_xact_lock($1)", _LOCK)
            if check and await connection.fetchval("select to_regclass('ring_keys') is not null"):
                await check(Tx(connection))
            await app_roles.provide(connection, owner, app_role, app_password)
            return await _apply(connection, app_role)
    except asyncpg.InsufficientPrivilegeError as error:
        raise MigrationError(
            f"the role {us['role']} lacks a right ({error}); as superuser: "
            f'alter role "{us["role"]}" createrole; alter database "{us["database"]}" owner to "{us["role"]}";'
        ) from error
    finally:
        await connection.close()


async def _apply(connection: asyncpg.Connection, app_role: str) -> list[str]:
    await connection.execute(
        "create table if not exists schema_migrations ("
        "number integer primary key, name text not null, digest bytea not null, "
        "applied_at timestamptz not null default now())"
    )
    done = {
        row["number"]: row["digest"] for row in await connection.fetch("select number, digest from schema_migrations")
    }
    known = migrations()
    if done and max(done) > known[-1][0]:
        message = (
            f"the database is at migration {max(done)}, this program knows {known[-1][0]}: install a newer version"
        )
        raise MigrationError(message)
    applied = []
    for number, name, sql in known:
        digest = hashlib.sha256(sql.encode()).digest()
        if number in done:
            if done[number] != digest:
                message = f"migration {number:04d}_{name} was applied with another text"
                raise MigrationError(message)
            continue
        async with connection.transaction():
            await connection.execute(sql.replace("${app}", app_role))
            await connection.execute(
                "insert into schema_migrations (number, name, digest) values ($1, $2, $3)", number, name, digest
            )
        log.info("applied migration %04d_%s", number, name)
        applied.append(f"{number:04d}_{name}")
    return applied
