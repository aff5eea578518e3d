"""A gateway behind a proxy, so that each test comes from addresses of its own; and what login does, counted."""

from __future__ import annotations

import asyncio
import re
import secrets
import socket
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes, policy
from ipaddress import IPv6Address
from pathlib import Path
from typing import Any
from uuid import UUID

import aiohttp
import pytest

from devmesh.access import Role
from devmesh.app import App, build
from devmesh.crypto import passwords as hashing
from devmesh.crypto.passwords import Passwords
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.db.pool import Tx
from devmesh.directory.service import Directory
from devmesh.http.server.listening import Server
from devmesh.login import store_failures
from devmesh.settings import Settings

PASSWORD = "SecurePass123!"
WRONG = "WrongPass123!"


@dataclass
class Reply:
    status: int
    headers: dict[str, str]
    body: Any = field(repr=False)

    @property
    def token(self) -> str:
        return self.body["access_token"]

    def without_ids(self) -> tuple[int, dict[str, str], Any]:
        """Return what must be the same for whoever asks: all but what names the request, the time, and what is left."""
        own = {"x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"}
        headers = {name: value for name, value in self.headers.items() if name.lower() not in own}
        return self.status, headers, {**self.body, "request_id": None}


@dataclass
class Door:
    """The gateway as people see it who have not logged in yet; each call may come from another address."""

    app: App
    http: aiohttp.ClientSession
    data_dir: Path
    address: str

    async def post(self, path: str, body: Any, *, address: str | None = None, key: str | None = None) -> Reply:
        return await self.ask("POST", path, body, address=address, key=key)

    async def ask(
        self, method: str, path: str, body: Any = None, *, address: str | None = None, key: str | None = None
    ) -> Reply:
        sent = {"X-Forwarded-For": address or self.address, **({"Authorization": f"Bearer {key}"} if key else {})}
        async with self.http.request(method, f"/api/v1{path}", json=body, headers=sent) as reply:
            return Reply(reply.status, dict(reply.headers), await reply.json())

    async def login(self, email: str, password: str = PASSWORD, *, address: str | None = None, **more: str) -> Reply:
        return await self.post("/auth/login", {"email": email, "password": password, **more}, address=address)

    async def person(self, email: str | None = None, *, verified: bool = True, **changed: Any) -> Person:
        """Register an organization and return its owner, with these columns changed."""
        slug = f"org-{secrets.token_hex(6)}"
        body = {
            "organization_name": slug.title(),
            "organization_slug": slug,
            "admin_email": email or f"ada@{slug}.example",
            "admin_name": "Ada Admin",
            "admin_password": PASSWORD,
        }
        reply = await self.post("/auth/register/organization", body)
        assert reply.status == 201, reply.body
        made = reply.body
        person = Person(self, made["user"]["email"], slug, UUID(made["organization"]["id"]), UUID(made["user"]["id"]))
        person.key = made["api_key"]
        if verified:
            await person.set(verified_at="now()")
        if changed:
            await person.set(**changed)
        return person

    async def mails(self, to: str, subject: str) -> list[str]:
        """Return the texts of the mails with that subject to that address, the oldest first."""
        await self.app.own_password.settle()
        await self.app.accounts.settle()
        await self.app.outbox.settled()
        folder = self.data_dir / "outbox"
        files = sorted(folder.glob("*.eml")) if folder.exists() else []
        found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
        return [
            mail.get_body(("plain",)).get_content() for mail in found if (mail["To"], mail["Subject"]) == (to, subject)
        ]


