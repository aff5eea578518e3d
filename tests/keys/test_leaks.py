"""A report ends a real key at once and tells its people; whoever reports learns nothing, whatever was reported."""

from __future__ import annotations

import asyncio
import logging
import secrets
import statistics
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.app import App, build
from devmesh.audit.model import NIL, Visitor
from devmesh.crypto.tokens import new_api_key
from devmesh.db.embedded import Embedded
from devmesh.db.pool import Tx
from devmesh.errors import InvalidKey, RateLimited
from devmesh.keys import store_leaks
from devmesh.settings import Settings

if TYPE_CHECKING:
    from running import Mesh, Organization

PATH = "/api/v1/keys/leaked"
# Headers that differ from reply to reply, whatever is asked.
OWN = {"x-request-id", "date", "x-ratelimit-remaining", "x-ratelimit-reset", "ratelimit"}


async def report(mesh: Mesh, key: Any, **headers: str) -> tuple[int, bytes, dict[str, str]]:
    async with mesh.http.post(PATH, json={"key": key}, headers=headers) as reply:
        told = {name: value for name, value in reply.headers.items() if name.lower() not in OWN}
        return reply.status, await reply.read(), told


async def works(organization: Organization, key: str) -> bool:
    return (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200


async def accepts(app: App, key: str) -> bool:
    try:
        await app.verifier.verify(key)
    except InvalidKey:
        return False
    return True


async def id_of(organization: Organization, key: str) -> str:
    _, keys = await organization.ask("GET", "/api/v1/api-keys?limit=200")
    return next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])


async def run(organization: Organization, sql: str, *arguments: object) -> None:
    organization_id = UUID(organization.id)
    async with organization.mesh.app.database.acting(organization_id, organization_id) as tx:
        await tx.run(sql, *arguments)


async def verify_everybody(organization: Organization) -> None:
    await run(organization, "update users set verified_at = now()")


async def mails(mesh: Mesh, *to: str) -> dict[str, str]:
    """Return subject and text of the mails about leaks that went to these addresses."""
    await mesh.app.outbox.settled()
    found = {}
    for file in (mesh.data_dir / "outbox").iterdir():
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        if mail["To"] in to and "leaked" in mail["Subject"]:
            assert mail["To"] not in found, "two mails for one leak"
            found[mail["To"]] = f"{mail['Subject']}\n{mail.get_body(('plain',)).get_content()}"
    return found


@pytest.fixture
async def second(postgres: Embedded, master_key: bytes, mesh: Mesh, tmp_path: Path) -> AsyncIterator[App]:
    """Another process's program on the same database."""
    del mesh
    app = await build(Settings.load({"DEVMESH_DATA_DIR": str(tmp_path)}), master_key, postgres.app_dsn)
    yield app
    await app.close()


async def test_a_real_key_is_refused_from_the_reply_on_and_elsewhere_within_a_second(
    organization: Organization, second: App
):
    key = await organization.new_key(key_type="agent")
    assert await works(organization, key)
    assert await accepts(second, key)
    status, _, _ = await report(organization.mesh, f" {key}\n")
    assert status == 202
    assert not await works(organization, key)
    revoked = began = time.monotonic()
    while await accepts(second, key):
        assert began - revoked < 1
        await asyncio.sleep(0.01)
        began = time.monotonic()
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    assert [entry["revoked_at"] is None for entry in keys["api_keys"]] == [True, False]
    assert (await organization.ask("GET", "/api/v1/organization/usage"))[1]["agents"]["used"] == 0


@contextmanager
def statements() -> Iterator[list[str]]:
    """Note every statement that is run meanwhile, but what others run in the background."""
    noted: list[str] = []
    ours = asyncio.current_task()

    def counting(whole: Any) -> Any:
        async def counted(self: Tx, sql: str, *arguments: object) -> Any:
            if asyncio.current_task() is ours:
                noted.append(sql)
            return await whole(self, sql, *arguments)

        return counted

    with patch.multiple(Tx, **{name: counting(getattr(Tx, name)) for name in ("one", "all", "value", "run")}):
        yield noted


