"""One's own password, changed by who knows it and chosen anew by who reads the mail."""

from __future__ import annotations

import asyncio
import re
import secrets
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.accounts.passwords import LONGEST
from devmesh.directory.service import Directory
from devmesh.login import throttle
from login.conftest import PASSWORD, WRONG, at_once, new_address, stand_still

if TYPE_CHECKING:
    from login.conftest import Door

NEW = "AnotherPass123!"


def change(current: str = PASSWORD, new: str = NEW) -> dict[str, str]:
    return {"current_password": current, "new_password": new}


async def test_a_change_ends_the_other_sessions_and_keeps_this_one(door: Door):
    ada = await door.person()
    mine, other = [(await door.login(ada.email)).body for _ in range(2)]
    reply = await door.post("/auth/password/change", change(), key=mine["access_token"])
    assert reply.status == 200, reply.body
    assert (await door.ask("GET", "/auth/profile", key=mine["access_token"])).status == 200
    assert (await door.ask("GET", "/auth/profile", key=other["access_token"])).status == 401
    assert (await door.post("/auth/refresh", {"refresh_token": other["refresh_token"]})).status == 401
    assert (await door.login(ada.email)).status == 401
    assert (await door.login(ada.email, NEW)).status == 200
    (notice,) = await door.mails(ada.email, "Your password was changed")
    assert "a new password at http://localhost:8081/reset" in notice
    assert "http" not in notice.replace("http://localhost:8081", "")
    assert NEW not in notice


async def test_a_wrong_current_password_changes_nothing_and_guessing_it_is_slowed_down(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada = await door.person()
    key = (await door.login(ada.email)).token
    replies = [await door.post("/auth/password/change", change(WRONG), key=key) for _ in range(7)]
    assert [reply.status for reply in replies] == [422] * 5 + [429] * 2
    assert replies[0].body["code"] == "password_wrong"
    assert [fault["field"] for fault in replies[0].body["errors"]] == ["current_password"]
    assert (await door.login(ada.email)).status == 200
    assert await door.mails(ada.email, "Your password was changed") == []


@pytest.mark.parametrize(
    ("new", "rule"),
    [
        ("Short1", "at least 8"),
        ("alllowercase1", "upper-case"),
        ("Password123", "most common"),
        ("A1" + "a" * LONGEST, f"at most {LONGEST}"),
    ],
)
async def test_a_new_password_meets_the_rules(door: Door, new: str, rule: str):
    ada = await door.person()
    key = (await door.login(ada.email)).token
    reply = await door.post("/auth/password/change", change(new=new), key=key)
    assert reply.status == 422
    assert any(rule in fault["message"] for fault in reply.body["errors"])
    assert {fault["field"] for fault in reply.body["errors"]} == {"new_password"}
    token = await ada.token_mailed()
    reply = await door.post("/auth/password/reset/confirm", {"token": token, "new_password": new})
    assert reply.status == 422
    assert new not in str(reply.body)
    # What is refused leaves the token good.
    assert (await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})).status == 200


async def test_an_organization_may_require_15_characters(door: Door):
    ada = await door.person()
    await ada.policy(password_policy="nist")
    assert len(NEW) == 15
    reply = await door.login(ada.email)  # what was chosen before stays good
    refused = await door.post("/auth/password/change", change(new="Shorter1Pass.."), key=reply.token)
    assert [fault["message"] for fault in refused.body["errors"]] == [
        "must have at least 15 characters: your organization requires it"
    ]
    token = await ada.token_mailed()
    confirm = {"token": token, "new_password": "Shorter1Pass.."}
    assert (await door.post("/auth/password/reset/confirm", confirm)).status == 422
    assert (await door.post("/auth/password/change", change(new="fifteen letters"), key=reply.token)).status == 200


async def test_a_key_changes_no_password(door: Door):
    ada = await door.person()
    reply = await door.post("/auth/password/change", change(), key=ada.key)
    assert (reply.status, reply.body["code"]) == (403, "session_required")


