"""What needs a login of just now is out of a thief's reach once that is long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from factors.conftest import Person, log_in
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Organization

AGED = "update sessions set authenticated_at = now() - $2::text::interval where id = $1 returning id"


async def test_a_new_factor_is_no_proof_of_who_one_is(organization: Organization):
    thief = await Person.of_owner(organization)
    assert await thief.rows(AGED, thief.session_id, "14 minutes")
    await thief.set_up_app()
    (session,) = await thief.rows("select mfa, now() - authenticated_at as age from sessions where mfa")
    assert session["age"].total_seconds() > 14 * 60
    assert await thief.rows(AGED, thief.session_id, "15 minutes")
    attempts: list[tuple[str, str, Any]] = [
        ("POST", "/mfa/totp", None),
        ("DELETE", "/mfa/totp", None),
        ("POST", "/mfa/recovery-codes", None),
        ("POST", "/passkeys/options", None),
    ]
    for method, path, body in attempts:
        status, problem = await thief.ask(method, path, body)
        assert (status, problem["code"]) == (403, "reauthentication_required"), path


async def test_a_token_that_was_found_makes_no_owner_and_removes_no_organization(organization: Organization):
    accomplice = await new_person(organization)
    thief = await new_person(organization, Role.OWNER)
    user, own = f"/api/v1/users/{accomplice.id}", "/api/v1/organization"
    attempts: list[tuple[str, str, Any]] = [
        ("PATCH", user, {"role": "owner"}),
        ("DELETE", own, {"confirm": organization.slug}),
    ]
    await thief.do(lambda tx: tx.run("update sessions set authenticated_at = now() - interval '15 minutes'"))
    for method, path, body in attempts:
        status, problem = await thief.ask(method, path, body)
        assert (status, problem["code"]) == (403, "reauthentication_required"), path
        status, problem = await organization.ask(method, path, body)
        assert (status, problem["code"]) == (403, "session_required"), path
    # What makes no owner needs no new login, and with one both are done.
    assert (await thief.ask("PATCH", user, {"role": "admin"}))[0] == 200
    again = await thief.again()
    assert [(await again.ask(*attempt))[0] for attempt in attempts] == [200, 204]


@pytest.mark.parametrize(("mfa", "is_proof"), [(False, True), (True, False)])
async def test_a_password_is_no_proof_for_whom_a_second_factor_is_asked(
    organization: Organization, *, mfa: bool, is_proof: bool
):
    """A token and the password, both found, must not be worth what a login by password and factor is."""
    thief = await log_in(organization, UUID(organization.registered["user"]["id"]), mfa=mfa)
    assert await thief.rows(AGED, thief.session_id, "15 minutes")
    changed = {"current_password": "SecurePass123!", "new_password": "AnotherPass123!"}
    assert (await thief.ask("POST", "/password/change", changed))[0] == 200
    status, answer = await thief.ask("POST", "/passkeys/options")
    assert (status, answer.get("code")) == ((200, None) if is_proof else (403, "reauthentication_required"))
