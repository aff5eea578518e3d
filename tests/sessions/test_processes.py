"""Several processes on one database: what one ends, all refuse within a second; what one signs, all know."""

from __future__ import annotations

import asyncio
import base64
import time
from typing import Any
from unittest.mock import patch
from uuid import UUID, uuid4

import pytest
from msgspec.structs import replace

from devmesh import cli
from devmesh.access import Role
from devmesh.app import App
from devmesh.audit.model import Visitor
from devmesh.db.embedded import Embedded
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from devmesh.directory.service import Directory
from devmesh.sessions.model import RING_CHANGED, InvalidToken, RefreshAlreadyUsed
from devmesh.sessions.tokens import genuine, named_key, signed
from running import Mesh
from sessions_people import Person, begin, new_person, until


async def accepts(app: App, token: str) -> bool:
    try:
        await app.session_verifier.verify(token)
    except InvalidToken:
        return False
    return True


async def rotate(app: App) -> int:
    """Rotate as the command does."""
    async with app.database.routing() as tx:
        version = await app.ring.rotate(tx, "jwt")
        await app.changes.announce(tx, RING_CHANGED, "jwt")
    return version


async def published(app: App) -> set[str]:
    return {one["kid"] for one in await signing(app).published()}


def signing(app: App) -> Any:
    return app.sessions._keys


async def test_a_logout_is_heard_by_another_process_within_a_second(person: Person, second: App):
    token = person.tokens.access_token
    assert await accepts(second, token)
    assert second.session_verifier._held
    await person.ask("POST", "/api/v1/auth/logout")

    async def refused() -> bool:
        return not await accepts(second, token)

    await until(refused)


async def test_a_stolen_refresh_token_ends_the_session_in_every_process(person: Person, second: App):
    _, first = await person.refresh()
    assert await accepts(second, first["access_token"])
    await person.do(lambda tx: tx.run("update refresh_tokens set spent_at = spent_at - interval '1 minute'"))
    assert (await person.refresh())[0] == 401

    async def refused() -> bool:
        return not await accepts(second, first["access_token"])

    await until(refused)


async def test_twenty_refreshes_at_once_in_two_processes_have_one_successor(person: Person, second: App):
    apps = (person.organization.mesh.app, second)
    whole = Directory.user

    async def slowly(*arguments: Any) -> Any:
        # All have looked at the token by now, unless they wait for each other.
        await asyncio.sleep(0.1)
        return await whole(*arguments)

    async def refresh(app: App) -> str:
        try:
            await app.sessions.refresh(Visitor("127.0.0.1", "test"), person.tokens.refresh_token)
        except RefreshAlreadyUsed:
            return "told so"
        return "successor"

    with patch.object(Directory, "user", slowly):
        found = await asyncio.gather(*(refresh(apps[turn % 2]) for turn in range(20)))
    assert sorted(found) == ["successor"] + ["told so"] * 19


@pytest.mark.parametrize(
    ("kind", "sql"),
    [
        (USER_CHANGED, "update users set role = 'readonly' where id = $1"),
        (ORGANIZATION_CHANGED, "update organizations set policies = '{\"require_mfa\": true}' where $1 <> id"),
        (TENANT_CHANGED, "update tenants set name = 'Renamed' where $1 <> id"),
    ],
)
async def test_a_change_in_one_process_drops_what_another_remembers(mesh: Mesh, second: App, kind: str, sql: str):
    owner = await new_person(await mesh.organization(), Role.OWNER)
    before = (await second.session_verifier.verify(owner.tokens.access_token)).grant
    of = owner.id if kind == USER_CHANGED else owner.user.organization_id

    async def change(tx: Any) -> None:
        await tx.run(sql, owner.id)
        await mesh.app.changes.announce(tx, kind, str(of))

    await owner.do(change)

    async def changed() -> bool:
        after = (await second.session_verifier.verify(owner.tokens.access_token)).grant
        return (after.role, after.rights.scopes, after.person) != (before.role, before.rights.scopes, before.person)

    await until(changed)


