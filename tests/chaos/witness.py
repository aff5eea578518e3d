"""A stand-in for GitHub that looks into the audit before it answers: is the intent of what arrived durable already?"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from chaos.installation import Installation
from devmesh.audit.rows import new_row_id
from devmesh.crypto.kms import kept_in
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.db.pool import CONNECTION_LOST, Database
from devmesh.demo.github import GitHub, Received, _read, _reply

_ISSUE = re.compile(r"/repos/([^/]+)/([^/]+)/issues(?:/(\d+))?")
# Longer than any call waits for its credential and its intent, on a machine that stands still for a while.
_LATELY_NS = 30_000_000_000
_encode = msgspec.json.Encoder(order="deterministic").encode

_SAME_INTENT = """
select count(*) from audit_events
where organization_id = $1 and entry_id >= $2 and phase = 0 and record like '%"arguments_digest":"' || $3 || '"%'
"""


class Patient(GitHub):
    """The stand-in, which awaits `before` ahead of every answer."""

    before: Callable[[Received], Awaitable[None]]

    async def _talk(self, reader, writer):
        self._open.add(writer)
        try:
            while True:
                received = await _read(reader)
                self.received.append(received)
                await self.before(received)
                writer.write(_reply(*self._answer(received)))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


@dataclass(frozen=True)
class Sighting:
    """One request that arrived, and how many intents of it were durable then; None if the database was away."""

    organization_id: UUID
    arguments: Mapping[str, Any]
    digest: str
    at: float
    intents: int | None


class Witness(Patient):
    """Knows which organization each token belongs to, and digests arguments as the audit does."""

    def __init__(self, installation: Installation) -> None:
        super().__init__({})
        self.organizations: dict[str, UUID] = {}
        self.sightings: list[Sighting] = []
        self._installation = installation
        self._peppers: KeyRing | None = None
        self._connection: asyncpg.Connection | None = None
        self._alone = asyncio.Lock()

    async def open(self) -> None:
        """Learn the pepper of digests, as whoever holds the master key and the database can."""
        self._peppers = KeyRing(MasterKeys(*kept_in(self._installation.data_dir / "master.key")))
        database = Database(Embedded(self._installation.data_dir).app_dsn, size=1)
        await database.open()
        await self._peppers.open(database)
        await database.close()

    def add(self, token: str, organization_id: str) -> None:
        """Know a token, and whose it is."""
        self.logins[token] = "ada"
        self.organizations[token] = UUID(organization_id)

    async def before(self, received: Received) -> None:
        at = time.time()
        organization_id = self.organizations[received.headers["authorization"].removeprefix("Bearer ")]
        arguments = arguments_of(received)
        digest = self._peppers.digest("arguments", organization_id.bytes + _encode(arguments)).hex()
        intents = await self._intents(organization_id, digest)
        self.sightings.append(Sighting(organization_id, arguments, digest, at, intents))

    async def _intents(self, organization_id: UUID, digest: str) -> int | None:
        since = UUID(bytes=new_row_id(time.time_ns() - _LATELY_NS))
        async with self._alone:
            try:
                if self._connection is None or self._connection.is_closed():
                    self._connection = await self._installation.as_owner(patience=2)
                async with self._connection.transaction():
                    await act_for(self._connection, organization_id)
                    return await self._connection.fetchval(_SAME_INTENT, organization_id, since, digest)
            except CONNECTION_LOST:
                if self._connection is not None:
                    self._connection.terminate()
                self._connection = None
                return None

    async def close(self) -> None:
        if self._connection is not None:
            self._connection.terminate()


async def act_for(connection: asyncpg.Connection, organization_id: UUID) -> None:
    """Let the transaction see this organization's rows: the owner, too, sees none without."""
    await connection.execute("select set_config('app.organization_id', $1, true)", organization_id.hex)


def arguments_of(received: Received) -> dict[str, Any]:
    """Return the tool's arguments that made this request; the load calls nothing else."""
    owner, repo, number = _ISSUE.fullmatch(received.path).groups()
    if received.method == "GET":
        return {"owner": owner, "repo": repo, "issue_number": int(number)}
    return {"owner": owner, "repo": repo, "title": msgspec.json.decode(received.body)["title"]}