async def test_a_reset_ends_every_session_and_opens_with_the_new_password(door: Door):
    ada = await door.person()
    session = (await door.login(ada.email)).token
    token = await ada.token_mailed()
    reply = await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})
    assert reply.status == 200, reply.body
    assert (await door.ask("GET", "/auth/profile", key=session)).status == 401
    assert (await door.login(ada.email)).status == 401
    assert (await door.login(ada.email, NEW)).status == 200
    assert len(await door.mails(ada.email, "Your password was changed")) == 1
    again = await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})
    assert (again.status, again.body["code"]) == (400, "link_invalid")
    assert "password/reset" in again.body["hint"]


async def test_of_one_token_used_many_times_at_once_one_succeeds(door: Door):
    ada = await door.person()
    token = await ada.token_mailed()
    bodies = [{"token": token, "new_password": f"AnotherPass{n}!"} for n in range(20)]
    replies = await at_once(*(door.post("/auth/password/reset/confirm", body) for body in bodies))
    assert sorted(reply.status for reply in replies) == [200] + [400] * 19
    won = [reply.status for reply in replies].index(200)
    assert (await door.login(ada.email, bodies[won]["new_password"])).status == 200


async def test_a_token_is_good_for_30_minutes_and_every_earlier_one_ends_with_it(door: Door):
    ada = await door.person()
    first, second = await ada.token_mailed(), await ada.token_mailed()
    async with door.app.database.acting(ada.organization_id) as tx:
        left = await tx.value("select max(expires_at) - now() from mail_tokens where purpose = 'reset'")
    assert 1700 < left.total_seconds() <= 1800
    assert (await door.post("/auth/password/reset/confirm", {"token": first, "new_password": NEW})).status == 200
    assert (await door.post("/auth/password/reset/confirm", {"token": second, "new_password": NEW})).status == 400
    late = await ada.token_mailed(new_address())
    async with door.app.database.acting(ada.organization_id) as tx:
        await tx.run("update mail_tokens set expires_at = now() where user_id = $1", ada.id)
    assert (await door.post("/auth/password/reset/confirm", {"token": late, "new_password": NEW})).status == 400


async def test_a_change_ends_the_mailed_tokens(door: Door):
    ada = await door.person()
    token = await ada.token_mailed()
    key = (await door.login(ada.email)).token
    assert (await door.post("/auth/password/change", change(), key=key)).status == 200
    assert (await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})).status == 400


async def test_only_verified_and_active_users_are_mailed(door: Door):
    ada = await door.person(verified=False)
    bo = await door.person(ada.email)
    cy = await door.person(ada.email, is_active="false")
    reply = await door.post("/auth/password/reset", {"email": ada.email})
    assert reply.status == 202
    (text,) = await door.mails(ada.email, "Choose a new password")
    assert bo.slug in text
    assert ada.slug not in text
    assert cy.slug not in text


async def test_nobody_is_buried_in_mails(door: Door):
    ada = await door.person()
    for asked in range(1, 8):
        assert (await door.post("/auth/password/reset", {"email": ada.email})).status == 202
        assert len(await door.mails(ada.email, "Choose a new password")) == min(asked, 5)


async def test_strangers_who_register_ones_address_first_keep_nobody_from_a_new_password(door: Door):
    email = f"{secrets.token_hex(6)}@example.com"
    for _ in range(22):
        await door.person(email, verified=False)
    ada = await door.person(email)
    assert (await door.post("/auth/password/reset", {"email": email})).status == 202
    (text,) = await door.mails(email, "Choose a new password")
    assert ada.slug in text


async def test_who_asks_again_while_mails_are_written_gets_no_more_of_them(door: Door, monkeypatch):
    ada, go_on = await door.person(), asyncio.Event()
    found = Directory.users_of

    async def slowly(*arguments: Any) -> Any:
        await go_on.wait()
        return await found(*arguments)

    monkeypatch.setattr(Directory, "users_of", slowly)
    for _ in range(3):
        assert (await door.post("/auth/password/reset", {"email": ada.email})).status == 202
    go_on.set()
    assert len(await door.mails(ada.email, "Choose a new password")) == 1
    assert (await door.post("/auth/password/reset", {"email": ada.email})).status == 202
    assert len(await door.mails(ada.email, "Choose a new password")) == 2


