"""What every test may use: a real PostgreSQL, and the app role's view of it."""

from __future__ import annotations

import asyncio
import json
import secrets
import socket
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest
import uvloop

from devmesh.access import Role
from devmesh.app import App, build
from devmesh.crypto.passwords import Cost, Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.db.pool import Database
from devmesh.demo.github import GitHub
from devmesh.directory.service import Directory
from devmesh.http.server.listening import Server
from devmesh.settings import Settings


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Run tests in the event loop that a worker runs in."""
    return {"uvloop": uvloop.new_event_loop}


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


@dataclass
class Mesh:
    """A running gateway on loopback, and what a client needs to talk to it."""

    url: str
    app: App
    data_dir: Path
    http: aiohttp.ClientSession

    async def organization(self, slug: str | None = None) -> Organization:
        """Register an organization over HTTP."""
        slug = slug or f"org-{secrets.token_hex(6)}"
        body = {
            "organization_name": slug.title(),
            "organization_slug": slug,
            "admin_email": f"admin@{slug}.example",
            "admin_name": "Ada Admin",
            "admin_password": "SecurePass123!",
        }
        async with self.http.post("/api/v1/auth/register/organization", json=body) as reply:
            assert reply.status == 201, await reply.text()
            return Organization(self, await reply.json())


@dataclass
class Organization:
    """A registered organization with its owner's admin key."""

    mesh: Mesh
    registered: dict[str, Any]

    @property
    def id(self) -> str:
        return self.registered["organization"]["id"]

    @property
    def slug(self) -> str:
        return self.registered["organization"]["slug"]

    @property
    def key(self) -> str:
        return self.registered["api_key"]

    async def person(self, role: Role = Role.MEMBER) -> str:
        """Add another user, as an invitation would, and return an admin key of theirs, cut to their role."""
        app, organization_id = self.mesh.app, UUID(self.id)
        directory = Directory(app.ring)
        async with app.database.acting(organization_id, organization_id) as tx:
            user = await directory.add_user(
                tx,
                organization_id,
                organization_id,
                email=f"{secrets.token_hex(4)}@{self.slug}.example",
                name="Bo Person",
                role=role,
                password_hash="none",
            )
            issued = await app.keys.issue_first(tx, organization_id, organization_id, user.id)
        return issued.secret

    async def new_key(self, by: str | None = None, **fields: Any) -> str:
        """Mint a key over HTTP."""
        status, body = await self.ask("POST", "/api/v1/api-keys", {"name": "test key", **fields}, key=by)
        assert status == 201, body
        return body["api_key"]

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> tuple[int, Any]:
        """Send one request with a key (the owner's if none is named); return status and decoded body."""
        sent = {"Authorization": f"Bearer {key or self.key}", **(headers or {})}
        async with self.mesh.http.request(method, path, json=body, headers=sent) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if text else None

    async def connect(self, github: GitHub, token: str, *, key: str | None = None, **more: Any) -> dict[str, Any]:
        """Store a GitHub token over HTTP."""
        body = {
            "service_type": "github",
            "credentials": {"token": token},
            "metadata": {"base_url": github.url},
            **more,
        }
        status, stored = await self.ask("POST", "/api/v1/credentials", body, key=key)
        assert status == 201, stored
        return stored

    async def call(
        self, tool: str, arguments: Any = None, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> dict[str, Any]:
        """Call a tool over MCP as the guide does, without a handshake; return the result or the error."""
        params = {"name": tool, "arguments": arguments or {}}
        message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params}
        _, body = await self.ask("POST", "/mcp", message, key=key, headers=headers)
        return body.get("result") or body["error"]


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
    """Write plans that hundreds of registrations from one address do not exhaust, and one that is soon full."""
    limits = {"default": {"requests_per_minute": 600_000, "burst": 600_000}}
    small = {"limits": "authenticated", "max_contexts": 3, "max_context_bytes": 200}
    file = directory / "plans.json"
    file.write_text(json.dumps({"rate_limits": limits, "plans": {"small": small}}))
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
