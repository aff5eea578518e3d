"""An audit over the tests' PostgreSQL, a PostgreSQL that may be killed, and people who act."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from devmesh.access import Caller, KeyType, Rights, Role
from devmesh.access.model import Allowance, Person
from devmesh.audit.service import Audit
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database
from devmesh.ids import new_id


def digest(value: bytes) -> bytes:
    return hmac.digest(b"pepper", value, hashlib.sha256)


@asynccontextmanager
async def audit_over(server: Embedded) -> AsyncIterator[Audit]:
    database = Database(server.app_dsn, size=2)
    await database.open()
    audit = Audit(database, server.app_dsn, digest)
    await audit.open()
    yield audit
    await audit.close()
    await database.close()


@pytest.fixture
async def audit(postgres: Embedded) -> AsyncIterator[Audit]:
    async with audit_over(postgres) as audit:
        yield audit


@pytest.fixture(scope="session")
def mortal() -> Iterator[Embedded]:
    """A PostgreSQL of these tests' own, for those that stop it."""
    with tempfile.TemporaryDirectory(prefix="audit-") as directory:
        Path(directory).chmod(0o711)
        with Embedded(Path(directory) / "data") as embedded:
            asyncio.run(migrate(embedded.owner_dsn, embedded.app_dsn["user"]))
            yield embedded


@pytest.fixture
async def mortal_audit(mortal: Embedded) -> AsyncIterator[Audit]:
    """An audit over the PostgreSQL that may be killed."""
    async with audit_over(mortal) as audit:
        yield audit


@pytest.fixture
def somebody() -> Callable[..., Caller]:
    """Makes an administrator of a new organization."""

    def make(**more: Any) -> Caller:
        facts: dict[str, Any] = {
            "organization_id": new_id(),
            "organization_slug": "acme",
            "tenant_id": new_id(),
            "user_id": new_id(),
            "role": Role.ADMIN,
            "rights": Rights(["admin"], "admin", "admin"),
            "person": Person("ada@example.org", "Ada", "Acme", "acme"),
            "allowance": Allowance(1000, 60),
            "key_id": new_id(),
            "key_type": KeyType.ADMIN,
            "address": "192.0.2.1",
            "request_id": "r-1",
        }
        return Caller(**{**facts, **more})

    return make


@pytest.fixture
def caller(somebody: Callable[..., Caller]) -> Caller:
    return somebody()


@pytest.fixture
def stranger(somebody: Callable[..., Caller]) -> Caller:
    """An administrator of another organization."""
    return somebody()
