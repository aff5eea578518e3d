"""Requirements of OWASP ASVS 5.0, chapters 6 and 7, that no other test shows; docs/reference/asvs.md lists them all."""

from __future__ import annotations

import asyncio
import os
import re
import secrets
import tempfile
import time
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args, get_type_hints
from uuid import UUID

import asyncpg
import msgspec
import pytest

from devmesh import app
from devmesh.access import Role
from devmesh.accounts import passwords
from devmesh.accounts.model import RESET, VERIFY
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.factors import totp
from devmesh.factors.model import Method
from devmesh.login import throttle
from devmesh.sessions.model import ACCESS_LIFETIME, IDLE_LIFETIME, WHOLE_LIFETIME
from factors.conftest import decoded_base32
from sessions_people import begin, new_person

if TYPE_CHECKING:
    from running import Mesh, Organization

DOCS = Path(__file__).parents[2] / "docs"
PASSWORD = "SecurePass123!"  # every organization's owner has it
NEW = "a whole new password 1A"
CREDENTIALS = {"access_token", "refresh_token", "mfa_token", "api_key"}
_UNITS = {"second": 1, "minute": 60, "hour": 3600}


def page(name: str) -> str:
    return " ".join((DOCS / name).read_text(encoding="utf-8").split())


def seconds(text: str) -> int:
    number, unit = text.split()
    return int(number) * _UNITS[unit.rstrip("s")]


async def send(mesh: Mesh, path: str, body: Any, **headers: str) -> tuple[int, Any]:
    """Send a body as somebody without a credential."""
    async with mesh.http.post(f"/api/v1{path}", json=body, headers=headers) as reply:
        return reply.status, await reply.json()


async def log_in(organization: Organization, password: str = PASSWORD, **headers: str) -> tuple[int, Any]:
    body = {
        "email": organization.registered["user"]["email"],
        "password": password,
        "organization": organization.slug,
    }
    return await send(organization.mesh, "/auth/login", body, **headers)


async def mailed(organization: Organization, purpose: str) -> str:
    """Return a token as the owner is mailed one."""
    organization_id, owner = UUID(organization.id), UUID(organization.registered["user"]["id"])
    async with organization.mesh.app.database.acting(organization_id) as tx:
        links = organization.mesh.app.accounts._links
        return (await links.mint(tx, organization_id, owner, purpose, timedelta(minutes=5))).token


# 6.1: what is written down


def test_the_guide_tells_what_slows_guessing_down_with_the_numbers_of_the_code():
    table = re.findall(
        r"^\| a[n ].*? \| (\d+) \| ([^|]+) \| ([^|]+) \|$", (DOCS / "guide/login.md").read_text(), re.MULTILINE
    )
    told = [throttle.Rule(int(free), seconds(most), seconds(fades)) for free, most, fades in table]
    rules = [throttle.PAIR, throttle.ACCOUNT, throttle.ADDRESS, throttle.FACTOR_PAIR, throttle.FACTOR_ACCOUNT]
    assert told == rules
    assert f"failed with {throttle.MOST_SPRAYED} accounts within an hour" in page("guide/login.md")


def test_the_guide_names_the_words_that_no_password_may_be():
    text = (DOCS / "guide/onboarding.md").read_text()
    rules = next(part for part in text.split("\n\n") if part.startswith("A password has at least"))
    assert "organization's name and slug" in rules
    named = {word.replace(" ", "").lower() for word in re.findall(r"`([^`]+)`", rules)}
    assert set(passwords._OURS) <= named


def hands_out(handler: Any) -> bool:
    """Return whether a reply of the route holds a credential for this program."""
    told = get_type_hints(handler.fn)["return"]
    return any(
        CREDENTIALS & {field.name for field in msgspec.structs.fields(kind)}
        for kind in (get_args(told) or (told,))
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct)
    )


