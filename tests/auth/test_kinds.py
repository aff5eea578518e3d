"""Every kind of token, where another kind belongs: refused, and what it is good for is left as it was."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.accounts.model import RESET, VERIFY
from devmesh.ids import new_id
from devmesh.login import store as login_store
from running import Organization
from sessions_people import new_person

PASSWORD = "a whole new password 1A"
# Each place: its path, the field of the body (None: a header), what else the body holds, and which kinds belong there.
PLACES: dict[str, tuple[str, str | None, dict[str, str], set[str]]] = {
    "bearer": ("/api/v1/auth/validate", None, {}, {"access token", "api key"}),
    "x-api-key": ("/api/v1/auth/validate", None, {}, {"api key"}),
    "mcp": ("/mcp", None, {"jsonrpc": "2.0", "id": "1", "method": "tools/list"}, {"access token", "api key"}),
    "refresh": ("/api/v1/auth/refresh", "refresh_token", {}, {"refresh token"}),
    "verify": ("/api/v1/auth/email/verify", "token", {}, {"verification token"}),
    "reset": ("/api/v1/auth/password/reset/confirm", "token", {"new_password": PASSWORD}, {"reset token"}),
    "second factor": ("/api/v1/auth/login/mfa", "mfa_token", {"code": "000000"}, {"login token"}),
    "password": ("/api/v1/auth/login", "password", {}, set()),
    "lookup": ("/api/v1/auth/invitation/lookup", "token", {}, {"invitation token"}),
    "invitation": ("/api/v1/auth/invitation/accept", "token", {"password": PASSWORD}, {"invitation token"}),
}
# Where each kind still works after it was tried elsewhere; a login token would need a factor as well.
OWN = {
    "access token": "bearer",
    "api key": "x-api-key",
    "refresh token": "refresh",
    "verification token": "verify",
    "reset token": "reset",
    "invitation token": "invitation",
    "login token": None,
}


@pytest.fixture
async def tokens(organization: Organization) -> dict[str, str]:
    """One live token of each kind, all of one organization."""
    app, organization_id = organization.mesh.app, UUID(organization.id)
    person = await new_person(organization, Role.OWNER)
    links, invited, waiting = app.accounts._links, secrets.token_urlsafe(32), "mfa_" + secrets.token_urlsafe(32)
    async with app.database.acting(organization_id, organization_id) as tx:
        verify = await links.mint(tx, organization_id, person.id, VERIFY, timedelta(hours=1))
        reset = await links.mint(tx, organization_id, person.id, RESET, timedelta(hours=1))
        digest = app.ring.digest("logins", b"token\0" + waiting.encode())
        hour = timedelta(hours=1)
        await login_store.add_challenge(tx, organization_id, person.id, new_id(), digest, b"challenge", hour)
        await invite(tx, organization_id, person.id, app.ring.digest("mail", invited.encode()))
    return {
        "access token": person.tokens.access_token,
        "refresh token": person.tokens.refresh_token,
        "api key": organization.key,
        "verification token": verify.token,
        "reset token": reset.token,
        "login token": waiting,
        "invitation token": invited,
    }


async def invite(tx: Any, organization_id: UUID, by: UUID, digest: bytes) -> None:
    invitation_id = new_id()
    await tx.run(
        "insert into invitations (id, organization_id, tenant_id, email, name, role, invited_by, expires_at) "
        "values ($1, $2, $2, 'cy@example.com', 'Cy', 'member', $3, now() + interval '1 day')",
        invitation_id,
        organization_id,
        by,
    )
    await tx.run(
        "insert into route_invitations (digest, organization_id, invitation_id) values ($1, $2, $3)",
        digest,
        organization_id,
        invitation_id,
    )


async def sent(organization: Organization, place: str, secret: str) -> tuple[int, Any]:
    path, name, more, _ = PLACES[place]
    headers = {"X-API-Key": secret} if place == "x-api-key" else {"Authorization": f"Bearer {secret}"}
    body: dict[str, str] | None = more or None
    if name is not None:
        headers, body = {}, {name: secret, **more}
    if place == "password":
        body = {**(body or {}), "email": organization.registered["user"]["email"]}
    async with organization.mesh.http.post(path, json=body, headers=headers) as reply:
        return reply.status, await reply.json(content_type=None)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", OWN)
async def test_each_kind_of_token_works_in_its_own_place_alone(
    organization: Organization, tokens: dict[str, str], kind: str, place: str
):
    status, body = await sent(organization, place, tokens[kind])
    if kind in PLACES[place][3]:
        # A login token is known, though the code beside it is wrong: see below.
        assert kind == "login token" or status in (200, 201, 202, 204), body
        return
    assert status in (400, 401, 403, 404, 409, 410, 422), body
    assert "access_token" not in str(body)
    assert tokens[kind] not in str(body)
    own = OWN[kind]
    if own is not None:
        assert (await sent(organization, own, tokens[kind]))[0] in (200, 201, 202, 204)
        return
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        assert await tx.value("select attempts from login_challenges") == 0