async def test_a_token_of_another_purpose_resets_nothing(door: Door):
    ada = await door.person(verified=False)
    text = (await door.mails(ada.email, "Verify your e-mail address"))[0]
    token = re.search(r"/verify#token=([A-Za-z0-9_-]{43})", text)[1]
    assert (await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})).status == 400
    await ada.set(verified_at="now()")
    reset = await ada.token_mailed()
    assert (await door.post("/auth/email/verify", {"token": reset})).status == 400
    assert (await door.ask("GET", "/auth/profile", key=reset)).status == 401


async def test_a_token_that_nobody_was_mailed_costs_no_hash(door: Door, counting):
    with counting() as counted:
        for token in ("A" * 43, "", "x"):
            body = {"token": token, "new_password": NEW}
            assert (await door.post("/auth/password/reset/confirm", body)).status == 400
    assert counted.hashes == 0


async def test_who_failed_too_often_logs_in_at_once_with_the_new_password(door: Door, monkeypatch):
    slow = throttle.Rule(free=-9, most=600, fades=180)
    monkeypatch.setitem(throttle._RULES, "login", (throttle.ADDRESS, throttle.ACCOUNT, slow))
    ada, elsewhere = await door.person(), new_address()
    for address in (door.address, elsewhere):
        assert (await door.login(ada.email, WRONG, address=address)).status == 401
        assert (await door.login(ada.email, address=address)).status == 429
    body = {"token": await ada.token_mailed(), "new_password": NEW}
    assert (await door.post("/auth/password/reset/confirm", body)).status == 200
    assert (await door.login(ada.email, NEW)).status == 200
    # Where the mail was not read, they wait as ever.
    assert (await door.login(ada.email, NEW, address=elsewhere)).status == 429


async def test_a_suspended_persons_token_is_refused(door: Door):
    ada = await door.person()
    token = await ada.token_mailed()
    await ada.set(is_active="false")
    assert (await door.post("/auth/password/reset/confirm", {"token": token, "new_password": NEW})).status == 400


@pytest.mark.parametrize("email", ["ada", ["ada@example.com"], "ada@example.com\nBcc: eve@example.com", None])
async def test_what_is_no_address_is_422(door: Door, email: object):
    assert (await door.post("/auth/password/reset", {"email": email})).status == 422


async def test_what_is_done_with_passwords_is_recorded(door: Door):
    ada = await door.person()
    key = (await door.login(ada.email)).token
    await door.post("/auth/password/change", change(WRONG), key=key)
    await door.post("/auth/password/change", change(), key=key)
    token = await ada.token_mailed(new_address())
    await door.post("/auth/password/reset/confirm", {"token": token, "new_password": PASSWORD})
    audit = await door.ask("GET", "/audit", key=ada.key)
    seen = {(entry["action"], entry["outcome"]) for entry in audit.body["entries"]}
    assert {
        ("user.password.change", "refused"),
        ("user.password.change", "ok"),
        ("user.password.reset", "ok"),
    } <= seen
    assert not any(secret in str(audit.body) for secret in (PASSWORD, NEW, WRONG, token))


async def asked_for(door: Door, key: str) -> list[Any]:
    page = (await door.ask("GET", "/audit?action=user.password.ask_reset", key=key)).body
    return page["entries"]


async def test_each_mail_that_is_asked_for_is_recorded_where_it_is_written_and_nowhere_else(door: Door):
    ada, bo = await door.person(), await door.person(verified=False)
    from_here = new_address()
    for _ in range(7):
        for email in (ada.email, bo.email, f"x{ada.email}"):
            assert (await door.post("/auth/password/reset", {"email": email}, address=from_here)).status == 202
            await door.mails(email, "Choose a new password")  # those under way are written by then
    entries = await asked_for(door, ada.key)
    # Strangers fill nobody's audit: as many rows as mails.
    assert len(entries) == 5
    facts = {(entry["target"], entry["outcome"], entry["actor"]["user_id"], entry["address"]) for entry in entries}
    assert facts == {(str(ada.id), "ok", None, from_here)}
    assert await asked_for(door, bo.key) == []
