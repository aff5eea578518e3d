"""A login whose password was right and whose second factor is to follow."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.factors import totp
from factors.authenticator import Authenticator
from factors.conftest import confirm_app, decoded_base32
from login.conftest import PASSWORD, WRONG, at_once, new_address, stand_still

if TYPE_CHECKING:
    from login.conftest import Door, Person, Reply

ORIGIN = "http://localhost:8081"


def code(secret: bytes) -> str:
    return totp.code(secret, int(time.time()) // 30)


async def with_app(door: Door) -> tuple[Person, bytes, list[str]]:
    """Return a person who has set an authenticator app up, its secret, and the recovery codes."""
    ada = await door.person()
    session = (await door.login(ada.email)).token
    secret = decoded_base32((await door.post("/auth/mfa/totp", None, key=session)).body["secret"])

    async def confirm(body: dict[str, str]) -> tuple[int, Any]:
        reply = await door.post("/auth/mfa/totp/confirm", body, key=session)
        return reply.status, reply.body

    return ada, secret, (await confirm_app(secret, confirm))["recovery_codes"]


async def asked(door: Door, person: Person, address: str | None = None) -> Reply:
    """Log in by password and return the reply that asks for the factor."""
    reply = await door.login(person.email, address=address)
    assert (reply.status, reply.body.get("mfa_required")) == (200, True), reply.body
    return reply


async def show(door: Door, token: str, address: str | None = None, **factor: Any) -> Reply:
    return await door.post("/auth/login/mfa", {"mfa_token": token, **factor}, address=address)


async def test_the_password_alone_opens_nothing_and_the_code_opens_a_session_that_showed_it(door: Door):
    ada, secret, _ = await with_app(door)
    await ada.policy(require_mfa=True)
    reply = await asked(door, ada)
    assert set(reply.body) == {"mfa_required", "mfa_token", "methods", "passkey_options"}
    assert set(reply.body["methods"]) == {"totp", "recovery_code"}
    assert reply.body["passkey_options"] is None
    token = reply.body["mfa_token"]
    assert (await door.ask("GET", "/auth/profile", key=token)).status == 401
    shown = await show(door, token, code=code(secret))
    assert (shown.status, shown.body["mfa_setup_required"]) == (200, False)
    assert (await door.ask("GET", "/api-keys", key=shown.token)).status == 200


async def test_a_recovery_code_opens_once(door: Door):
    ada, _, codes = await with_app(door)
    token = (await asked(door, ada)).body["mfa_token"]
    assert (await show(door, token, code=codes[0])).status == 200
    token = (await asked(door, ada)).body["mfa_token"]
    again = await show(door, token, code=codes[0])
    assert (again.status, again.body["code"]) == (401, "factor_wrong")


async def test_a_passkey_opens(door: Door):
    ada = await door.person()
    session = (await door.login(ada.email)).token
    device = Authenticator(ORIGIN)
    options = (await door.post("/auth/passkeys/options", None, key=session)).body
    made = await door.post("/auth/passkeys", {"credential": device.make(options), "name": "Key"}, key=session)
    assert made.status == 201, made.body
    reply = (await asked(door, ada)).body
    assert set(reply["methods"]) == {"passkey", "recovery_code"}
    answer = device.use(reply["passkey_options"])
    another = (await asked(door, ada)).body
    replayed = await show(door, another["mfa_token"], passkey=answer)
    assert (replayed.status, replayed.body["code"]) == (401, "factor_wrong")  # the other login's challenge
    assert (await show(door, reply["mfa_token"], passkey=answer)).status == 200


async def test_of_one_code_shown_many_times_at_once_one_succeeds(door: Door):
    ada, secret, _ = await with_app(door)
    token = (await asked(door, ada)).body["mfa_token"]
    replies = await at_once(*(show(door, token, code=code(secret)) for _ in range(20)))
    assert [reply.status for reply in replies].count(200) == 1
    assert {reply.status for reply in replies} <= {200, 401, 429}


async def test_one_code_opens_one_of_many_logins(door: Door):
    ada, secret, _ = await with_app(door)
    tokens = [(await asked(door, ada)).body["mfa_token"] for _ in range(4)]
    now = code(secret)
    replies = await at_once(*(show(door, token, code=now) for token in tokens))
    assert sorted(reply.status for reply in replies) == [200, 401, 401, 401]


async def test_a_token_has_five_tries_and_then_the_right_code_is_refused_too(door: Door):
    ada, secret, _ = await with_app(door)
    token = (await asked(door, ada)).body["mfa_token"]
    for _ in range(5):
        address = new_address()  # so that nothing but the token counts
        assert (await show(door, token, address, code="000000")).body["code"] == "factor_wrong"
    spent = await show(door, token, new_address(), code=code(secret))
    assert (spent.status, spent.body["code"]) == (401, "mfa_token_invalid")


async def test_guessing_codes_over_many_tokens_is_slowed_down_for_the_account(
    door: Door, monkeypatch: pytest.MonkeyPatch
):
    stand_still(monkeypatch)
    ada, _, _ = await with_app(door)
    statuses = []
    for _ in range(7):
        token = (await asked(door, ada)).body["mfa_token"]
        statuses.append((await show(door, token, code="000000")).status)
    assert statuses == [401] * 5 + [429] * 2
    elsewhere = []
    for _ in range(25):
        token = (await asked(door, ada, new_address())).body["mfa_token"]
        elsewhere.append(await show(door, token, new_address(), code="000000"))
    let_through = [reply.status for reply in elsewhere].index(429)
    assert 20 <= let_through <= 23
    assert int(elsewhere[let_through].headers["Retry-After"]) >= 1


@pytest.mark.parametrize("what", ["expired", "password changed", "suspended"])
async def test_a_token_ends_by_time_by_a_new_password_and_by_suspension(door: Door, what: str):
    ada, secret, _ = await with_app(door)
    token = (await asked(door, ada)).body["mfa_token"]
    if what == "expired":
        async with door.app.database.acting(ada.organization_id) as tx:
            await tx.run("update login_challenges set expires_at = now() where user_id = $1", ada.id)
    elif what == "suspended":
        await ada.set(is_active="false")
    else:
        await ada.set(password_changed_at="clock_timestamp()")
    assert (await show(door, token, code=code(secret))).status == 401


@pytest.mark.parametrize("token", ["", "mfa_", f"mfa_{'A' * 43}", "A" * 43, "mfa_" + "ä" * 43])
async def test_a_token_that_nobody_was_given_is_401(door: Door, token: str):
    reply = await show(door, token, code="123456")
    assert (reply.status, reply.body["code"]) == (401, "mfa_token_invalid")


async def test_other_tokens_stand_for_no_mfa_token_nor_the_reverse(door: Door):
    ada, _, _ = await with_app(door)
    bo = await door.person()
    session = (await door.login(bo.email)).body
    mfa_token = (await asked(door, ada)).body["mfa_token"]
    for other in (session["access_token"], session["refresh_token"], bo.key):
        assert (await show(door, other, code="123456")).body["code"] == "mfa_token_invalid"
    assert (await door.post("/auth/refresh", {"refresh_token": mfa_token})).status == 401
    confirm = {"token": mfa_token, "new_password": PASSWORD}
    assert (await door.post("/auth/password/reset/confirm", confirm)).status == 400


@pytest.mark.parametrize(
    "body",
    [{}, {"code": "123456", "passkey": {}}, {"code": 123456}, {"code": ["123456"]}, {"passkey": "x"}, {"otp": "1"}],
)
async def test_anything_but_one_code_or_one_passkey_is_422(door: Door, body: dict[str, Any]):
    assert (await show(door, "mfa_token", **body)).status == 422


async def test_a_wrong_password_is_refused_alike_with_and_without_a_factor(door: Door, counting):
    ada, _, _ = await with_app(door)
    bo = await door.person()
    seen = []
    for person in (ada, bo):
        with counting() as counted:
            reply = await door.login(person.email, WRONG, address=new_address())
        seen.append((reply.without_ids(), counted.hashes, counted.statements))
    assert seen[0] == seen[1]
