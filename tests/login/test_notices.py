"""A right password in a new place: its person is told, a stranger's address and a first login are not."""

from __future__ import annotations

import pytest

from login.conftest import WRONG, Door, new_address
from login.test_second_factor import asked, code, show, with_app

TOLD = "Your password was used in a new place"


async def test_a_login_from_a_network_never_seen_is_told_by_mail_once(door: Door):
    ada, elsewhere = await door.person(), new_address()
    for _ in range(2):
        assert (await door.login(ada.email)).status == 200
    assert await door.mails(ada.email, TOLD) == []
    for _ in range(2):
        assert (await door.login(ada.email, address=elsewhere)).status == 200
    (told,) = await door.mails(ada.email, TOLD)
    assert elsewhere in told
    assert ada.slug in told
    assert "It opened a session." in told
    assert "a new password at http://localhost:8081/reset" in told
    assert "token" not in told


async def test_the_password_alone_is_told_before_the_second_factor_is_shown(door: Door):
    ada, secret, _ = await with_app(door)
    elsewhere = new_address()
    token = (await asked(door, ada, elsewhere)).body["mfa_token"]
    (told,) = await door.mails(ada.email, TOLD)
    assert "A second factor was asked for." in told
    # Whoever shows it then has been told already.
    assert (await show(door, token, elsewhere, code=code(secret))).status == 200
    assert len(await door.mails(ada.email, TOLD)) == 1


@pytest.mark.parametrize("verified", [True, False])
async def test_nobody_is_told_of_a_wrong_password_or_under_an_address_never_verified(door: Door, *, verified: bool):
    ada = await door.person(verified=verified)
    assert (await door.login(ada.email)).status == 200
    for _ in range(3):
        assert (await door.login(ada.email, WRONG, address=new_address())).status == 401
    if not verified:
        assert (await door.login(ada.email, address=new_address())).status == 200
    assert await door.mails(ada.email, TOLD) == []


async def test_nobody_is_buried_in_notices(door: Door):
    ada = await door.person()
    for _ in range(8):
        assert (await door.login(ada.email, address=new_address())).status == 200
    assert len(await door.mails(ada.email, TOLD)) == 5