@dataclass
class Person:
    """The owner of an organization of its own."""

    door: Door
    email: str
    slug: str
    organization_id: UUID
    id: UUID
    key: str = field(default="", repr=False)

    async def set(self, **columns: str) -> None:
        """Change columns of the user to these SQL expressions."""
        changes = ", ".join(f"{name} = {expression}" for name, expression in columns.items())
        async with self.door.app.database.acting(self.organization_id) as tx:
            await tx.run(f"update users set {changes} where id = $1", self.id)

    async def column(self, name: str) -> Any:
        async with self.door.app.database.acting(self.organization_id) as tx:
            return await tx.value(f"select {name} from users where id = $1", self.id)

    async def policy(self, **policies: Any) -> None:
        """Set the organization's policies."""
        pairs = ", ".join(f"'{name}', {value!r}".replace("True", "true") for name, value in policies.items())
        async with self.door.app.database.acting(self.organization_id) as tx:
            await tx.run(
                f"update organizations set policies = jsonb_build_object({pairs}) where id = $1", self.organization_id
            )

    async def colleague(self, email: str, role: Role = Role.MEMBER) -> None:
        """Add a user of that address, with the same password, to the organization."""
        app = self.door.app
        async with app.database.acting(self.organization_id, self.organization_id) as tx:
            await Directory(app.ring).add_user(
                tx,
                self.organization_id,
                self.organization_id,
                email=email,
                name="Bo Person",
                role=role,
                password_hash=await self.column("password_hash"),
            )

    async def token_mailed(self, address: str | None = None) -> str:
        """Ask for a new password and return the token that was mailed."""
        reply = await self.door.post("/auth/password/reset", {"email": self.email}, address=address)
        assert reply.status == 202, reply.body
        text = (await self.door.mails(self.email, "Choose a new password"))[-1]
        return re.search(r"/reset#token=([A-Za-z0-9_-]{43})", text)[1]


@pytest.fixture(scope="session")
async def served(
    postgres: Embedded, master_key: bytes, ring: KeyRing, passwords: Passwords
) -> AsyncIterator[tuple[App, aiohttp.ClientSession, Path]]:
    del ring  # made first, so that both read the same rows
    with tempfile.TemporaryDirectory(prefix="devmesh-data-") as directory:
        plans = Path(directory) / "plans.json"
        plans.write_text('{"rate_limits": {"default": {"requests_per_minute": 600000, "burst": 600000}}}')
        settings = Settings.load(
            {
                "DEVMESH_DATA_DIR": directory,
                "DEVMESH_PLANS_FILE": str(plans),
                "DEVMESH_TRUSTED_PROXIES": "127.0.0.0/8",
            }
        )
        app = await build(settings, master_key, postgres.app_dsn, passwords=passwords)
        listener = socket.create_server(("127.0.0.1", 0))
        server = Server(app.asgi)
        await server.open(listener)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{listener.getsockname()[1]}") as http:
            yield app, http, Path(directory)
        await server.close(5)
        await app.close()


def stand_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no time pass between failures for the length of the test, however slow the machine is."""
    whole = store_failures.lock_counters
    moments: list[datetime] = []

    async def locked(*arguments: Any) -> tuple[datetime, list[store_failures.Counter]]:
        now, counters = await whole(*arguments)
        if not moments:
            moments.append(now)
        # What is counted for the first time meanwhile was made at the database's own time, and blocks nobody.
        made = {"latest": moments[0], "blocked_until": moments[0]}
        return moments[0], [one if one.failures else replace(one, **made) for one in counters]

    monkeypatch.setattr(store_failures, "lock_counters", locked)


def new_address() -> str:
    """Return an address that no test has come from."""
    # As addresses are shown: without leading zeros.
    return str(IPv6Address(":".join(["2001", "db8", *(secrets.token_hex(2) for _ in range(6))])))


@pytest.fixture
def door(served) -> Door:
    app, http, data_dir = served
    return Door(app, http, data_dir, new_address())


@dataclass
class Counted:
    """What was done between two moments: hashes, and statements sent to the database."""

    hashes: int = 0
    statements: Counter[str] = field(default_factory=Counter)


@pytest.fixture
def counting(monkeypatch) -> Any:
    """Count within `with counting() as counted:`; what is counted is done as ever."""

    @contextmanager
    def count() -> Iterator[Counted]:
        counted = Counted()
        with monkeypatch.context() as patched:
            for name in ("_hash", "_matches"):
                patched.setattr(hashing, name, _noting(getattr(hashing, name), lambda *_: _hashed(counted)))
            for name in ("one", "all", "value", "run"):
                patched.setattr(Tx, name, _noting(getattr(Tx, name), lambda _, sql, *__: _stated(counted, sql)))
            yield counted

    return count


def _hashed(counted: Counted) -> None:
    counted.hashes += 1


def _stated(counted: Counted, sql: str) -> None:
    # What is done in the background has a name: mails that leave, uses of keys that are written, the master key.
    if (task := asyncio.current_task()) is not None and task.get_name().startswith("Task-"):
        counted.statements[sql] += 1


def _noting(done: Any, note: Any) -> Any:
    def noting(*arguments: Any) -> Any:
        note(*arguments)
        return done(*arguments)

    return noting


async def at_once(*work: Any) -> list[Reply]:
    return list(await asyncio.gather(*work))
