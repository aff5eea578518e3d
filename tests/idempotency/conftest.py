from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import pytest

from running import Organization

TENANTS = "/api/v1/tenants"
KEYS = "/api/v1/api-keys"
EXECUTE = "/api/v1/tools/github.create_issue/execute"
ISSUE = {"arguments": {"owner": "acme", "repo": "site", "title": "Down"}}


@dataclass
class Told:
    """One reply."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def replayed(self) -> bool:
        return self.headers.get("Idempotency-Replayed") == "true"


class Client:
    """Asks as an organization's owner, or with another key, under an Idempotency-Key."""

    def __init__(self, organization: Organization) -> None:
        self.organization = organization

    async def post(self, path: str, body: Any, once: str, *, by: str | None = None, **headers: str) -> Told:
        sent = {
            "Authorization": f"Bearer {by or self.organization.key}",
            "Idempotency-Key": once,
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        async with self.organization.mesh.http.post(path, data=raw, headers=sent) as reply:
            text = await reply.text()
            return Told(reply.status, reply.headers, json.loads(text) if text else None)

    async def at_once(self, number: int, path: str, body: Any, once: str) -> list[Told]:
        return await asyncio.gather(*(self.post(path, body, once) for _ in range(number)))

    async def tenants(self) -> set[str]:
        _, listed = await self.organization.ask("GET", f"{TENANTS}?limit=200")
        return {tenant["slug"] for tenant in listed["tenants"]}

    async def rows(self) -> list[dict[str, Any]]:
        """What is kept of the organization's keys, as the database has it."""
        async with self.organization.mesh.app.database.acting(UUID(self.organization.id)) as tx:
            return [dict(row) for row in await tx.all("select * from idempotency_keys order by created_at")]

    async def change(self, sql: str) -> int:
        async with self.organization.mesh.app.database.acting(UUID(self.organization.id)) as tx:
            return await tx.run(sql)


def new_tenant() -> dict[str, str]:
    slug = f"team-{secrets.token_hex(5)}"
    return {"name": slug.title(), "slug": slug}


@pytest.fixture
async def client(organization: Organization) -> Client:
    """A client of a new organization."""
    return Client(organization)
