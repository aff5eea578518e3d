"""Requests that meet in the database: none waits for another that waits for it, and none acts for who is gone."""

from __future__ import annotations

import asyncio
import re
import secrets
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.accounts import store as accounts_store
from devmesh.db.pool import Database, Deadlocked
from devmesh.errors import RateLimited
from devmesh.http.address import network
from devmesh.ids import new_id
from devmesh.login import throttle
from devmesh.login.throttle import Throttle
from devmesh.sessions import store as sessions_store
from factors.conftest import Person as Enrolled
from sessions_people import new_person

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from devmesh.crypto.ring import KeyRing
    from running import Mesh, Organization

CROWD = 60


async def waiting(db: Database, count: int) -> None:
    """Return when so many statements wait for a row: notices wait for each other too, all the time and briefly."""
    sql = "select count(distinct pid) from pg_locks where not granted and locktype in ('transactionid', 'tuple')"
    async with asyncio.timeout(30), db.routing() as tx:
        while await tx.value(sql) != count:  # noqa: ASYNC110 - the server tells nobody
            await asyncio.sleep(0.01)


@asynccontextmanager
async def holding(db: Database, organization: Organization, sql: str, *arguments: object) -> AsyncIterator[None]:
    """Hold for the block what the statement locks."""
    async with db.acting(UUID(organization.id), UUID(organization.id)) as tx:
        assert await tx.all(sql, *arguments)
        yield


async def user_of(organization: Organization, key: str) -> str:
    _, profile = await organization.ask("GET", "/api/v1/auth/profile", key=key)
    return profile["id"]


async def test_who_stores_a_context_and_who_removes_the_tenant_do_not_wait_for_each_other(
    organization: Organization, db: Database
):
    async with db.acting(UUID(organization.id)) as tx:
        await tx.run("update organizations set plan = 'small' where id = $1", UUID(organization.id))
    _, tenant = await organization.ask("POST", "/api/v1/tenants", {"name": "Doomed", "slug": "doomed"})
    key = await organization.new_key(tenant_id="doomed")
    async with holding(db, organization, "select id from organizations for no key update"):
        removal = asyncio.create_task(organization.ask("DELETE", f"/api/v1/tenants/{tenant['id']}"))
        await waiting(db, 1)
        storing = asyncio.create_task(organization.ask("POST", "/api/v1/contexts", {"name": "late"}, key=key))
        await waiting(db, 2)
    assert (await removal)[0] == 204
    assert (await storing)[0] == 401


async def mailed_token(mesh: Mesh, to: str) -> str:
    await mesh.app.outbox.settled()
    for file in (mesh.data_dir / "outbox").glob("*.eml"):
        mail = message_from_bytes(file.read_bytes(), policy=policy.default)
        found = re.search(r"#token=([A-Za-z0-9_-]{43})", mail.get_body(("plain",)).get_content())
        if mail["To"] == to and found:
            return found[1]
    raise AssertionError(to)


async def test_who_verifies_an_address_and_who_removes_its_user_do_not_wait_for_each_other(
    organization: Organization, db: Database
):
    mesh, id_ = organization.mesh, UUID(organization.id)
    owner = UUID(organization.registered["user"]["id"])
    token = await mailed_token(mesh, organization.registered["user"]["email"])
    second = await organization.person(Role.OWNER)
    async with holding(db, organization, "select id from users where id = $1 for update", owner):
        removal = asyncio.create_task(organization.ask("DELETE", f"/api/v1/users/{owner}", key=second))
        await waiting(db, 1)
        verified = asyncio.create_task(mesh.http.post("/api/v1/auth/email/verify", json={"token": token}))
        await waiting(db, 2)
    assert (await removal)[0] == 204
    assert (await verified).status == 400
    async with db.acting(id_, id_) as tx:
        assert not await tx.value("select exists (select from mail_tokens where user_id = $1)", owner)


