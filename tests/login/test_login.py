"""Who gets in, and that nobody else can tell why not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from devmesh.crypto.passwords import Cost, Passwords
from login.conftest import PASSWORD, WRONG, at_once, new_address

if TYPE_CHECKING:
    from login.conftest import Door


async def test_the_right_password_opens_a_session_that_the_profile_knows(door: Door):
    ada = await door.person()
    reply = await door.login(ada.email)
    assert reply.status == 200
    assert reply.body["token_type"] == "Bearer"
    assert reply.body["expires_in"] == 900
    assert reply.body["user"] == {"id": str(ada.id), "email": ada.email, "name": "Ada Admin", "role": "owner"}
    assert reply.body["organization"]["slug"] == ada.slug
    assert reply.body["mfa_setup_required"] is False
    profile = await door.ask("GET", "/auth/profile", key=reply.token)
    assert (profile.status, profile.body["id"], profile.body["key_type"]) == (200, str(ada.id), None)


async def test_an_address_is_known_in_any_case_and_a_password_from_any_keyboard(door: Door):
    ada = await door.person()
    assert (await door.login(ada.email.upper())).status == 200
    assert (await door.login(ada.email, PASSWORD.replace("S", "\uff33"))).status == 200  # NFKC: a full-width S


async def test_whatever_is_wrong_the_reply_is_the_same(door: Door):
    ada, bo, cy = await door.person(), await door.person(), await door.person(is_active="false")
    replies = await at_once(
        door.login(ada.email, WRONG, address=new_address()),
        door.login(f"x{ada.email}", WRONG, address=new_address()),
        door.login(f"x{ada.email}", address=new_address()),
        door.login(cy.email, address=new_address()),
        door.login(ada.email, address=new_address(), organization=bo.slug),
        door.login(ada.email, address=new_address(), organization=str(bo.organization_id)),
        door.login(ada.email, address=new_address(), organization="there-is-none"),
        door.login(ada.email, address=new_address(), organization="no slug/at all"),
        door.login(ada.email, "p" * 5000, address=new_address()),
        door.login(ada.email, "", address=new_address()),
    )
    assert {reply.status for reply in replies} == {401}
    assert all(reply.without_ids() == replies[0].without_ids() for reply in replies)


async def test_a_known_and_an_unknown_address_cost_the_same_hashes_and_statements(door: Door, counting):
    ada, cy = await door.person(), await door.person(is_active="false")
    for _ in range(2):  # the first time fills caches
        counts = []
        for email in (ada.email, f"x{ada.email}", cy.email):
            with counting() as counted:
                assert (await door.login(email, WRONG, address=new_address())).status == 401
            counts.append((counted.hashes, counted.statements))
    assert counts[0][0] == 1
    assert counts[0][1]
    assert counts[0] == counts[1] == counts[2]


async def test_a_named_organization_costs_the_same_for_members_and_strangers(door: Door, counting):
    ada, bo = await door.person(), await door.person()
    counts = []
    for organization in (ada.slug, bo.slug, "there-is-none"):
        with counting() as counted:
            await door.login(ada.email, WRONG, address=new_address(), organization=organization)
        counts.append((counted.hashes, counted.statements))
    assert counts[0] == counts[1] == counts[2]


@pytest.mark.parametrize("path", ["/auth/password/reset", "/auth/email/resend"])
async def test_asking_for_a_mail_tells_nothing_and_asks_nothing_before_the_reply(door: Door, counting, path: str):
    ada = await door.person()
    with counting() as counted:
        known = await door.post(path, {"email": ada.email})
        unknown = await door.post(path, {"email": f"x{ada.email}"})
    assert known.without_ids() == unknown.without_ids()
    assert known.status == 202
    assert counted.hashes == 0
    assert not counted.statements


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"email": ["ada@example.com"]}, "email"),
        ({"email": "ada@exa\nmple.com"}, "email"),
        ({"email": "ada@example.com\r\nBcc: eve@example.com"}, "email"),
        ({"email": "аda@example.com"}, "email"),  # noqa: RUF001 - a Cyrillic letter
        ({"email": "ada"}, "email"),
        ({"email": None}, "email"),
        ({"password": ["SecurePass123!"]}, "password"),
        ({"password": {"$ne": ""}}, "password"),
        ({"organization": ["my-company"]}, "organization"),
        ({"remember": True}, "remember"),
    ],
)
async def test_what_can_be_nobodys_is_422_naming_the_field(door: Door, counting, change, named: str):
    with counting() as counted:
        reply = await door.post("/auth/login", {"email": "ada@example.com", "password": WRONG, **change})
    assert (reply.status, [fault["field"] for fault in reply.body["errors"]]) == (422, [named])
    assert WRONG not in str(reply.body)
    assert counted.hashes == 0


async def test_who_is_refused_is_told_that_an_organization_can_be_named(door: Door):
    assert "organization (slug or id)" in (await door.login("nobody@example.com")).body["hint"]


async def test_an_organization_chooses_and_otherwise_the_verified_and_the_latest_come_first(door: Door):
    first = await door.person(verified=False)
    second = await door.person(first.email, verified=False)
    third = await door.person(first.email, verified=False)

    async def came_to(**more: str) -> str:
        reply = await door.login(first.email, **more)
        return reply.body["organization"]["slug"]

    assert await came_to(organization=second.slug.upper()) == second.slug
    assert await came_to(organization=str(third.organization_id)) == third.slug
    assert await came_to() == third.slug  # the latest login
    await first.set(verified_at="now()")
    assert await came_to() == first.slug
    await second.set(verified_at="now()")
    assert await came_to() == first.slug  # verified, and the later login of both
    await first.set(is_active="false")
    assert await came_to() == second.slug


async def test_an_address_in_many_organizations_is_one_hash(door: Door, counting):
    first = await door.person()
    for _ in range(4):
        await door.person(first.email)
    with counting() as counted:
        assert (await door.login(first.email, WRONG)).status == 401
    assert counted.hashes == 1


async def test_a_hash_of_another_cost_is_made_anew_and_the_password_is_not_changed_by_it(door: Door, passwords):
    ada = await door.person()
    old = await Passwords(Cost(memory_kib=128, iterations=2)).hash(PASSWORD)
    await ada.set(password_hash=f"'{old}'")
    changed_at = await ada.column("password_changed_at")
    assert (await door.login(ada.email, WRONG)).status == 401
    assert await ada.column("password_hash") == old
    assert (await door.login(ada.email)).status == 200
    assert passwords.is_current(await ada.column("password_hash"))
    assert await ada.column("password_changed_at") == changed_at
    assert (await door.login(ada.email)).status == 200


async def test_a_password_that_changes_while_its_hash_is_computed_no_longer_opens(door: Door, passwords):
    ada = await door.person()
    async with passwords.place():  # the only one of this machine, or one of few
        others = [asyncio.create_task(door.login(ada.email, address=new_address())) for _ in range(4)]
        await asyncio.sleep(0.3)
        fresh = await Passwords(Cost(memory_kib=64, iterations=1)).hash("AnotherPass123!")
        await ada.set(password_hash=f"'{fresh}'")
    assert 401 in {reply.status for reply in await at_once(*others)}
    assert (await door.login(ada.email)).status == 401


async def test_a_person_may_log_in_many_times_at_once(door: Door):
    ada = await door.person()
    replies = await at_once(*(door.login(ada.email) for _ in range(30)))
    assert {reply.status for reply in replies} == {200}
    assert len({reply.token for reply in replies}) == 30


async def test_too_many_who_wait_are_told_to_come_again_and_nothing_is_counted(door: Door, monkeypatch):
    ada = await door.person()
    monkeypatch.setattr(door.app.own_password._passwords, "_most_waiting", 0)
    monkeypatch.setattr(door.app.own_password._passwords, "_places", asyncio.Semaphore(0))
    refused = await at_once(*(door.login(ada.email) for _ in range(10)))
    assert {(reply.status, reply.body["code"]) for reply in refused} == {(503, "login_busy")}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in refused)
    monkeypatch.undo()
    assert (await door.login(ada.email)).status == 200


async def test_logins_and_refusals_are_recorded_without_a_secret(door: Door):
    ada = await door.person()
    await door.login(ada.email, WRONG)
    await door.login(ada.email)
    audit = await door.ask("GET", "/audit", key=ada.key)
    seen = [(entry["action"], entry["outcome"], entry["code"]) for entry in audit.body["entries"]]
    assert ("user.login", "ok", None) in seen
    assert ("user.login", "refused", "login_failed") in seen
    assert {entry["actor"]["user_id"] for entry in audit.body["entries"] if entry["action"] == "user.login"} == {
        str(ada.id)
    }
    assert WRONG not in str(audit.body)
    assert PASSWORD not in str(audit.body)


async def test_until_a_required_factor_is_set_up_the_session_reaches_what_is_ones_own_and_no_more(door: Door):
    ada = await door.person()
    await ada.policy(require_mfa=True)
    reply = await door.login(ada.email)
    assert (reply.status, reply.body["mfa_setup_required"]) == (200, True)
    own = ("/auth/profile", "/auth/sessions", "/auth/passkeys")
    others = ("/api-keys", "/credentials", "/contexts", "/users", "/tenants", "/organization", "/audit")
    assert {(await door.ask("GET", path, key=reply.token)).status for path in own} == {200}
    assert {(await door.ask("GET", path, key=reply.token)).status for path in others} == {403}