async def of_each_kind(organization: Organization) -> dict[str, str]:
    """Return a key of each kind that could be told from another."""
    real = [await organization.new_key(key_type="user") for _ in range(3)]
    await organization.ask("DELETE", f"/api/v1/api-keys/{await id_of(organization, real[1])}")
    await run(organization, "update api_keys set expires_at = now() where id = $1", await id_of(organization, real[2]))
    return {
        "real": real[0],
        "revoked": real[1],
        "expired": real[2],
        "unknown": new_api_key("user"),
        "malformed": real[0][:-1],
        "no key": "ghp_not_one_of_ours",
        "empty": "",
        "long": "usr_" + "A" * 500_000,
    }


async def test_the_reply_is_the_same_for_every_kind_of_key(organization: Organization):
    await verify_everybody(organization)
    replies = {kind: await report(organization.mesh, key) for kind, key in (await of_each_kind(organization)).items()}
    assert {status for status, _, _ in replies.values()} == {202}
    assert [kind for kind, reply in replies.items() if reply != replies["unknown"]] == []


async def test_the_same_statements_are_run_for_every_kind_of_key(organization: Organization):
    await verify_everybody(organization)
    visitor, leaks, noted = Visitor("192.0.2.7", "test"), leaks_of(organization.mesh), {}
    for kind, key in (await of_each_kind(organization)).items():
        with statements() as found, patch("devmesh.keys.leaks._STEP", 0.001):
            await leaks.report(visitor, key)
        noted[kind] = found
    assert len(noted["real"]) >= 8
    assert [kind for kind, found in noted.items() if found != noted["unknown"]] == []


def leaks_of(mesh: Mesh) -> Any:
    return mesh.app.leaks


async def test_the_reply_takes_as_long_for_every_kind_of_key(organization: Organization):
    await verify_everybody(organization)
    took: dict[str, list[float]] = {"real": [], "unknown": [], "malformed": []}

    async def timed(kind: str, key: str) -> None:
        began = time.perf_counter()
        await report(organization.mesh, key)
        took[kind].append(time.perf_counter() - began)

    # A step so wide that each report fits into one on the busiest machine; together, so that each meets the same one.
    with patch("devmesh.keys.leaks._STEP", 1.0):
        for _ in range(5):
            keys = {"real": await organization.new_key(), "unknown": new_api_key("user"), "malformed": "x"}
            await asyncio.gather(*(timed(kind, key) for kind, key in keys.items()))
    middles = [statistics.median(each) for each in took.values()]
    assert max(middles) - min(middles) < 0.2
    assert min(middles) > 0.8


async def test_the_person_and_the_owners_are_told_once_under_verified_addresses(organization: Organization):
    mesh = organization.mesh
    colleague, stranger = await organization.person(), await organization.person()
    addresses = [
        (await organization.ask("GET", "/api/v1/auth/profile", key=key))[1]["email"]
        for key in (organization.key, colleague, stranger)
    ]
    await run(organization, "update users set verified_at = now() where email <> $1", addresses[2])
    key = await organization.new_key(colleague, key_type="user")
    lone = await organization.new_key(stranger, key_type="user")
    key_id = await id_of(organization, key)
    await asyncio.gather(*(report(mesh, key) for _ in range(5)))
    await report(mesh, key)
    told = await mails(mesh, *addresses)
    assert set(told) == set(addresses[:2])
    assert told[addresses[0]].startswith("A colleague's API key was reported as leaked and is revoked")
    assert told[addresses[1]].startswith("Your API key was reported as leaked and is revoked")
    for text in told.values():
        assert key_id in text
        assert key[:8] in text
        assert key[8:] not in text
        assert organization.slug in text
    # Nobody verified is left for this one but the owner.
    await run(organization, "update users set verified_at = null")
    await report(mesh, lone)
    assert not await works(organization, lone)
    assert await mails(mesh, addresses[2]) == {}


async def test_the_record_holds_the_reporters_address_and_no_key(organization: Organization):
    key = await organization.new_key(key_type="user")
    key_id = await id_of(organization, key)
    await report(organization.mesh, key)
    _, audit = await organization.ask("GET", "/api/v1/audit?action=key.leak")
    [entry] = audit["entries"]
    assert (entry["target"], entry["address"], entry["outcome"]) == (key_id, "127.0.0.1", "ok")
    assert entry["details"] == {"known": True, "revoked": True}
    assert set(entry["actor"].values()) == {None}
    assert key[8:] not in str(audit)


