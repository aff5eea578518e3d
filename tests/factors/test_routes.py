"""One's own factors over HTTP: who may change them, when, and what follows from it."""

from __future__ import annotations

import asyncio
import os
import re
from datetime import timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from devmesh.directory.model import Policies
from devmesh.directory.users import Users
from factors.authenticator import Authenticator, Bent
from factors.conftest import ORIGIN, begin_session, decoded_base32

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from factors.conftest import Person
    from running import Organization

NOTHING = "01980000-0000-7000-8000-000000000000"
CHANGES = [
    ("POST", "/mfa/totp", None),
    ("POST", "/mfa/totp/confirm", {"code": "123456"}),
    ("DELETE", "/mfa/totp", None),
    ("POST", "/mfa/recovery-codes", None),
    ("POST", "/passkeys/options", None),
    ("POST", "/passkeys", {"credential": {}}),
    ("DELETE", f"/passkeys/{NOTHING}", None),
]


async def age(person: Person, since_login: timedelta) -> None:
    """Put the person's login so far into the past."""
    await person.rows(
        "update sessions set authenticated_at = now() - $2::interval where id = $1", person.session_id, since_login
    )


async def require_mfa(person: Person) -> None:
    policies = msgspec.json.encode(Policies(require_mfa=True)).decode()
    await person.rows("update organizations set policies = $2 where id = $1", person.organization_id, policies)


async def verify(person: Person) -> None:
    await person.rows("update users set verified_at = now() where id = $1", person.id)


async def mails(person: Person) -> list[Any]:
    """Return the notices that the person has been written, the oldest first."""
    app = person.mesh.app
    await app.outbox.settled()
    files = sorted((person.mesh.data_dir / "outbox").glob("*.eml"))
    found = [message_from_bytes(file.read_bytes(), policy=policy.default) for file in files]
    to = person.organization.registered["user"]["email"]
    return [mail for mail in found if mail["To"] == to and "Verify" not in mail["Subject"]]


async def actions(organization: Organization) -> list[tuple[str, str]]:
    _, page = await organization.ask("GET", "/api/v1/audit?limit=200")
    return [(entry["action"], entry["outcome"]) for entry in reversed(page["entries"])]


@pytest.mark.parametrize(("method", "path", "body"), [*CHANGES, ("GET", "/passkeys", None)])
async def test_a_key_however_strong_reaches_no_factor(organization: Organization, method: str, path: str, body: Any):
    status, problem = await organization.ask(method, f"/api/v1/auth{path}", body)
    assert (status, problem["code"]) == (403, "session_required")


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_who_logged_in_long_ago_logs_in_again_first(ada: Person, method: str, path: str, body: Any):
    await age(ada, timedelta(minutes=15, seconds=1))
    status, problem = await ada.ask(method, path, body)
    assert (status, problem["code"]) == (403, "reauthentication_required")
    assert "/auth/login" in problem["hint"]
    await age(ada, timedelta(minutes=14))
    assert (await ada.ask(method, path, body))[0] != 403


async def test_an_app_is_set_up_by_a_code_of_it(ada: Person):
    status, begun = await ada.ask("POST", "/mfa/totp")
    assert status == 200
    assert set(begun) == {"secret", "otpauth_url"}
    assert begun["secret"] in begun["otpauth_url"]
    ada.secret = decoded_base32(begun["secret"])
    assert await ada.methods() == set(), "a secret that was merely shown is no factor"
    status, confirmed = await ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code()})
    assert status == 200
    assert len(set(confirmed["recovery_codes"])) == 10
    assert await ada.methods() == {"totp", "recovery_code"}
    assert (await ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code(1)}))[1]["code"] == "totp_not_begun"


async def test_a_wrong_code_confirms_nothing_and_is_recorded(ada: Person):
    await ada.begin()
    wrong = f"{(int(ada.code()) + 1) % 10**6:06}"
    status, problem = await ada.ask("POST", "/mfa/totp/confirm", {"code": wrong})
    assert (status, problem["code"], problem["errors"][0]["field"]) == (422, "code_wrong", "code")
    assert await ada.methods() == set()
    assert ("totp.add", "refused") in await actions(ada.organization)


@pytest.mark.parametrize("code", [123456, None, ["123456"], True, {}])
async def test_a_code_is_text(ada: Person, code: Any):
    assert (await ada.ask("POST", "/mfa/totp/confirm", {"code": code}))[0] == 422


@pytest.mark.parametrize("typed", ["١٢٣٤٥٦", "12345é", "1234567"])
async def test_what_is_no_code_is_a_wrong_one(ada: Person, typed: str):
    await ada.begin()
    status, problem = await ada.ask("POST", "/mfa/totp/confirm", {"code": typed})
    assert (status, problem["code"]) == (422, "code_wrong")


