"""What every test may use: a real PostgreSQL, and the app role's view of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from devmesh.crypto.passwords import Cost, Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database


@pytest.fixture(scope="session")
def postgres() -> Iterator[Embedded]:
    """A migrated PostgreSQL for all tests of this process; each makes organizations of its own."""
    with tempfile.TemporaryDirectory(prefix="devmesh-test-") as directory:
        Path(directory).chmod(0o711)
        with Embedded(Path(directory) / "data") as embedded:
            asyncio.run(migrate(embedded.owner_dsn, embedded.app_dsn["user"]))
            yield embedded


@pytest.fixture(scope="session")
async def db(postgres: Embedded) -> AsyncIterator[Database]:
    """The database as the gateway sees it."""
    database = Database(postgres.app_dsn, size=5)
    await database.open()
    yield database
    await database.close()


@pytest.fixture(scope="session")
def master_key() -> bytes:
    """The master key of this process's key ring."""
    return new_key()


@pytest.fixture(scope="session")
async def ring(db: Database, master_key: bytes) -> KeyRing:
    """The key ring."""
    ring = KeyRing(master_key)
    await ring.open(db)
    return ring


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Real Argon2id at a price that tests can pay."""
    return Passwords(Cost(memory_kib=64, iterations=1))