async def test_a_report_about_no_key_is_the_operators_record_alone(organization: Organization):
    mesh, address = organization.mesh, "192.0.2.9"
    key = new_api_key("user")
    await leaks_of(mesh).report(Visitor(address, "test"), key)
    assert (await organization.ask("GET", "/api/v1/audit?action=key.leak"))[1]["entries"] == []
    async with mesh.app.database.acting(NIL) as tx:
        rows = await tx.all("select record from audit_events where organization_id = $1", NIL)
    [record] = [row["record"] for row in rows if address in row["record"]]
    assert '"known":false' in record
    assert key[8:] not in record


async def test_the_key_stands_in_no_log_and_in_no_error(
    organization: Organization, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
):
    caplog.set_level(logging.DEBUG)
    mesh, key = organization.mesh, await organization.new_key()
    await report(mesh, key)
    replies = []
    for body in ({"key": [key]}, {"key": key, "more": key}, {"token": key}, [key], key):
        async with mesh.http.post(PATH, json=body) as reply:
            assert reply.status in (400, 422)
            replies.append(await reply.text())
    captured = capfd.readouterr()
    assert key[8:] not in "".join([caplog.text, captured.out, captured.err, *replies])


async def test_no_credential_is_needed_and_none_is_looked_at(organization: Organization):
    key = await organization.new_key()
    status, _, headers = await report(organization.mesh, new_api_key("user"), Authorization=f"Bearer {key[:-1]}")
    assert status == 202
    assert {name.lower(): value for name, value in headers.items()}["ratelimit-policy"].startswith('"address";')
    # Somebody may send it as both.
    assert (await report(organization.mesh, key, Authorization=f"Bearer {key}"))[0] == 202
    assert not await works(organization, key)


async def test_reports_are_limited_by_address(mesh: Mesh, monkeypatch: pytest.MonkeyPatch):
    spent: list[str] = []

    async def spend(address: str) -> None:
        spent.append(address)
        raise RateLimited(retry_after=1)

    monkeypatch.setattr(mesh.app.limits, "spend_address", spend)
    assert (await report(mesh, new_api_key("user"), Authorization="Bearer x"))[0] == 429
    assert spent == ["127.0.0.1"]


async def test_a_former_secret_ends_without_the_present_one(organization: Organization):
    await verify_everybody(organization)
    former = await organization.new_key(key_type="user")
    path = f"/api/v1/api-keys/{await id_of(organization, former)}"
    _, rotated = await organization.ask("POST", f"{path}/rotate", {"grace_seconds": 3600})
    present = rotated["api_key"]
    assert await works(organization, former)
    await report(organization.mesh, former)
    assert not await works(organization, former)
    assert await works(organization, present)
    owner = (await organization.ask("GET", "/api/v1/auth/profile"))[1]["email"]
    assert (await mails(organization.mesh, owner))[owner].startswith("The former secret of your API key")
    await report(organization.mesh, present)
    assert not await works(organization, present)


async def test_no_other_organizations_key_is_touched(mesh: Mesh):
    mine, theirs = await mesh.organization(), await mesh.organization()
    key = await mine.new_key()
    other = await theirs.new_key()
    digests = mesh.app.ring.digests("keys", key.encode())
    key_id = UUID(await id_of(mine, key))
    for organization_id in (UUID(theirs.id), NIL):
        async with mesh.app.database.acting(organization_id, organization_id) as tx:
            assert await store_leaks.end(tx, organization_id, organization_id, key_id, digests) is None
    assert await works(mine, key)
    await report(mesh, key)
    assert await works(theirs, other)


async def test_many_reports_at_once_leave_the_database_to_others(organization: Organization):
    mesh = organization.mesh
    flood = [asyncio.create_task(report(mesh, new_api_key("user"))) for _ in range(100)]
    await asyncio.sleep(0.05)
    began = time.perf_counter()
    # A new key each time: it is read.
    for _ in range(3):
        assert await works(organization, await organization.new_key(name=secrets.token_hex(4)))
    assert time.perf_counter() - began < 20
    assert {status for status, _, _ in await asyncio.gather(*flood)} == {202}


async def test_somebody_readonly_loses_a_leaked_key_as_anybody_does(organization: Organization):
    key = await organization.person(Role.READONLY)
    await report(organization.mesh, key)
    assert not await works(organization, key)