async def test_logins_that_clear_away_old_failures_do_not_wait_for_each_other(db: Database, ring: KeyRing):
    guard = Throttle(db, ring)
    people = [(new_id().bytes, f"10.7.{at}.1") for at in range(10)]
    for _ in range(20):
        await asyncio.gather(*(guard.take("login", who, where, known=False) for who, where in people))
        async with db.routing() as tx:
            await tx.run("update sprayed_accounts set latest = latest - interval '2 hours'")
            await tx.run(
                "update login_failures set failures = 0, blocked_until = now(), latest = latest - interval '2 days'"
            )


async def test_mails_that_clear_away_old_budgets_do_not_wait_for_each_other(db: Database):
    addresses = [secrets.token_bytes(32) for _ in range(CROWD)]

    async def spend(address: bytes) -> bool:
        async with db.routing() as tx:
            return await accounts_store.spend_budget(tx, address, "race", 5)

    for _ in range(3):
        assert all(await asyncio.gather(*map(spend, addresses)))
        async with db.routing() as tx:
            await tx.run("update mail_budgets set latest = latest - interval '2 hours' where kind = 'race'")


async def test_what_a_refused_login_left_behind_is_cleared_away_too(db: Database, ring: KeyRing):
    guard = Throttle(db, ring)
    for _ in range(throttle.PAIR.free):
        await guard.take("login", b"guessed", "10.8.0.1", known=False)
    pair = guard._digest(b"login", b"guessed", network("10.8.0.1").encode())
    async with db.routing() as tx:
        # Longer than the second that the next guess would have to wait: a busy machine may need it for what follows.
        blocked = "update login_failures set blocked_until = now() + interval '1 minute' where digest = $1"
        assert await tx.run(blocked, pair) == 1
        await tx.run("delete from login_failures where latest < now() - interval '1 day'")
        await tx.run(
            "insert into login_failures (digest, failures, latest, blocked_until) "
            "select sha256(i::text::bytea), 0, now() - interval '2 days', now() from generate_series(1, 15) as i"
        )
    with pytest.raises(RateLimited):
        await guard.take("login", b"guessed", "10.8.0.1", known=False)
    async with db.routing() as tx:
        left = await tx.value("select count(*) from login_failures where latest < now() - interval '1 day'")
        await tx.run("delete from login_failures where digest = $1", pair)
    assert left == 5


async def test_a_login_clears_away_no_more_dead_sessions_than_it_may(organization: Organization, db: Database):
    id_ = UUID(organization.id)
    async with db.acting(id_) as tx:
        await tx.run(
            "insert into sessions (id, organization_id, user_id, mfa, address, user_agent, expires_at) "
            "select gen_random_uuid(), $1, $2, false, '', '', now() from generate_series(1, 30)",
            id_,
            UUID(organization.registered["user"]["id"]),
        )
    async with db.acting(id_) as tx:
        # What the planner may choose for a large table: a loop that asks the subquery anew for each row.
        for way in ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize"):
            await tx.run(f"set local enable_{way} = off")
        assert await sessions_store.remove_dead(tx, id_, timedelta(days=7), 20) == 20


async def test_of_two_who_wait_for_each_other_one_is_told_to_try_again(organization: Organization, db: Database):
    id_, met = UUID(organization.id), asyncio.Barrier(2)

    async def both(*tables: str) -> None:
        async with db.acting(id_) as tx:
            await tx.run(f"select id from {tables[0]} for update")
            await met.wait()
            await tx.run(f"select id from {tables[1]} for update")

    results: list[Any] = await asyncio.gather(
        both("organizations", "users"), both("users", "organizations"), return_exceptions=True
    )
    failed = [result for result in results if result is not None]
    assert [type(error) for error in failed] == [Deadlocked]
    assert (failed[0].status, failed[0].retry_after) == (503, 1.0)


