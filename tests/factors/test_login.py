"""From a password to a session that has shown a second factor, over HTTP alone."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from factors.authenticator import Authenticator, Bent
from factors.conftest import ORIGIN

if TYPE_CHECKING:
    from factors.conftest import Person
    from running import Mesh

PASSWORD = "SecurePass123!"


async def post(mesh: Mesh, path: str, body: Any) -> tuple[int, Any]:
    async with mesh.http.post(f"/api/v1/auth{path}", json=body) as reply:
        return reply.status, await reply.json()


async def log_in_by_password(person: Person, *, organization: str | None = None) -> tuple[int, Any]:
    email = person.organization.registered["user"]["email"]
    slug = organization or person.organization.slug
    return await post(person.mesh, "/login", {"email": email, "password": PASSWORD, "organization": slug})


async def prove(person: Person, asked: dict[str, Any], **shown: Any) -> tuple[int, Any]:
    return await post(person.mesh, "/login/mfa", {"mfa_token": asked["mfa_token"], **shown})


async def has_shown_a_factor(person: Person, signed_in: dict[str, Any]) -> bool:
    key = signed_in["access_token"]
    assert (await person.organization.ask("GET", "/api/v1/auth/passkeys", key=key))[0] == 200
    rows = await person.rows("select mfa from sessions where ended_at is null order by id desc limit 1")
    return rows[0]["mfa"]


async def test_by_an_app(ada: Person):
    await ada.set_up_app()
    status, asked = await log_in_by_password(ada)
    assert (status, asked["mfa_required"]) == (200, True)
    assert set(asked["methods"]) == {"totp", "recovery_code"}
    assert "access_token" not in asked
    code, following = ada.code(), ada.code(1)
    status, signed_in = await prove(ada, asked, code=code)
    assert status == 200, signed_in
    assert await has_shown_a_factor(ada, signed_in)
    assert (await prove(ada, asked, code=following))[0] == 401, "a token is for one login"
    _, asked = await log_in_by_password(ada)
    assert (await prove(ada, asked, code=code))[0] == 401, "a code is for one login"
    assert (await prove(ada, asked, code=following))[0] == 200


async def test_by_a_recovery_code(ada: Person):
    codes = await ada.set_up_app()
    for expected in (200, 401):
        _, asked = await log_in_by_password(ada)
        assert (await prove(ada, asked, code=codes[0]))[0] == expected


@pytest.mark.parametrize("algorithm", [-7, -8, -257])
async def test_by_a_passkey(ada: Person, algorithm: int):
    device, _ = await ada.add_passkey(Authenticator(ORIGIN, algorithm))
    status, asked = await log_in_by_password(ada)
    assert status == 200
    assert "passkey" in asked["methods"]
    options = asked["passkey_options"]
    assert (options["rpId"], options["userVerification"]) == ("localhost", "required")
    status, signed_in = await prove(ada, asked, passkey=device.use(options))
    assert status == 200, signed_in
    assert await has_shown_a_factor(ada, signed_in)


async def test_a_passkeys_answer_is_for_one_login_even_if_the_device_does_not_count(ada: Person):
    device, _ = await ada.add_passkey(Authenticator(ORIGIN, counts=False))
    _, asked = await log_in_by_password(ada)
    answer = device.use(asked["passkey_options"])
    replies = await asyncio.gather(*(prove(ada, asked, passkey=answer) for _ in range(4)))
    assert sorted(status for status, _ in replies) == [200, 401, 401, 401]
    _, again = await log_in_by_password(ada)
    assert (await prove(ada, again, passkey=answer))[0] == 401


@pytest.mark.parametrize(
    "bent",
    [Bent(origin="https://evil.example"), Bent(rp_id="evil.example"), Bent(spoil_signature=True), Bent(flags=1)],
    ids=["origin", "relying party", "signature", "user verification"],
)
async def test_a_bent_answer_lets_nobody_in(ada: Person, bent: Bent):
    device, _ = await ada.add_passkey()
    _, asked = await log_in_by_password(ada)
    status, problem = await prove(ada, asked, passkey=device.use(asked["passkey_options"], bent))
    assert (status, "access_token" in problem) == (401, False)
    assert (await prove(ada, asked, passkey=device.use(asked["passkey_options"])))[0] == 200


async def test_another_organizations_passkey_lets_nobody_in(ada: Person, mesh: Mesh):
    await ada.add_passkey()
    other = await mesh.organization()
    eve = await type(ada).of_owner(other)
    device, _ = await eve.add_passkey()
    _, asked = await log_in_by_password(ada)
    for bent in (Bent(), Bent(user_handle=ada.id.bytes)):
        assert (await prove(ada, asked, passkey=device.use(asked["passkey_options"], bent)))[0] == 401


async def test_a_removed_factor_is_not_asked_for(ada: Person):
    await ada.set_up_app()
    assert (await ada.ask("DELETE", "/mfa/totp"))[0] == 204
    status, signed_in = await log_in_by_password(ada)
    assert (status, "access_token" in signed_in) == (200, True)