async def test_a_secret_that_waited_too_long_is_not_confirmed(ada: Person):
    await ada.begin()
    await ada.rows("update totp set created_at = now() - interval '15 minutes 1 second'")
    status, problem = await ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code()})
    assert (status, problem["code"]) == (409, "totp_not_begun")


async def test_a_new_app_replaces_the_old_one_when_it_is_confirmed(ada: Person):
    await ada.set_up_app()
    former = ada.secret
    await ada.begin()
    latest, ada.secret = ada.secret, former
    assert await ada.check(code=ada.code()) == "totp"
    assert (await ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code(1)}))[1]["code"] == "code_wrong"
    ada.secret = latest
    assert (await ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code()}))[0] == 200
    assert await ada.check(code=ada.code(1)) == "totp"
    ada.secret = former
    assert await ada.check(code=ada.code(1)) is None
    assert len(await ada.rows("select from totp")) == 1


async def test_twenty_confirmations_at_once_set_the_app_up_once(ada: Person):
    await ada.begin()
    replies = await asyncio.gather(*(ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code()}) for _ in range(20)))
    assert sorted(status for status, _ in replies) == [200, *[409] * 19]
    codes = next(reply["recovery_codes"] for status, reply in replies if status == 200)
    assert await ada.check(code=codes[0]) == "recovery_code"


async def test_a_passkey_as_first_factor_comes_with_recovery_codes(ada: Person):
    _, added = await ada.add_passkey()
    assert set(added) == {"id", "name", "created_at", "recovery_codes"}
    assert len(set(added["recovery_codes"])) == 10
    assert await ada.methods() == {"passkey", "recovery_code"}
    _, second = await ada.add_passkey()
    assert second["recovery_codes"] == []
    assert await ada.check(code=added["recovery_codes"][0]) == "recovery_code"


async def test_passkeys_are_listed_without_their_keys(ada: Person):
    device, added = await ada.add_passkey()
    status, listed = await ada.ask("GET", "/passkeys")
    assert (status, listed["count"], listed["next_cursor"]) == (200, 1, None)
    shown = listed["passkeys"][0]
    assert set(shown) == {"id", "name", "transports", "backed_up", "created_at", "last_used_at"}
    assert (shown["id"], shown["name"], shown["last_used_at"]) == (added["id"], "Key", None)
    _, options = await ada.ask("POST", "/passkeys/options")
    assert [known["id"] for known in options["excludeCredentials"]] == [device.make(options)["id"]]


async def test_a_challenge_is_answered_once_whatever_comes_of_it(ada: Person):
    device = Authenticator(ORIGIN)
    _, options = await ada.ask("POST", "/passkeys/options")
    refused = await ada.ask("POST", "/passkeys", {"credential": device.make(options, Bent(rp_id="evil.example"))})
    assert (refused[0], refused[1]["code"], refused[1]["errors"][0]["field"]) == (422, "passkey_refused", "credential")
    right = {"credential": device.make(options)}
    assert (await ada.ask("POST", "/passkeys", right))[1]["code"] == "passkey_refused"
    _, options = await ada.ask("POST", "/passkeys/options")
    assert (await ada.ask("POST", "/passkeys", {"credential": device.make(options)}))[0] == 201
    other = Authenticator(ORIGIN)
    assert (await ada.ask("POST", "/passkeys", {"credential": other.make(options)}))[0] == 422
    assert ("passkey.add", "refused") in await actions(ada.organization)


async def test_a_challenge_lives_five_minutes_and_a_new_one_ends_it(ada: Person):
    device = Authenticator(ORIGIN)
    _, former = await ada.ask("POST", "/passkeys/options")
    _, options = await ada.ask("POST", "/passkeys/options")
    assert former["challenge"] != options["challenge"]
    assert (await ada.ask("POST", "/passkeys", {"credential": device.make(former)}))[0] == 422
    _, options = await ada.ask("POST", "/passkeys/options")
    left = (await ada.rows("select expires_at - now() as left from passkey_challenges"))[0]["left"]
    assert timedelta(minutes=4, seconds=50) < left <= timedelta(minutes=5)
    await ada.rows("update passkey_challenges set expires_at = now()")
    assert (await ada.ask("POST", "/passkeys", {"credential": device.make(options)}))[0] == 422


async def test_a_colleagues_challenge_is_not_mine(ada: Person, colleague: Callable[[], Awaitable[Person]]):
    bo = await colleague()
    _, options = await bo.ask("POST", "/passkeys/options")
    await ada.ask("POST", "/passkeys/options")
    answer = {"credential": Authenticator(ORIGIN).make(options)}
    assert (await ada.ask("POST", "/passkeys", answer))[0] == 422
    assert (await bo.ask("POST", "/passkeys", answer))[0] == 201


