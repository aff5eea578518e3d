"""What every test may use: a real PostgreSQL, and the app role's view of it."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import pytest
import uvloop
from hypothesis import settings as hypothesis

from devmesh.app import build
from devmesh.crypto.kms import LocalKms
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.passwords import Cost, Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database
from devmesh.demo.github import GitHub
from devmesh.http.server.listening import Server
from devmesh.settings import Settings
from running import Mesh, Organization

# The same examples in each run, and as much time for each as it takes: neither chance nor a busy machine fails a test.
hypothesis.load_profile("ci")


class _Loop(uvloop.Loop):
    """The event loop that a worker runs in; at its end it tells of what was left open, and closes that all the same."""

    def close(self) -> None:
        """Close it, and whatever a test that failed has left open in it."""
        with warnings.catch_warnings():
            # As an error, the warning would keep it from closing what it warns of, and it would wait for that for ever.
            warnings.simplefilter("always", ResourceWarning)
            super().close()


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests in that event loop."""
    return {"uvloop": _Loop}


@pytest.fixture(scope="session", autouse=True)
def patience() -> Iterator[None]:
    """Nobody is told that the database is away because the machine that runs the tests is busy."""
    with pytest.MonkeyPatch.context() as patched:
        for name in ("_ACQUIRE_SECONDS", "_BEGIN_SECONDS", "_STATEMENT_SECONDS"):
            patched.setattr(f"devmesh.db.pool.{name}", 30.0)
        for room in ("keys", "sessions"):
            patched.setattr(f"devmesh.{room}.verify._WAIT_SECONDS", 30.0)
        patched.setattr("devmesh.audit.writer.COMMIT_SECONDS", 30.0)
        yield


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
    ring = KeyRing(MasterKeys(LocalKms(master_key)))
    await ring.open(db)
    return ring


@pytest.fixture(scope="session")
def passwords() -> Passwords:
    """Real Argon2id at a price that tests can pay."""
    return Passwords(Cost(memory_kib=64, iterations=1))


@pytest.fixture(scope="session")
async def mesh(postgres: Embedded, master_key: bytes, ring: KeyRing, passwords: Passwords) -> AsyncIterator[Mesh]:
    """The whole program behind its real HTTP server."""
    del ring  # made first, so that both read the same rows
    with tempfile.TemporaryDirectory(prefix="devmesh-data-") as directory:
        listener = socket.create_server(("127.0.0.1", 0))
        settings = Settings.load(
            {
                "DEVMESH_DATA_DIR": directory,
                "DEVMESH_UPSTREAM_ALLOW": "127.0.0.0/8",
                "DEVMESH_PLANS_FILE": str(_generous_plans(Path(directory))),
            }
        )
        app = await build(settings, master_key, postgres.app_dsn, passwords=passwords)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = Server(app.asgi)
        await server.open(listener)
        async with aiohttp.ClientSession(url) as http:
            yield Mesh(url, app, Path(directory), http)
        await server.close(5)
        await app.close()


def _generous_plans(directory: Path) -> Path:
    """Write plans that hundreds of registrations from one address do not exhaust, and three that are soon full."""
    limits = {"default": {"requests_per_minute": 600_000, "burst": 600_000}}
    small = {"limits": "authenticated", "max_contexts": 3, "max_context_bytes": 200}
    few = {"limits": "authenticated", "max_keys": 7, "max_keys_per_user": 4}
    parts = {"limits": "authenticated", "max_tenants": 4}
    file = directory / "plans.json"
    file.write_text(json.dumps({"rate_limits": limits, "plans": {"small": small, "few": few, "parts": parts}}))
    return file


@pytest.fixture
async def organization(mesh: Mesh) -> Organization:
    """A new organization."""
    return await mesh.organization()


@pytest.fixture
async def github() -> AsyncIterator[GitHub]:
    """A stand-in for GitHub on loopback that knows two people and records what it receives."""
    async with GitHub({"ghp_adas_token_000000": "ada", "ghp_bos_token_1111111": "bo"}) as service:
        yield service
