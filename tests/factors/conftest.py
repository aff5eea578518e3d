from __future__ import annotations

import base64
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.audit.model import Visitor
from devmesh.directory.service import Directory
from devmesh.factors import totp
from factors.authenticator import Authenticator

if TYPE_CHECKING:
    from devmesh.db.pool import Tx
    from running import Mesh, Organization

ORIGIN = "http://localhost:8081"


@dataclass
class Person:
    """Somebody who has logged in, and who has an authenticator app and passkeys at hand."""

    organization: Organization
    id: UUID
    access_token: str = field(repr=False)
    session_id: UUID
    secret: bytes = field(default=b"", repr=False)

    @property
    def mesh(self) -> Mesh:
        return self.organization.mesh

    @property
    def organization_id(self) -> UUID:
        return UUID(self.organization.id)

    @classmethod
    async def of_owner(cls, organization: Organization) -> Person:
        """Return the organization's owner, logged in."""
        return await log_in(organization, UUID(organization.registered["user"]["id"]))

    async def ask(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        """Send one request by this session."""
        return await self.organization.ask(method, f"/api/v1/auth{path}", body, key=self.access_token)

    async def again(self, *, mfa: bool = False) -> Person:
        """Return the same person in another session."""
        return await log_in(self.organization, self.id, mfa=mfa)

    def code(self, distance: int = 0) -> str:
        """Return what the app shows, so many steps from now."""
        return totp.code(self.secret, int(time.time()) // 30 + distance)

    async def begin(self) -> None:
        """Have a new secret in the app."""
        status, begun = await self.ask("POST", "/mfa/totp")
        assert status == 200, begun
        self.secret = decoded_base32(begun["secret"])

    async def set_up_app(self) -> list[str]:
        """Set the app up with the code of the step before this one; return the recovery codes."""
        await self.begin()
        confirmed = await confirm_app(self.secret, lambda body: self.ask("POST", "/mfa/totp/confirm", body))
        return confirmed["recovery_codes"]

    async def add_passkey(self, device: Authenticator | None = None) -> tuple[Authenticator, dict[str, Any]]:
        """Register a passkey; return the device and the reply."""
        device = device or Authenticator(ORIGIN)
        _, options = await self.ask("POST", "/passkeys/options")
        status, added = await self.ask("POST", "/passkeys", {"credential": device.make(options), "name": "Key"})
        assert status == 201, added
        return device, added

    async def check(self, challenge: bytes = b"", **shown: Any) -> str | None:
        """Prove a second factor, as login does; return the method."""
        factors = self.mesh.app.factors
        async with self.mesh.app.database.acting(self.organization_id) as tx:
            given = {"code": None, "passkey": None, **shown}
            return await factors.check(tx, self.organization_id, self.id, challenge=challenge, **given)

    async def methods(self) -> set[str]:
        async with self.mesh.app.database.acting(self.organization_id) as tx:
            return set(await self.mesh.app.factors.methods(tx, self.organization_id, self.id))

    async def asked(self, challenge: bytes) -> dict[str, Any]:
        """Return what login asks of the browser."""
        async with self.mesh.app.database.acting(self.organization_id) as tx:
            options = await self.mesh.app.factors.options(tx, self.organization_id, self.id, challenge)
        assert options is not None
        return options

    async def rows(self, sql: str, *arguments: object) -> list[dict[str, Any]]:
        async with self.mesh.app.database.acting(self.organization_id) as tx:
            return [dict(row) for row in await tx.all(sql, *arguments)]


async def confirm_app(secret: bytes, confirm: Callable[[dict[str, str]], Awaitable[tuple[int, Any]]]) -> Any:
    """Confirm by the code of the step before this one, so that this one's serves later; return the reply's body."""
    while True:
        step = int(time.time()) // 30
        status, reply = await confirm({"code": totp.code(secret, step - 1)})
        # Where the step has ended on the way, so has the time of that code.
        if status == 200 or int(time.time()) // 30 == step:
            assert status == 200, reply
            return reply


def decoded_base32(text: str) -> bytes:
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def log_in(organization: Organization, user_id: UUID, *, mfa: bool = False) -> Person:
    """Begin a session for the user, as login does once password and factor are right."""
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        return await begin_session(tx, organization, user_id, mfa=mfa)


async def begin_session(tx: Tx, organization: Organization, user_id: UUID, *, mfa: bool = False) -> Person:
    app, organization_id = organization.mesh.app, UUID(organization.id)
    directory = Directory(app.ring)
    user = await directory.user(tx, organization_id, user_id)
    found = await directory.organization(tx, organization_id)
    assert user is not None
    assert found is not None
    tokens = await app.sessions.begin(tx, user, found, Visitor("127.0.0.1"), mfa=mfa, user_agent="tests")
    return Person(organization, user_id, tokens.access_token, tokens.session_id)


@pytest.fixture
async def colleague(organization: Organization) -> Callable[[], Awaitable[Person]]:
    """Add another person to the organization and log them in."""

    async def join() -> Person:
        key = await organization.person(Role.MEMBER)
        _, profile = await organization.ask("GET", "/api/v1/auth/profile", key=key)
        return await log_in(organization, UUID(profile["id"]))

    return join


@pytest.fixture
async def ada(organization: Organization) -> Person:
    """The owner of a new organization, logged in."""
    return await Person.of_owner(organization)
