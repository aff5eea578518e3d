from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from crypto.own_database import opened
from crypto.stand_in import Clock
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database


@pytest.fixture(scope="session")
def own_postgres() -> Iterator[Embedded]:
    """A database of its own, whose ring no other test has filled."""
    with tempfile.TemporaryDirectory(prefix="devmesh-masters-") as directory:
        Path(directory).chmod(0o711)
        with Embedded(Path(directory) / "data") as embedded:
            asyncio.run(migrate(embedded.owner_dsn, embedded.app_dsn["user"]))
            yield embedded


@pytest.fixture
async def empty(own_postgres: Embedded) -> AsyncIterator[Database]:
    """The app role's view of it, without any master key or ring."""
    async with opened(own_postgres.owner_dsn) as owner, owner.routing() as tx:
        await tx.run("delete from master_keys")
        await tx.run("delete from ring_keys")
    async with opened(own_postgres.app_dsn) as database:
        yield database


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)
