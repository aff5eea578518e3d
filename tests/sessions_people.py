"""People with sessions, made as login makes one: within a transaction, by `Sessions.begin`."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from devmesh.access import Role
from devmesh.app import App
from devmesh.audit.model import Visitor
from devmesh.directory.model import User
from devmesh.directory.service import Directory
from devmesh.sessions.model import Tokens
from running import Organization


@dataclass
class Person:
    """A person of an organization, with the tokens of one session."""

    organization: Organization
    user: User
    tokens: Tokens = field(repr=False)

    @property
    def id(self) -> UUID:
        return self.user.id

    async def ask(self, method: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """Send one request with the access token."""
        return await self.organization.ask(method, path, body, **{"key": self.tokens.access_token, **more})

    async def refresh(self, token: str | None = None) -> tuple[int, Any]:
        """Refresh over HTTP."""
        body = {"refresh_token": token or self.tokens.refresh_token}
        async with self.organization.mesh.http.post("/api/v1/auth/refresh", json=body) as reply:
            return reply.status, await reply.json(content_type=None)

    async def alive(self) -> bool:
        """Return whether the access token is accepted."""
        status, _ = await self.ask("GET", "/api/v1/auth/profile")
        assert status in (200, 401)
        return status == 200

    async def again(self, *, mfa: bool = False) -> Person:
        """Return the same person with a further session."""
        return Person(self.organization, self.user, await begin(self.organization.mesh.app, self.user, mfa=mfa))

    async def do(self, change: Callable[[Any], Awaitable[object]]) -> None:
        """Run `change(tx)` in a transaction of the organization's."""
        async with self.organization.mesh.app.database.acting(UUID(self.organization.id)) as tx:
            await change(tx)


async def begin(app: App, user: User, *, mfa: bool = False) -> Tokens:
    """Begin a session, as a login does."""
    directory = Directory(app.ring)
    async with app.database.acting(user.organization_id) as tx:
        organization = await directory.organization(tx, user.organization_id)
        assert organization is not None
        return await app.sessions.begin(
            tx, user, organization, Visitor("127.0.0.1", "test"), mfa=mfa, user_agent="pytest\n1.0"
        )


async def new_person(organization: Organization, role: Role = Role.MEMBER, *, mfa: bool = False) -> Person:
    """Add a person to the organization and begin a session."""
    app, organization_id = organization.mesh.app, UUID(organization.id)
    async with app.database.acting(organization_id, organization_id) as tx:
        user = await Directory(app.ring).add_user(
            tx,
            organization_id,
            organization_id,
            email=f"{secrets.token_hex(4)}@{organization.slug}.example",
            name="Bo Person",
            role=role,
            password_hash="none",
        )
    return Person(organization, user, await begin(app, user, mfa=mfa))


async def until(true: Callable[[], Awaitable[bool]], seconds: float = 1.0) -> None:
    """Return as soon as it is true; AssertionError if it was not for who began to ask after so many seconds."""
    since = began = time.monotonic()
    while not await true():
        assert began - since < seconds
        await asyncio.sleep(0.02)
        began = time.monotonic()