@pytest.mark.parametrize("change", [{"is_active": False}, {"role": "member"}])
async def test_an_invitation_waits_for_the_change_that_takes_the_inviters_right(
    organization: Organization, db: Database, change: dict[str, Any]
):
    key = await organization.person(Role.ADMIN)
    user_id = await user_of(organization, key)
    wanted = {"email": "late@example.com", "name": "Late"}
    async with holding(db, organization, "select id from organizations for no key update"):
        taken = asyncio.create_task(organization.ask("PATCH", f"/api/v1/users/{user_id}", change))
        await waiting(db, 1)
        inviting = asyncio.create_task(organization.ask("POST", "/api/v1/auth/users/invite", wanted, key=key))
        await waiting(db, 2)
    assert (await taken)[0] == 200
    assert (await inviting)[0] in (401, 403)
    async with db.acting(UUID(organization.id)) as tx:
        assert await tx.value("select count(*) from invitations") == 0


async def test_an_administrator_who_is_just_suspended_changes_nobody(organization: Organization, db: Database):
    administrator, member = await new_person(organization, Role.ADMIN), await new_person(organization)
    async with holding(db, organization, "select id from organizations for no key update"):
        change = {"is_active": False}
        suspending = asyncio.create_task(organization.ask("PATCH", f"/api/v1/users/{administrator.id}", change))
        await waiting(db, 1)
        late = asyncio.create_task(administrator.ask("PATCH", f"/api/v1/users/{member.id}", {"role": "admin"}))
        await waiting(db, 2)
    assert (await suspending)[0] == 200
    assert (await late)[0] == 401
    _, found = await organization.ask("GET", "/api/v1/users")
    assert {user["role"] for user in found["users"] if user["id"] == str(member.id)} == {"member"}


@pytest.mark.parametrize(("method", "field"), [("PATCH", "name"), ("DELETE", "confirm")])
async def test_an_owner_who_is_just_demoted_neither_renames_nor_removes_the_organization(
    organization: Organization, db: Database, method: str, field: str
):
    owner = await new_person(organization, Role.OWNER)
    async with holding(db, organization, "select id from organizations for no key update"):
        demoting = asyncio.create_task(organization.ask("PATCH", f"/api/v1/users/{owner.id}", {"role": "admin"}))
        await waiting(db, 1)
        late = asyncio.create_task(owner.ask(method, "/api/v1/organization", {field: organization.slug}))
        await waiting(db, 2)
    assert (await demoting)[0] == 200
    status, problem = await late
    assert (status, problem["required_scopes"]) == (403, ["organization:write"])


async def test_the_last_factor_is_not_removed_while_it_becomes_one_that_must_be(
    organization: Organization, db: Database
):
    ada = await Enrolled.of_owner(organization)
    await ada.set_up_app()
    policies = {"require_mfa": True, "password_policy": "standard"}
    async with holding(db, organization, "select id from organizations for no key update"):
        setting = asyncio.create_task(organization.ask("PUT", "/api/v1/organization/policies", policies))
        await waiting(db, 1)
        removing = asyncio.create_task(ada.ask("DELETE", "/mfa/totp"))
        await waiting(db, 2)
    assert (await setting)[0] == 200
    status, problem = await removing
    assert (status, problem["code"]) == (409, "second_factor_required")


async def test_of_two_new_passwords_at_once_for_one_old_one_the_first_stays(organization: Organization, db: Database):
    ada, owner = await Enrolled.of_owner(organization), UUID(organization.registered["user"]["id"])
    fresh = ["AnotherPass123!", "AThirdPass123!"]
    changes = []
    async with holding(db, organization, "select id from users where id = $1 for no key update", owner):
        for count, new in enumerate(fresh, 1):
            change = {"current_password": "SecurePass123!", "new_password": new}
            changes.append(asyncio.create_task(ada.ask("POST", "/password/change", change)))
            await waiting(db, count)
    (first, _), (second, problem) = await asyncio.gather(*changes)
    assert (first, second, problem["code"]) == (200, 422, "password_wrong")
    change = {"current_password": fresh[0], "new_password": "AFourthPass123!"}
    assert (await ada.ask("POST", "/password/change", change))[0] == 200