async def test_what_is_remembered_costs_no_look_at_the_database_while_the_heartbeat_is_fresh(
    person: Person, second: App
):
    token = person.tokens.access_token
    await accepts(second, token)
    looks = 0
    whole = second.database.acting

    def counted(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return whole(*arguments)

    with patch.object(second.database, "acting", counted), patch.object(second.changes, "fresh", lambda: True):
        assert all([await accepts(second, token) for _ in range(10)])
        assert looks == 0
        # Deaf for a second: everything is read again, and a session that has ended meanwhile is refused.
        with patch.object(second.changes, "fresh", lambda: False):
            await person.do(
                lambda tx: tx.run("update sessions set ended_at = now() where id = $1", person.tokens.session_id)
            )
            assert not await accepts(second, token)
            assert looks == 1
    assert not await accepts(second, token)


async def test_of_a_crowd_with_a_token_used_for_the_first_time_few_read_it(person: Person, second: App):
    looks, whole = 0, second.database.acting

    def counted(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return whole(*arguments)

    token = person.tokens.access_token
    with patch.object(second.database, "acting", counted):
        with patch.object(second.changes, "fresh", lambda: True):
            assert all(await asyncio.gather(*(accepts(second, token) for _ in range(64))))
            assert looks <= 3
        # Nor is it taken from memory while a change may have been missed.
        looks = 0
        with patch.object(second.changes, "fresh", lambda: False):
            assert all(await asyncio.gather(*(accepts(second, token) for _ in range(8))))
            assert looks == 8


async def test_a_row_read_while_a_change_was_heard_is_not_remembered(person: Person, second: App):
    verifier, whole = second.session_verifier, second.database.acting

    def meanwhile(*arguments: Any) -> Any:
        verifier._forget_user(str(UUID(int=1)))
        return whole(*arguments)

    with patch.object(second.database, "acting", meanwhile):
        held = await verifier.verify(person.tokens.access_token)
    assert held not in verifier._held.values()


async def test_a_tenant_found_while_a_change_was_heard_is_not_remembered(person: Person, second: App):
    verifier, whole = second.session_verifier, second.database.acting
    tenant_id = await tenant(person)
    held = await verifier.verify(person.tokens.access_token)

    def meanwhile(*arguments: Any) -> Any:
        verifier._forget_user(str(UUID(int=1)))
        return whole(*arguments)

    with patch.object(second.database, "acting", meanwhile):
        assert await verifier.within(held, str(tenant_id))
    assert held.tenants == {}


async def test_a_tenant_is_looked_for_anew_while_changes_may_be_missed(person: Person, second: App):
    verifier, tenant_id = second.session_verifier, await tenant(person)
    held = await verifier.verify(person.tokens.access_token)
    assert await verifier.within(held, str(tenant_id))
    await person.do(lambda tx: tx.run("delete from memberships where user_id = $1", person.id))
    with patch.object(second.changes, "fresh", lambda: True):
        assert await verifier.within(held, str(tenant_id))  # nothing was announced
    with patch.object(second.changes, "fresh", lambda: False):
        assert await verifier.within(held, str(tenant_id)) is None


async def tenant(person: Person) -> UUID:
    """Add a tenant to the person's organization, and the person to it."""
    tenant_id, organization_id = uuid4(), UUID(person.organization.id)

    async def add(tx: Any) -> None:
        made = "insert into tenants (id, organization_id, name, slug) values ($1, $2, 'Another', 'another')"
        await tx.run(made, tenant_id, organization_id)
        joined = "insert into memberships (organization_id, tenant_id, user_id) values ($1, $2, $3)"
        await tx.run(joined, organization_id, tenant_id, person.id)

    await person.do(add)
    return tenant_id


async def test_rotation_logs_nobody_out_in_any_process(person: Person, second: App):
    app, old = person.organization.mesh.app, person.tokens
    assert await accepts(second, old.access_token)
    await rotate(app)
    fresh = await begin(second, person.user)
    assert named_key(fresh.access_token) != named_key(old.access_token)
    for process in (app, second):
        for token in (old.access_token, fresh.access_token):
            assert await accepts(process, token)
        assert {named_key(old.access_token), named_key(fresh.access_token)} <= await published(process)
    status, refreshed = await person.refresh()
    assert status == 200
    assert named_key(refreshed["access_token"]) == named_key(fresh.access_token)


async def test_a_token_by_a_key_never_met_makes_the_ring_be_read_once(person: Person, second: App):
    app = person.organization.mesh.app
    # Nothing is announced: the other process meets the new key by a token.
    async with app.database.routing() as tx:
        await app.ring.rotate(tx, "jwt")
    fresh = [await begin(app, person.user) for _ in range(20)]
    looks = 0
    whole = second.ring.history

    async def counted(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return await whole(*arguments)

    with patch.object(second.ring, "history", counted):
        await signing(second)._look(time.monotonic())
        looks = 0
        async with app.database.routing() as tx:
            await app.ring.rotate(tx, "jwt")
        fresh = [await begin(app, person.user) for _ in range(20)]
        assert all(await asyncio.gather(*(accepts(second, one.access_token) for one in fresh)))
        assert looks == 1


async def test_made_up_keys_cause_few_looks_at_the_ring_and_bar_nobody(person: Person, second: App):
    header, payload, signature = person.tokens.access_token.split(".")
    del header
    made_up = "eyJhbGciOiJFZERTQSIsInR5cCI6ImF0K2p3dCIsImtpZCI6ImEifQ"
    looks = 0
    whole = second.ring.history

    async def counted(*arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        return await whole(*arguments)

    with patch.object(second.ring, "history", counted):
        began = time.monotonic()
        for _ in range(3):
            found = await asyncio.gather(*(accepts(second, f"{made_up}.{payload}.{signature}") for _ in range(100)))
            assert not any(found)
        assert looks <= 2 + (time.monotonic() - began) * 5


async def test_an_old_key_is_published_until_its_last_token_is_over(person: Person, second: App):
    app = person.organization.mesh.app
    old = named_key(person.tokens.access_token)
    await rotate(app)
    assert old in await published(second)
    keys = signing(second)
    with patch("devmesh.sessions.signing.time.time", lambda: time.time_ns() / 1e9 + 15 * 60 + 50):
        assert old in await published(second)
    with patch("devmesh.sessions.signing.time.time", lambda: time.time_ns() / 1e9 + 15 * 60 + 70):
        later = await published(second)
    assert old not in later
    assert keys._newest.kid in later


async def test_a_replaced_key_signs_nothing_new(person: Person, second: App):
    app = person.organization.mesh.app
    old = await signing(second).of(named_key(person.tokens.access_token))
    await rotate(app)
    await signing(second)._look(time.monotonic())
    replaced = await signing(second).of(old.kid)
    claims = (await app.session_verifier.verify(person.tokens.access_token)).claims
    late = signed(replace(claims, iat=claims.iat + 300, exp=claims.exp + 300), replaced)
    with patch("devmesh.sessions.tokens.time.time", lambda: claims.iat + 400):
        with pytest.raises(InvalidToken):
            genuine(late, replaced, "http://localhost:8081")
        assert genuine(late, old, "http://localhost:8081")


async def test_the_command_rotates_beside_running_servers(
    person: Person, second: App, postgres: Embedded, master_key: bytes, capsys: Any, monkeypatch: Any
):
    monkeypatch.setenv("DEVMESH_DATA_DIR", str(postgres.data_dir))
    monkeypatch.setenv("DEVMESH_MASTER_KEY", base64.b64encode(master_key).decode())
    before = named_key(person.tokens.access_token)
    assert await published(second)
    code = await asyncio.to_thread(cli.main, ["keys", "rotate", "jwt"])
    said = capsys.readouterr()
    assert (code, said.err) == (0, "")
    assert "nobody was logged out" in said.out
    fresh = await begin(second, person.user)
    assert named_key(fresh.access_token) != before
    assert await person.alive()

    async def listed() -> bool:
        return named_key(fresh.access_token) in await published(person.organization.mesh.app)

    await until(listed, 10)
    async with second.database.acting(UUID(int=0)) as tx:
        actions = await tx.all("select record from audit_events where organization_id = $1", UUID(int=0))
    assert any('"key-ring.rotate"' in row["record"] for row in actions)


async def test_the_command_refuses_another_master_key(postgres: Embedded, capsys: Any, monkeypatch: Any):
    monkeypatch.setenv("DEVMESH_DATA_DIR", str(postgres.data_dir))
    monkeypatch.setenv("DEVMESH_MASTER_KEY", "A" * 43 + "=")
    assert await asyncio.to_thread(cli.main, ["keys", "rotate", "jwt"]) == 1
    assert "does not open this database's key ring" in capsys.readouterr().err


async def test_the_command_says_what_is_missing(tmp_path: Any, capsys: Any, monkeypatch: Any):
    monkeypatch.setenv("DEVMESH_DATA_DIR", str(tmp_path / "nothing"))
    assert await asyncio.to_thread(cli.main, ["keys", "rotate", "jwt"]) == 1
    assert "run 'devmesh serve' first" in capsys.readouterr().err
    assert not (tmp_path / "nothing").exists()
