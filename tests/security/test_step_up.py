"""What needs a login of just now is out of a thief's reach once that is long ago."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from factors.conftest import Person

if TYPE_CHECKING:
    from running import Organization

AGED = "update sessions set authenticated_at = now() - $2::text::interval where id = $1 returning id"


async def test_a_new_factor_is_no_proof_of_who_one_is(organization: Organization):
    thief = await Person.of_owner(organization)
    assert await thief.rows(AGED, thief.session_id, "14 minutes 50 seconds")
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
