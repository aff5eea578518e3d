"""A policy on the age of keys, and mail before a key ends: once for each of 14 days and one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.keys import store_reminders
from running import Organization
from sessions_people import new_person

if TYPE_CHECKING:
    from pathlib import Path

    from running import Mesh

PATH = "/api/v1/api-keys"
PROFILE = "/api/v1/auth/profile"
POLICIES = "/api/v1/organization/policies"


async def made(organization: Organization, **fields: Any) -> dict[str, Any]:
    status, body = await organization.ask("POST", PATH, {"name": "one", **fields})
    assert status == 201, body
    return body


async def set_age(organization: Organization, days: int | None) -> None:
    # By a session: the policy may end the owner's first key, too.
    owner = await new_person(organization, Role.OWNER)
    body = {"require_mfa": False, "password_policy": "standard", "max_key_age_days": days}
    assert (await owner.ask("PUT", POLICIES, body))[0] == 200


async def age(organization: Organization, key_id: str, sql: str) -> None:
    """Change the key's times, as if they were passing."""
    of = UUID(organization.id)
    async with organization.mesh.app.database.acting(of, of) as tx:
        await tx.run(f"update api_keys set {sql} where id = $1", UUID(key_id))
        await organization.mesh.app.changes.announce(tx, "key", key_id)


async def is_live(organization: Organization, key: str) -> bool:
    return (await organization.ask("GET", PROFILE, key=key))[0] == 200


async def test_an_age_binds_new_keys_and_old_ones_at_once(organization: Organization):
    old, young = await made(organization), await made(organization)
    await age(organization, old["id"], "created_at = now() - interval '90 days'")
    assert await is_live(organization, old["api_key"])
    await set_age(organization, 90)
    assert (await is_live(organization, old["api_key"]), await is_live(organization, young["api_key"])) == (False, True)
    _, listed = await organization.ask("GET", PATH)
    shown = {entry["id"]: entry for entry in listed["api_keys"]}
    assert (shown[old["id"]]["is_active"], shown[young["id"]]["is_active"]) == (False, True)
    fresh = await made(organization, expires_at="2999-01-01T00:00:00Z")
    sooner = await made(organization, key_type="agent", expires_at=soon(30))
    assert days(fresh["info"]) == 90
    assert days(sooner["info"]) < 90
    await set_age(organization, None)
    assert await is_live(organization, old["api_key"])
    assert (await organization.ask("GET", f"{PATH}/{fresh['id']}"))[1]["expires_at"] == "2999-01-01T00:00:00Z"


async def test_a_rotation_begins_a_new_age_and_gives_a_former_secret_no_more_than_its_own(organization: Organization):
    one, two = await made(organization), await made(organization)
    await age(organization, one["id"], "created_at = now() - interval '90 days' + interval '1 hour'")
    await set_age(organization, 90)
    status, after = await organization.ask("POST", f"{PATH}/{one['id']}/rotate", {"grace_seconds": 604_800})
    left = datetime.fromisoformat(after["info"]["expires_at"]) - datetime.now(UTC)
    assert (status, round(left / timedelta(days=1))) == (200, 90)
    _, shown = await organization.ask("GET", f"{PATH}/{one['id']}")
    assert timedelta() < datetime.fromisoformat(shown["previous_until"]) - datetime.now(UTC) < timedelta(hours=1)
    assert await is_live(organization, after["api_key"])
    # One that has aged does nothing itself; by another credential of its person it is given a new secret.
    await age(organization, two["id"], "created_at = now() - interval '91 days'")
    assert (await organization.ask("POST", f"{PATH}/{two['id']}/rotate", key=two["api_key"]))[0] == 401
    status, after = await organization.ask("POST", f"{PATH}/{two['id']}/rotate")
    assert status == 200
    assert await is_live(organization, after["api_key"])


def soon(days: int) -> str:
    return (datetime.now(UTC) + timedelta(days=days)).isoformat()


def days(info: dict[str, Any]) -> int:
    return (datetime.fromisoformat(info["expires_at"]) - datetime.fromisoformat(info["created_at"])).days


def mails(mesh: Mesh, key_id: str) -> list[str]:
    def texts(folder: Path) -> list[str]:
        return [file.read_text() for file in sorted(folder.iterdir())]

    return [text.replace("=\n", "") for text in texts(mesh.data_dir / "outbox") if key_id in text.replace("=\n", "")]


@pytest.fixture
async def verified(organization: Organization) -> Organization:
    of = UUID(organization.id)
    async with organization.mesh.app.database.acting(of) as tx:
        await tx.run("update users set verified_at = now()")
    return organization


async def sweep(mesh: Mesh) -> int:
    told = await mesh.app.reminders.sweep()
    await mesh.app.outbox.settled()
    return told


async def test_an_owner_is_told_once_for_each_of_fourteen_days_and_one(mesh: Mesh, verified: Organization):
    one = await made(verified, expires_at=soon(90))
    for passed, told in ((75, 0), (2, 1), (5, 1), (7.5, 2), (0.1, 2)):
        columns = ("created_at", "expires_at", "warned_of")
        await age(verified, one["id"], ", ".join(f"{name} = {name} - interval '{passed} days'" for name in columns))
        for _ in range(2):
            await sweep(mesh)
        assert len(mails(mesh, one["id"])) == told
    text = mails(mesh, one["id"])[0]
    assert one["api_key"][:8] in text
    assert one["api_key"] not in text


async def test_no_mail_is_sent_for_what_is_short_lived_revoked_or_nobodys(mesh: Mesh, verified: Organization):
    short, revoked, other = [await made(verified, expires_at=soon(2)) for _ in range(3)]
    for one in (revoked, other):
        await age(verified, one["id"], "created_at = now() - interval '60 days'")
    await verified.ask("DELETE", f"{PATH}/{revoked['id']}")
    of = UUID(verified.id)
    async with mesh.app.database.acting(of) as tx:
        await tx.run("update users set verified_at = null")
    await sweep(mesh)
    async with mesh.app.database.acting(of) as tx:
        await tx.run("update users set verified_at = now()")
    assert [len(mails(mesh, one["id"])) for one in (short, revoked, other)] == [0, 0, 0]
    await sweep(mesh)
    assert [len(mails(mesh, one["id"])) for one in (short, revoked, other)] == [0, 0, 1]
    assert (await verified.ask("GET", f"{PATH}/{other['id']}"))[1]["is_active"]


async def test_of_many_processes_one_does_it(mesh: Mesh, verified: Organization):
    await sweep(mesh)
    one = await made(verified, expires_at=soon(3))
    await age(verified, one["id"], "created_at = now() - interval '60 days'")
    async with mesh.app.database.routing() as tx:
        assert await store_reminders.lock(tx)
        assert await sweep(mesh) == 0
    told = await asyncio.gather(*(mesh.app.reminders.sweep() for _ in range(3)))
    await mesh.app.outbox.settled()
    assert sum(told) == 1
    assert len(mails(mesh, one["id"])) == 1


async def test_a_former_secret_is_forgotten_when_its_grace_is_over(mesh: Mesh, organization: Organization):
    one = await made(organization)
    await organization.ask("POST", f"{PATH}/{one['id']}/rotate", {"grace_seconds": 3600})
    of = UUID(organization.id)
    for sql, left in (("name = name", 2), ("previous_until = now()", 1)):
        await age(organization, one["id"], sql)
        await sweep(mesh)
        async with mesh.app.database.acting(of, of) as tx:
            assert await tx.value("select count(*) from route_keys where key_id = $1", UUID(one["id"])) == left
    assert not await is_live(organization, one["api_key"])