async def test_of_twenty_registrations_of_one_answer_at_once_one_succeeds(ada: Person):
    _, options = await ada.ask("POST", "/passkeys/options")
    body = {"credential": Authenticator(ORIGIN).make(options)}
    replies = await asyncio.gather(*(ada.ask("POST", "/passkeys", body) for _ in range(20)))
    assert sorted(status for status, _ in replies) == [201, *[422] * 19]


async def test_a_passkey_is_registered_once_in_an_organization(ada: Person, colleague: Callable[[], Awaitable[Person]]):
    device, _ = await ada.add_passkey()
    for person in (ada, await colleague()):
        _, options = await person.ask("POST", "/passkeys/options")
        status, problem = await person.ask("POST", "/passkeys", {"credential": device.make(options)})
        assert (status, problem["code"]) == (409, "passkey_known")


async def test_twenty_passkeys_are_enough(ada: Person):
    for _ in range(20):
        await ada.add_passkey(Authenticator(ORIGIN, -8))
    status, problem = await ada.ask("POST", "/passkeys/options")
    assert (status, problem["code"]) == (409, "too_many_passkeys")
    _, listed = await ada.ask("GET", "/passkeys")
    assert (await ada.ask("DELETE", f"/passkeys/{listed['passkeys'][0]['id']}"))[0] == 204
    await ada.add_passkey()


async def test_a_challenge_from_before_does_not_make_a_twenty_first(ada: Person):
    await ada.add_passkey()
    _, options = await ada.ask("POST", "/passkeys/options")
    await ada.rows(
        "insert into passkeys select gen_random_uuid(), organization_id, user_id, n::text::bytea, public_key, "
        "sign_count, name, transports, backup_eligible, backed_up from passkeys, generate_series(1, 19) n"
    )
    status, problem = await ada.ask("POST", "/passkeys", {"credential": Authenticator(ORIGIN).make(options)})
    assert (status, problem["code"]) == (409, "too_many_passkeys")


@pytest.mark.parametrize("name", ["", " ", "a\nb", "a\u202eb", "x" * 65, "\0", 7, None, ["x"]])
async def test_a_passkeys_name_is_one_that_can_be_shown(ada: Person, name: Any):
    _, options = await ada.ask("POST", "/passkeys/options")
    body = {"credential": Authenticator(ORIGIN).make(options), "name": name}
    assert (await ada.ask("POST", "/passkeys", body))[0] in {400, 422}
    assert (await ada.ask("GET", "/passkeys"))[1]["count"] == 0


async def test_removing_an_app_ends_its_codes_and_the_recovery_codes(ada: Person):
    codes = await ada.set_up_app()
    assert (await ada.ask("DELETE", "/mfa/totp"))[0] == 204
    assert await ada.methods() == set()
    assert await ada.check(code=ada.code()) is None
    assert await ada.check(code=codes[0]) is None
    assert (await ada.ask("DELETE", "/mfa/totp"))[1]["code"] == "totp_not_found"
    assert (await ada.ask("POST", "/mfa/recovery-codes"))[1]["code"] == "no_second_factor"


async def test_recovery_codes_stay_while_a_factor_does(ada: Person):
    await ada.set_up_app()
    _, added = await ada.add_passkey()
    assert (await ada.ask("DELETE", "/mfa/totp"))[0] == 204
    assert await ada.methods() == {"passkey", "recovery_code"}
    assert (await ada.ask("DELETE", f"/passkeys/{added['id']}"))[0] == 204
    assert await ada.methods() == set()


async def test_one_of_two_passkeys_goes_and_the_recovery_codes_stay(ada: Person):
    _, first = await ada.add_passkey()
    await ada.add_passkey()
    await require_mfa(ada)
    assert (await ada.ask("DELETE", f"/passkeys/{first['id']}"))[0] == 204
    assert await ada.methods() == {"passkey", "recovery_code"}


async def test_a_removed_passkey_proves_nothing(ada: Person):
    await ada.set_up_app()
    device, added = await ada.add_passkey()
    challenge = os.urandom(32)
    options = await ada.asked(challenge)
    assert (await ada.ask("DELETE", f"/passkeys/{added['id']}"))[0] == 204
    assert await ada.check(challenge, passkey=device.use(options)) is None


async def test_a_colleagues_passkey_does_not_exist_for_me(ada: Person, colleague: Callable[[], Awaitable[Person]]):
    _, added = await (await colleague()).add_passkey()
    status, problem = await ada.ask("DELETE", f"/passkeys/{added['id']}")
    assert (status, problem["code"]) == (404, "passkey_not_found")


