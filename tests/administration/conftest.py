"""What the tests of administration look at."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import UUID

import asyncpg
import pytest

from devmesh.app import App, build
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.settings import Settings
from running import Mesh, Organization

_OWNED = """
select table_name, column_name from information_schema.columns where table_schema = 'public'
and (column_name = 'organization_id' or (table_name, column_name) = ('organizations', 'id'))
"""
Rows = Callable[[Organization], Awaitable[dict[str, int]]]


@pytest.fixture
async def rows(postgres: Embedded) -> Rows:
    """Count, with no row security in the way, the organization's rows of each table that has any."""

    async def count(organization: Organization) -> dict[str, int]:
        connection = await asyncpg.connect(**postgres.owner_dsn)
        try:
            return {
                table: found
                for table, column in await connection.fetch(_OWNED)
                if (found := await _count(connection, table, column, UUID(organization.id)))
            }
        finally:
            await connection.close()

    return count


async def _count(connection: asyncpg.Connection, table: str, column: str, organization_id: UUID) -> int:
    # Undone with the transaction: for its length the owner sees every row. One table is locked at a time, so that
    # whoever writes to several meanwhile never waits in a circle.
    whole = connection.transaction()
    await whole.start()
    try:
        await connection.execute(f'alter table "{table}" no force row level security')
        found: int = await connection.fetchval(f'select count(*) from "{table}" where {column} = $1', organization_id)
    finally:
        await whole.rollback()
    return found


@pytest.fixture
async def second(
    postgres: Embedded, master_key: bytes, ring: KeyRing, mesh: Mesh, tmp_path: Path
) -> AsyncIterator[App]:
    """Another process's program on the same database."""
    del ring, mesh  # made first, so that all read the same rows
    app = await build(Settings.load({"DEVMESH_DATA_DIR": str(tmp_path)}), master_key, postgres.app_dsn)
    yield app
    await app.close()


async def actions(organization: Organization) -> list[str]:
    """Return what the organization's audit holds, the oldest first."""
    _, page = await organization.ask("GET", "/api/v1/audit?limit=200")
    return [entry["action"] for entry in reversed(page["entries"])]


async def gone(mesh: Mesh, key: str) -> bool:
    """Return whether the credential is accepted no more."""
    async with mesh.http.get("/api/v1/auth/profile", headers={"Authorization": f"Bearer {key}"}) as reply:
        assert reply.status in (200, 401)
        return reply.status == 401
