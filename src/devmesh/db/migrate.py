"""Numbered, forward-only migrations, applied by the owner role; the app role is made here and owns nothing."""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Mapping
from importlib import resources
from typing import Any

import asyncpg

log = logging.getLogger(__name__)

_LOCK = 0x6465766D
_ROLE = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class MigrationError(RuntimeError):
    """The database and this program do not fit together; the text says why."""


def migrations() -> list[tuple[int, str, str]]:
    """Return (number, name, SQL) of every migration, in order."""
    found = []
    for file in resources.files("devmesh.db").joinpath("migrations").iterdir():
        match = re.fullmatch(r"(\d{4})_([a-z_]+)\.sql", file.name)
        if match:
            found.append((int(match[1]), match[2], file.read_text(encoding="utf-8")))
    return sorted(found)


async def migrate(owner: Mapping[str, Any], app_role: str, app_password: str | None = None) -> list[str]:
    """Bring the schema up to date and return the names of the migrations that this call applied.

    `app_role` is created if it is missing, and given `app_password` unless that is None; it can log
    in, owns nothing and bypasses nothing. Safe to run from several processes at once.
    """
    if not _ROLE.fullmatch(app_role):
        message = f"{app_role!r} cannot be a role's name"
        raise MigrationError(message)
    connection = await asyncpg.connect(**owner, timeout=10)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        await _role(connection, app_role, app_password)
        return await _apply(connection, app_role)
    finally:
        await connection.close()


async def _role(connection: asyncpg.Connection, name: str, password: str | None) -> None:
    if not await connection.fetchval("select true from pg_roles where rolname = $1", name):
        await connection.execute(f"create role {name} login nosuperuser nobypassrls nocreatedb nocreaterole")
    if password is not None:
        if "'" in password or "\\" in password:
            message = "the app role's password must not hold quotes or backslashes"
            raise MigrationError(message)
        await connection.execute(f"alter role {name} password '{password}'")


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