def test_every_route_that_hands_out_a_credential_is_a_documented_way_in():
    documented = set(
        re.findall(r"^\| `POST /api/v1([^`]+)` \|", (DOCS / "reference/asvs.md").read_text(), re.MULTILINE)
    )
    paths = [sorted(handler.paths) for handler in app._ROUTES if hands_out(handler)]
    plain = [{re.sub(r":\w+}", "}", path) for path in several} for several in paths]
    # Of a route with two addresses one is enough.
    assert [several for several in plain if not several & documented] == []
    assert documented <= set().union(*plain)


# 6.2: passwords


def test_the_most_common_passwords_that_the_rules_let_through_are_refused():
    common = passwords._common()
    told = "must not be one of the most common passwords"
    otherwise_good = 0
    for word in common:
        # With its first letter as a capital: the spelling that the other rules like best.
        start = re.search("[a-z]|$", word).start()
        unmet = passwords.unmet(word[:start] + word[start : start + 1].upper() + word[start + 1 :], ())
        assert told in unmet, word
        otherwise_good += unmet == [told]
    assert otherwise_good >= 3000


class Fields(HTMLParser):
    """The fields of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.inputs: dict[str, dict[str, str | None]] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "input":
            found = dict(attrs)
            self.inputs[found["id"] or ""] = found


@pytest.mark.parametrize(("path", "field"), [("/reset", "new_password"), ("/accept", "password")])
async def test_a_page_masks_passwords_and_lets_them_be_pasted_and_kept(mesh: Mesh, path: str, field: str):
    async with mesh.http.get(path) as reply:
        text = await reply.text()
    fields = Fields()
    fields.feed(text)
    found = fields.inputs[field]
    assert (found["type"], found["autocomplete"]) == ("password", "new-password")
    assert not {"maxlength", "readonly", "onpaste"} & set(found)
    listened = set(re.findall(r"addEventListener\(\s*['\"](\w+)|\bon(\w+)\s*=", text))
    assert not {"paste", "copy", "drop", "beforeinput", "keydown"} & {name for names in listened for name in names}


async def test_a_password_opens_exactly_as_it_was_chosen(organization: Organization):
    # As many failures as everybody may have, and the success is one at once.
    for other in (PASSWORD.swapcase(), PASSWORD[:-1], f" {PASSWORD}", f"{PASSWORD}\t"):
        assert (await log_in(organization, other))[0] == 401
    assert (await log_in(organization))[0] == 200


async def test_a_password_of_twenty_years_ago_still_opens(organization: Organization):
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        assert await tx.run("update users set password_changed_at = now() - interval '20 years'") == 1
    status, body = await log_in(organization)
    assert status == 200
    # And opens everything: nothing asks for another one first.
    assert (await organization.ask("GET", "/api/v1/users", key=body["access_token"]))[0] == 200


# 6.3: authentication in general


async def test_a_new_installation_has_nobody_in_it():
    with tempfile.TemporaryDirectory(prefix="devmesh-new-") as directory:
        os.chmod(directory, 0o711)  # noqa: PTH101, S103 - PostgreSQL runs as another user
        with Embedded(Path(directory) / "data") as embedded:
            await migrate(embedded.owner_dsn, embedded.app_dsn["user"])
            connection = await asyncpg.connect(**embedded.owner_dsn)
            # Row security hides rows from everybody, but not how large a table is.
            sizes = dict(
                await connection.fetch("select relname, pg_relation_size(oid) from pg_class where relkind = 'r'")
            )
            await connection.close()
    accounts = {"organizations", "users", "tenants", "api_keys", "sessions", "invitations", "route_emails"}
    assert {name: sizes[name] for name in accounts} == dict.fromkeys(accounts, 0)
    assert sizes["pg_class"] > 0


async def test_no_mailed_token_opens_an_account_that_there_is(organization: Organization):
    status, verified = await send(
        organization.mesh, "/auth/email/verify", {"token": await mailed(organization, VERIFY)}
    )
    assert (status, set(verified)) == (200, {"message"})
    body = {"token": await mailed(organization, RESET), "new_password": NEW}
    status, reset = await send(organization.mesh, "/auth/password/reset/confirm", body)
    assert (status, set(reset)) == (200, {"message"})
    assert set(get_args(Method)) == {"totp", "recovery_code", "passkey"}


async def test_registering_with_a_known_address_tells_nothing(mesh: Mesh):
    known = await mesh.organization()
    replies = []
    for email in (known.registered["user"]["email"], f"nobody@{known.slug}.example"):
        slug = f"org-{secrets.token_hex(6)}"
        names = {"organization_name": slug, "organization_slug": slug, "admin_name": "Ada"}
        body = {**names, "admin_email": email, "admin_password": PASSWORD}
        status, reply = await send(mesh, "/auth/register/organization", body)
        replies.append((status, reply["message"], sorted(reply), sorted(reply["user"])))
    assert replies[0] == replies[1]
    assert replies[0][0] == 201


# 6.4: recovery


def test_nothing_takes_a_hint_or_the_answer_to_a_question():
    bodies = [body for handler in app._ROUTES if (body := get_type_hints(handler.fn).get("data")) is not None]
    named = {
        field.encode_name
        for body in bodies
        if isinstance(body, type) and issubclass(body, msgspec.Struct)
        for field in msgspec.structs.fields(body)
    }
    assert {"password", "new_password", "token"} <= named
    assert [name for name in named if re.search(r"hint|question|answer|secret_word|mother", name)] == []


async def test_a_reset_password_does_not_stand_in_for_the_second_factor(organization: Organization):
    _, session = await log_in(organization)
    key = session["access_token"]
    _, begun = await organization.ask("POST", "/api/v1/auth/mfa/totp", key=key)
    secret = decoded_base32(begun["secret"])
    code = totp.code(secret, int(time.time()) // 30)
    assert (await organization.ask("POST", "/api/v1/auth/mfa/totp/confirm", {"code": code}, key=key))[0] == 200
    body = {"token": await mailed(organization, RESET), "new_password": NEW}
    assert (await send(organization.mesh, "/auth/password/reset/confirm", body))[0] == 200
    status, reply = await log_in(organization, NEW)
    assert (status, reply["mfa_required"]) == (200, True)
    assert "access_token" not in reply


# 7: sessions


def test_the_pages_tell_the_lifetimes_of_the_code():
    days = {7: "seven", 30: "thirty"}
    guide, listed = page("guide/sessions.md"), page("reference/asvs.md")
    minutes = int(ACCESS_LIFETIME.total_seconds() // 60)
    assert f"for {minutes} minutes" in guide
    assert f"It lives {days[IDLE_LIFETIME.days]} days, and a session {days[WHOLE_LIFETIME.days]}" in guide
    said = f"lives {minutes} minutes, a session {days[IDLE_LIFETIME.days]} days after its last refresh"
    assert f"An access token {said} and {WHOLE_LIFETIME.days} days after its login. NIST SP 800-63B asks" in listed
    assert "You may have as many sessions at once as you like" in guide


async def test_refresh_tokens_are_long_random_and_all_different(organization: Organization):
    person = await new_person(organization, Role.MEMBER)
    begun = [begin(organization.mesh.app, person.user) for _ in range(64)]
    found = [tokens.refresh_token.removeprefix("rfr_") for tokens in await asyncio.gather(*begun)]
    # 43 characters of 6 bits: 256, of which no two tokens share the first or the last 32.
    assert {len(token) for token in found} == {43}
    for part in (slice(0, 6), slice(-6, None)):
        assert len({token[part] for token in found}) == len(found)


async def test_a_login_takes_over_nothing_that_was_sent_along(organization: Organization):
    _, first = await log_in(organization)
    chosen = "a-session-of-my-choosing"
    along = {"Authorization": f"Bearer {first['access_token']}", "Cookie": f"session={chosen}", "X-Session-ID": chosen}
    _, second = await log_in(organization, **along)
    assert not {first[name] for name in CREDENTIALS & set(first)} & {second[name] for name in CREDENTIALS & set(second)}
    _, listed = await organization.ask("GET", "/api/v1/auth/sessions", key=second["access_token"])
    ids = [session["id"] for session in listed["sessions"]]
    assert len(set(ids)) == 2
    assert chosen not in str(listed)
