from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

if TYPE_CHECKING:
    from running import Mesh, Organization

INVITE = "/api/v1/auth/users/invite"
LIST = "/api/v1/auth/invitations"
LOOKUP = "/api/v1/auth/invitation/lookup"
ACCEPT = "/api/v1/auth/invitation/accept"
PASSWORD = "a sentence that only Bo says"


@dataclass
class Post:
    """The mails of the running gateway, and what a person without a credential sends to it."""

    mesh: Mesh

    async def to(self, address: str) -> list[EmailMessage]:
        """Return the mails to that address, the oldest first."""
        await self.mesh.app.outbox.settled()
        files = sorted((self.mesh.data_dir / "outbox").glob("*.eml"), key=lambda file: file.name.rpartition("Z-")[2])
        mails = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        return [mail for mail in mails if mail["To"] == address]

    async def tokens(self, address: str) -> list[str]:
        """Return the tokens of the invitations that were mailed to that address, the oldest first."""
        texts = [mail.get_body(("plain",)).get_content() for mail in await self.to(address)]
        return [found for text in texts for found in re.findall(r"/accept#token=(\S+)", text)]

    async def send(self, path: str, **body: Any) -> tuple[int, Any]:
        """Send a body as somebody unknown."""
        async with self.mesh.http.post(path, json=body) as reply:
            return reply.status, await reply.json()

    async def accept(self, token: str, **fields: Any) -> tuple[int, Any]:
        return await self.send(ACCEPT, **{"token": token, "password": PASSWORD, **fields})


@pytest.fixture
def post(mesh: Mesh) -> Post:
    return Post(mesh)


Invite = Callable[..., Awaitable[dict[str, Any]]]


@pytest.fixture
def invite(organization: Organization) -> Invite:
    """Invite somebody into the organization by its owner's key; return the reply."""

    async def invite(address: str = "bo@example.com", **fields: Any) -> dict[str, Any]:
        body = {"email": address, "name": "Bo Person", **fields}
        status, invited = await organization.ask("POST", INVITE, body)
        assert status == 201, invited
        return invited

    return invite


async def change(organization: Organization, sql: str, *arguments: Any) -> None:
    """Change a row of the organization, as time or an operator would."""
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id, organization_id) as tx:
        await tx.run(sql, organization_id, *arguments)


async def set_plan(organization: Organization, plan: str) -> None:
    await change(organization, "update organizations set plan = $2 where id = $1", plan)


async def recorded(organization: Organization, action: str) -> list[dict[str, Any]]:
    """Return the organization's audit entries of that action, the newest first."""
    _, audit = await organization.ask("GET", f"/api/v1/audit?action={action}")
    return audit["entries"]
