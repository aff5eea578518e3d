"""What proves a second factor, how often, and for whom."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from devmesh.factors import totp
from devmesh.factors.model import FactorDamaged
from devmesh.factors.service import Factors
from factors.authenticator import Authenticator, Bent
from factors.conftest import ORIGIN

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factors.conftest import Person
    from running import Mesh

WRONG = "000000"


class GivenUp(Exception):
    pass


async def check_and_give_up(person: Person, *codes: str) -> None:
    app, organization_id = person.mesh.app, person.organization_id
    async with app.database.acting(organization_id) as tx:
        for code in codes:
            assert await app.factors.check(tx, organization_id, person.id, code=code, passkey=None, challenge=b"")
        raise GivenUp


async def test_without_factors_nothing_is_asked_and_nothing_proves(ada: Person):
    assert await ada.methods() == set()
    async with ada.mesh.app.database.acting(ada.organization_id) as tx:
        assert await ada.mesh.app.factors.options(tx, ada.organization_id, ada.id, b"c" * 32) is None
    for shown in (
        {},
        {"code": "123456"},
        {"code": "ABCD-" * 6},
        {"code": ""},
        {"passkey": {}},
        {"passkey": {"id": "x"}},
    ):
        assert await ada.check(**shown) is None


async def test_a_code_of_the_app_proves_once_and_not_again_within_its_step(ada: Person):
    await ada.set_up_app()
    code = ada.code()
    assert await ada.check(code=code) == "totp"
    assert await ada.check(code=code) is None
    assert await ada.check(code=ada.code(1)) == "totp"
    assert await ada.check(code=code) is None


async def test_the_code_that_confirmed_the_app_does_not_log_in_too(ada: Person):
    await ada.begin()
    code = ada.code()
    assert (await ada.ask("POST", "/mfa/totp/confirm", {"code": code}))[0] == 200
    assert await ada.check(code=code) is None


async def test_a_code_is_over_when_its_time_is(ada: Person):
    await ada.set_up_app()
    app, now = ada.mesh.app, time.time()
    for later, proves in ((0, True), (59, True), (121, False), (3600, False)):
        factors = Factors(app.ring, app.data_keys, ORIGIN, lambda later=later: now + later)
        await ada.rows("update totp set last_step = 0")
        step = int(now) // 30 + (later == 59)
        async with app.database.acting(ada.organization_id) as tx:
            code = totp.code(ada.secret, step)
            found = await factors.check(tx, ada.organization_id, ada.id, code=code, passkey=None, challenge=b"")
        assert (found == "totp") is proves


async def test_of_twenty_uses_of_one_code_at_once_one_succeeds(ada: Person):
    await ada.set_up_app()
    code = ada.code()
    found = await asyncio.gather(*(ada.check(code=code) for _ in range(20)))
    assert sorted(found, key=str) == [*[None] * 19, "totp"]


async def test_a_code_is_read_as_apps_show_it(ada: Person):
    await ada.set_up_app()
    code = ada.code()
    assert await ada.check(code=f" {code[:3]} {code[3:]} ") == "totp"


@pytest.mark.parametrize("code", [WRONG, "", " ", "0", "١٢٣٤٥٦", "x" * 100_000, "\0" * 6, "' or 1=1", "A" * 24])
async def test_what_is_no_code_proves_nothing(ada: Person, code: str):
    await ada.set_up_app()
    if code == WRONG:
        right = {ada.code(distance) for distance in (-1, 0, 1, 2)}
        code = next(wrong for number in range(5) if (wrong := f"{number:06}") not in right)
    assert await ada.check(code=code) is None


async def test_each_recovery_code_proves_once(ada: Person):
    codes = await ada.set_up_app()
    assert len(codes) == 10
    for code in codes:
        assert await ada.check(code=code.lower()) == "recovery_code"
        assert await ada.check(code=code) is None
    assert await ada.methods() == {"totp"}


async def test_of_twenty_uses_of_one_recovery_code_at_once_one_succeeds(ada: Person):
    code = (await ada.set_up_app())[3]
    found = await asyncio.gather(*(ada.check(code=code) for _ in range(20)))
    assert sorted(found, key=str) == [*[None] * 19, "recovery_code"]


async def test_what_was_rolled_back_was_not_spent(ada: Person):
    recovery_code = (await ada.set_up_app())[0]
    code = ada.code()
    with pytest.raises(GivenUp):
        await check_and_give_up(ada, code, recovery_code)
    assert await ada.check(code=code) == "totp"
    assert await ada.check(code=recovery_code) == "recovery_code"


async def test_new_recovery_codes_end_the_old_ones(ada: Person):
    old = await ada.set_up_app()
    status, renewed = await ada.ask("POST", "/mfa/recovery-codes")
    assert status == 200
    assert await ada.check(code=old[0]) is None
    assert await ada.check(code=renewed["recovery_codes"][0]) == "recovery_code"


async def test_a_colleagues_codes_prove_nothing(ada: Person, colleague: Callable[[], Awaitable[Person]]):
    bo = await colleague()
    codes = await ada.set_up_app()
    await bo.set_up_app()
    assert await bo.check(code=codes[0]) is None
    assert await bo.check(code=ada.code()) is None
    assert await ada.check(code=codes[0]) == "recovery_code"


async def test_a_passkey_proves_for_its_challenge_alone(ada: Person):
    device, _ = await ada.add_passkey()
    challenge = os.urandom(32)
    options = await ada.asked(challenge)
    answer = device.use(options)
    assert await ada.check(os.urandom(32), passkey=answer) is None
    assert await ada.check(challenge, passkey=answer) == "passkey"
    _, listed = await ada.ask("GET", "/passkeys")
    assert listed["passkeys"][0]["last_used_at"] is not None


async def test_a_counting_passkeys_answer_proves_once_even_twenty_at_once(ada: Person):
    device, _ = await ada.add_passkey()
    challenge = os.urandom(32)
    answer = device.use(await ada.asked(challenge))
    found = await asyncio.gather(*(ada.check(challenge, passkey=answer) for _ in range(20)))
    assert sorted(found, key=str) == [*[None] * 19, "passkey"]


async def test_a_count_that_goes_back_is_refused(ada: Person):
    device, _ = await ada.add_passkey(Authenticator(ORIGIN, sign_count=40))
    challenge = os.urandom(32)
    options = await ada.asked(challenge)
    for count in (40, 39, 0):
        assert await ada.check(challenge, passkey=device.use(options, Bent(sign_count=count))) is None
    assert await ada.check(challenge, passkey=device.use(options, Bent(sign_count=41))) == "passkey"
    assert await ada.check(challenge, passkey=device.use(options, Bent(sign_count=41))) is None


async def test_a_colleagues_and_another_organizations_passkey_prove_nothing(
    ada: Person, colleague: Callable[[], Awaitable[Person]], mesh: Mesh
):
    bo = await colleague()
    elsewhere = await mesh.organization()
    eve = await type(ada).of_owner(elsewhere)
    challenge = os.urandom(32)
    await ada.add_passkey()
    options = await ada.asked(challenge)
    for other in (bo, eve):
        device, _ = await other.add_passkey()
        for bent in (Bent(), Bent(user_handle=ada.id.bytes), Bent(user_handle=b"")):
            assert await ada.check(challenge, passkey=device.use(options, bent)) is None
        # Nor under the other's name for it: the key belongs to the credential.
        known = (await ada.rows("select credential_id from passkeys where user_id = $1", ada.id))[0]["credential_id"]
        bent = Bent(credential_id=bytes(known), user_handle=ada.id.bytes)
        assert await ada.check(challenge, passkey=device.use(options, bent)) is None


async def test_another_organizations_transaction_sees_no_factor(ada: Person, mesh: Mesh):
    codes = await ada.set_up_app()
    device, _ = await ada.add_passkey()
    challenge = os.urandom(32)
    answer = device.use(await ada.asked(challenge))
    elsewhere = UUID((await mesh.organization()).id)
    factors = mesh.app.factors
    async with mesh.app.database.acting(elsewhere) as tx:
        for organization_id in (elsewhere, ada.organization_id):
            assert await factors.methods(tx, organization_id, ada.id) == ()
            for shown in ({"code": ada.code()}, {"code": codes[0]}, {"passkey": answer}):
                given = {"code": None, "passkey": None, **shown}
                assert await factors.check(tx, organization_id, ada.id, challenge=challenge, **given) is None


async def test_a_code_and_a_passkey_together_prove_nothing(ada: Person):
    await ada.set_up_app()
    device, _ = await ada.add_passkey()
    challenge = os.urandom(32)
    answer = device.use(await ada.asked(challenge))
    assert await ada.check(challenge, code=ada.code(), passkey=answer) is None


async def test_a_copy_of_the_database_holds_nothing_that_proves(ada: Person):
    codes = await ada.set_up_app()
    await ada.add_passkey()
    kept = b""
    for table in ("totp", "recovery_codes", "passkeys", "passkey_challenges", "audit_events", "mail_outbox"):
        rows = await ada.rows(f"select * from {table}")
        kept += repr(rows).encode() + b"".join(x for row in rows for x in row.values() if isinstance(x, bytes))
    assert ada.secret not in kept
    assert totp.written(ada.secret).encode() not in kept
    for code in codes:
        assert code.encode() not in kept
        assert code.replace("-", "").encode() not in kept


@pytest.mark.parametrize("damage", ["secret = set_byte(secret, 20, get_byte(secret, 20) # 1)", "data_key_id = id"])
async def test_an_altered_secret_serves_nobody_and_recovery_codes_still_do(ada: Person, damage: str):
    codes = await ada.set_up_app()
    await ada.rows(f"update totp set {damage}")
    with pytest.raises(FactorDamaged) as caught:
        await ada.check(code=ada.code())
    assert totp.written(ada.secret) not in repr(caught.value)
    assert await ada.check(code=codes[0]) == "recovery_code"


async def test_a_secret_moved_into_anothers_row_does_not_open(ada: Person, colleague: Callable[[], Awaitable[Person]]):
    bo = await colleague()
    await ada.set_up_app()
    await bo.set_up_app()
    mine = (await ada.rows("select secret, data_key_id from totp where user_id = $1", ada.id))[0]
    await ada.rows(
        "update totp set secret = $2, data_key_id = $3 where user_id = $1", bo.id, mine["secret"], mine["data_key_id"]
    )
    with pytest.raises(FactorDamaged):
        await bo.check(code=ada.code())


async def test_where_browsers_use_no_passkeys_login_asks_for_none(ada: Person):
    await ada.add_passkey()
    app = ada.mesh.app
    async with app.database.acting(ada.organization_id) as tx:
        for url, asked in ((ORIGIN, True), ("http://127.0.0.1:8081", False)):
            factors = Factors(app.ring, app.data_keys, url)
            options = await factors.options(tx, ada.organization_id, ada.id, bytes(32))
            assert (options is not None) is asked