async def test_where_a_second_factor_is_required_the_last_one_stays(ada: Person):
    await ada.set_up_app()
    _, added = await ada.add_passkey()
    await require_mfa(ada)
    assert (await ada.ask("DELETE", "/mfa/totp"))[0] == 204
    status, problem = await ada.ask("DELETE", f"/passkeys/{added['id']}")
    assert (status, problem["code"]) == (409, "second_factor_required")
    await ada.set_up_app()
    assert (await ada.ask("DELETE", f"/passkeys/{added['id']}"))[0] == 204
    assert (await ada.ask("DELETE", "/mfa/totp"))[1]["code"] == "second_factor_required"
    await ada.set_up_app()
    assert await ada.methods() == {"totp", "recovery_code"}


async def test_of_two_last_factors_removed_at_once_one_stays(ada: Person):
    await ada.set_up_app()
    _, added = await ada.add_passkey()
    await require_mfa(ada)
    replies = await asyncio.gather(ada.ask("DELETE", "/mfa/totp"), ada.ask("DELETE", f"/passkeys/{added['id']}"))
    assert sorted(status for status, _ in replies) == [204, 409]
    assert await ada.methods() & {"totp", "passkey"}


async def test_who_must_set_up_a_factor_can_and_may_do_everything_then(ada: Person):
    await require_mfa(ada)
    fresh = await ada.again()
    assert (await fresh.organization.ask("GET", "/api/v1/api-keys", key=fresh.access_token))[0] == 403
    await fresh.set_up_app()
    assert (await fresh.organization.ask("GET", "/api/v1/api-keys", key=fresh.access_token))[0] == 200


async def test_a_login_that_saw_no_factor_yet_does_not_outlive_its_coming(ada: Person):
    await ada.begin()
    app, organization_id = ada.mesh.app, ada.organization_id
    async with app.database.acting(organization_id) as tx:
        await Users(app.ring).lock(tx, organization_id, ada.id)
        assert await app.factors.methods(tx, organization_id, ada.id) == ()
        confirming = asyncio.create_task(ada.ask("POST", "/mfa/totp/confirm", {"code": ada.code()}))
        await asyncio.wait([confirming], timeout=0.3)
        late = await begin_session(tx, ada.organization, ada.id)
    assert (await confirming)[0] == 200
    assert (await late.ask("GET", "/passkeys"))[0] == 401


@pytest.mark.parametrize("change", ["app", "passkey", "codes", "remove app", "remove passkey"])
async def test_every_change_ends_the_other_sessions_and_writes_to_the_person(ada: Person, change: str):
    added = {"id": ""}
    if change not in {"app", "passkey"}:
        await ada.set_up_app()
        _, added = await ada.add_passkey()
    await verify(ada)
    other = await ada.again(mfa=True)
    assert (await other.ask("GET", "/passkeys"))[0] == 200
    if change == "app":
        await ada.set_up_app()
    elif change == "passkey":
        await ada.add_passkey()
    else:
        method, path = {
            "codes": ("POST", "/mfa/recovery-codes"),
            "remove app": ("DELETE", "/mfa/totp"),
            "remove passkey": ("DELETE", f"/passkeys/{added['id']}"),
        }[change]
        assert (await ada.ask(method, path))[0] in {200, 204}
    assert (await other.ask("GET", "/passkeys"))[0] == 401
    assert (await ada.ask("GET", "/passkeys"))[0] == 200
    notices = await mails(ada)
    assert len(notices) == 1
    text = notices[0].get_body(("plain",)).get_content()
    assert ada.organization.slug in text
    assert "a new password at http://localhost:8081/reset" in text
    assert "#token=" not in text


async def test_nobody_is_written_to_under_an_address_that_was_never_verified(ada: Person):
    await ada.set_up_app()
    assert await mails(ada) == []


async def test_every_change_is_recorded_and_no_secret_is(ada: Person):
    codes = await ada.set_up_app()
    _, added = await ada.add_passkey()
    await ada.ask("POST", "/mfa/recovery-codes")
    await ada.ask("DELETE", "/mfa/totp")
    await ada.ask("DELETE", f"/passkeys/{added['id']}")
    done = [action for action, outcome in await actions(ada.organization) if outcome == "ok"]
    added_and_removed = ["passkey.begin", "passkey.add", "recovery_codes.renew", "totp.remove", "passkey.remove"]
    expected = ["totp.begin", "totp.add", *added_and_removed]
    assert [action for action in done if action in expected] == expected
    _, page = await ada.organization.ask("GET", "/api/v1/audit?limit=200")
    # Six digits in a row stand in ids, digests and times as well.
    said = re.sub(r"[0-9a-f-]{26,}|\d{4}-\d\d-\d\dT[\d:.]+Z", "", str(page))
    assert "totp.add" in said
    assert not any(code in said for code in (*codes, *map(ada.code, (-2, -1, 0))))
