"""Who sees, changes, suspends and removes whom, and that it holds at once."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import UUID

import pytest

from administration.conftest import Rows, actions, gone
from devmesh.access import Role
from devmesh.app import App
from devmesh.demo.github import GitHub
from running import Mesh, Organization
from sessions_people import Person, new_person

USERS = "/api/v1/users"
KEYS = "/api/v1/api-keys"


async def key_of(person: Person, **fields: Any) -> str:
    status, made = await person.ask("POST", KEYS, {"name": "mine", **fields})
    assert status == 201, made
    return made["api_key"]


async def test_an_administrator_sees_people_whole_and_a_member_their_names(organization: Organization):
    member = await new_person(organization)
    _, listed = await organization.ask("GET", USERS)
    assert listed["count"] == 2
    assert listed["users"][1]["email"] == member.user.email
    assert (listed["users"][0]["role"], listed["users"][0]["is_active"]) == ("owner", True)
    status, listed = await member.ask("GET", USERS)
    assert status == 200
    for user in listed["users"]:
        assert {name for name, value in user.items() if value is not None} == {"id", "name"}


async def test_people_come_in_pages(organization: Organization):
    for _ in range(3):
        await new_person(organization)
    _, first = await organization.ask("GET", f"{USERS}?limit=3")
    _, rest = await organization.ask("GET", f"{USERS}?limit=3&cursor={first['next_cursor']}")
    ids = [user["id"] for user in (*first["users"], *rest["users"])]
    assert (first["count"], rest["count"], len(set(ids)), rest["next_cursor"]) == (3, 1, 4, None)


@pytest.mark.parametrize("role", [Role.MEMBER, Role.READONLY])
async def test_who_does_not_administer_changes_nobody(organization: Organization, role: Role):
    person, other = await new_person(organization, role), await new_person(organization)
    for who in (person, other):
        status, problem = await person.ask("PATCH", f"{USERS}/{who.id}", {"role": "admin"})
        assert (status, problem["required_scopes"]) == (403, ["users:write"])
        assert (await person.ask("DELETE", f"{USERS}/{who.id}"))[0] == 403


async def test_a_readonly_person_sees_nobody(organization: Organization):
    person = await new_person(organization, Role.READONLY)
    assert (await person.ask("GET", USERS))[0] == 403


@pytest.mark.parametrize("key_type", ["user", "agent"])
async def test_only_admin_keys_reach_people(organization: Organization, key_type: str):
    key = await organization.new_key(key_type=key_type, scopes=["admin"])
    for path in (USERS, "/api/v1/tenants", "/api/v1/organization", "/api/v1/organization/policies"):
        assert (await organization.ask("GET", path, key=key))[0] == 403


@pytest.mark.parametrize("body", [{"email": "x@example.com"}, {"password": "SecurePass123!"}, {"mfa": False}])
async def test_nobody_sets_anothers_address_password_or_factors(organization: Organization, body: dict[str, Any]):
    member = await new_person(organization)
    status, problem = await organization.ask("PATCH", f"{USERS}/{member.id}", body)
    assert (status, problem["errors"][0]["field"]) == (422, next(iter(body)))


@pytest.mark.parametrize(
    ("body", "field"),
    [({"role": "root"}, "role"), ({"role": None}, "role"), ({"name": "\u202eroot"}, "name"), ({"name": ""}, "name"),
     ({"is_active": "no"}, "is_active")],
)  # fmt: skip
async def test_a_wrong_field_is_named(organization: Organization, body: dict[str, Any], field: str):
    member = await new_person(organization)
    status, problem = await organization.ask("PATCH", f"{USERS}/{member.id}", body)
    assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_an_administrator_lifts_nobody_to_owner_and_touches_no_owner(organization: Organization):
    administrator, member = await new_person(organization, Role.ADMIN), await new_person(organization)
    owner = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    for who in (administrator.id, member.id):
        status, problem = await administrator.ask("PATCH", f"{USERS}/{who}", {"role": "owner"})
        assert (status, problem["code"]) == (403, "above_your_own_role")
    for change in ({"role": "member"}, {"name": "Nobody"}, {"is_active": False}):
        assert (await administrator.ask("PATCH", f"{USERS}/{owner}", change))[1]["code"] == "above_your_own_role"
    assert (await administrator.ask("DELETE", f"{USERS}/{owner}"))[1]["code"] == "above_your_own_role"
    assert (await administrator.ask("PATCH", f"{USERS}/{member.id}", {"role": "admin"}))[0] == 200


async def test_ownership_is_handed_over_by_making_an_owner_and_stepping_down(organization: Organization):
    heir = await new_person(organization)
    owner = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    status, problem = await organization.ask("PATCH", f"{USERS}/{owner}", {"role": "member"})
    assert (status, problem["code"]) == (409, "last_owner")
    status, problem = await organization.ask("PATCH", f"{USERS}/{heir.id}", {"role": "owner"})
    assert (status, problem["code"]) == (403, "session_required")
    session = await new_person(organization, Role.OWNER)
    assert (await session.ask("PATCH", f"{USERS}/{heir.id}", {"role": "owner"}))[1]["role"] == "owner"
    assert (await organization.ask("PATCH", f"{USERS}/{owner}", {"role": "member"}))[0] == 200
    status, problem = await organization.ask("PATCH", f"{USERS}/{owner}", {"role": "owner"})
    assert (status, problem["required_scopes"]) == (403, ["users:write"])
    assert (await heir.ask("PATCH", "/api/v1/organization", {"name": "Mine"}))[0] == 200


@pytest.mark.parametrize("change", [{"role": "admin"}, {"is_active": False}, None])
async def test_the_last_active_owner_stays(organization: Organization, change: dict[str, Any] | None):
    suspended = await new_person(organization, Role.OWNER)
    await organization.ask("PATCH", f"{USERS}/{suspended.id}", {"is_active": False})
    owner = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    status, problem = await organization.ask("PATCH" if change else "DELETE", f"{USERS}/{owner}", change)
    assert (status, problem["code"]) == (409, "last_owner")
    assert (await organization.ask("GET", USERS))[1]["users"][0]["is_active"]


async def test_of_twenty_owners_who_demote_each_other_at_once_one_stays(mesh: Mesh, organization: Organization):
    first = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    owners = [await new_person(organization, Role.OWNER) for _ in range(4)]
    ids = [first, *[str(owner.id) for owner in owners]]
    askers = [organization.ask, *[owner.ask for owner in owners]]
    asked = [
        ask("PATCH", f"{USERS}/{ids[(at + step) % len(ids)]}", {"role": "member"})
        for at, ask in enumerate(askers)
        for step in range(1, len(ids))
    ]
    replies = await asyncio.gather(*asked)
    assert len(replies) == 20
    assert {status for status, _ in replies} <= {200, 403, 409}
    async with mesh.app.database.acting(UUID(organization.id)) as tx:
        left = await tx.all("select id from users where role = 'owner' and is_active")
    assert len(left) == 1


async def test_of_twenty_owners_who_step_down_at_once_one_stays(mesh: Mesh, organization: Organization):
    owners = [await new_person(organization, Role.OWNER) for _ in range(4)]
    first = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    own = [(organization.ask, first), *[(owner.ask, owner.id) for owner in owners]] * 4
    replies = await asyncio.gather(*[ask("PATCH", f"{USERS}/{who}", {"role": "admin"}) for ask, who in own])
    assert sum(problem.get("code") == "last_owner" for _, problem in replies) >= 1
    async with mesh.app.database.acting(UUID(organization.id)) as tx:
        assert len(await tx.all("select id from users where role = 'owner' and is_active")) == 1


async def test_a_role_acts_on_the_next_request_of_live_keys_and_sessions_up_and_down(organization: Organization):
    person = await new_person(organization)
    key = await organization.person(Role.ADMIN)
    user_id = (await organization.ask("GET", "/api/v1/auth/profile", key=key))[1]["id"]
    for role, allowed in (("readonly", False), ("admin", True), ("member", False)):
        for who, sent in ((person.id, person.tokens.access_token), (user_id, key)):
            assert (await organization.ask("PATCH", f"{USERS}/{who}", {"role": role}))[0] == 200
            status, _ = await organization.ask("GET", "/api/v1/organization", key=sent)
            assert (status == 200) is allowed, role
            assert (await organization.ask("GET", "/api/v1/auth/profile", key=sent))[1]["role"] == role


async def test_suspension_ends_sessions_and_stops_keys_at_once_and_can_be_lifted(
    mesh: Mesh, organization: Organization
):
    person = await new_person(organization)
    other = await person.again()
    key, agent = await key_of(person), await key_of(person, key_type="agent")
    assert not any([await gone(mesh, held) for held in (key, agent, person.tokens.access_token)])
    assert (await organization.ask("PATCH", f"{USERS}/{person.id}", {"is_active": False}))[1]["is_active"] is False
    for held in (key, agent, person.tokens.access_token, other.tokens.access_token):
        assert await gone(mesh, held)
    assert (await person.refresh())[0] == 401
    assert (await organization.ask("PATCH", f"{USERS}/{person.id}", {"is_active": True}))[0] == 200
    assert not await gone(mesh, key)
    assert await gone(mesh, person.tokens.access_token)


async def test_removal_ends_everything_of_a_person_at_once_and_keeps_the_record(
    mesh: Mesh, organization: Organization, github: GitHub, rows: Rows
):
    before = await rows(organization)
    person = await new_person(organization)
    key = await key_of(person)
    await organization.connect(github, "ghp_adas_token_000000", key=key)
    assert not (await organization.call("github.get_me", key=key)).get("isError")
    assert not await gone(mesh, person.tokens.access_token)
    assert (await rows(organization))["data_keys"] == 1
    assert (await organization.ask("DELETE", f"{USERS}/{person.id}"))[0] == 204
    assert await gone(mesh, key)
    assert await gone(mesh, person.tokens.access_token)
    assert (await person.refresh())[0] == 401
    await mesh.app.vault.uses.flush()
    after = await rows(organization)
    assert {name: after[name] for name in before if name not in ("audit_events", "api_key_usage")} == {
        name: number for name, number in before.items() if name not in ("audit_events", "api_key_usage")
    }
    assert not {"data_keys", "credentials", "sessions", "credential_usage"} & set(after)
    assert not any(person.id in opened[3] for opened in mesh.app.data_keys._unwrapped.values())
    done = await actions(organization)
    assert {"tool.call", "credential.store", "user.remove"} <= set(done)
    assert (await organization.ask("DELETE", f"{USERS}/{person.id}"))[0] == 404


async def test_what_was_sealed_for_a_removed_person_opens_nowhere_any_more(
    second: App, organization: Organization, github: GitHub
):
    person = await new_person(organization)
    key = await key_of(person)
    await organization.connect(github, "ghp_adas_token_000000", key=key)
    caller = (await second.verifier.verify(key)).caller("", "")
    assert await second.vault.own(caller, "github") is not None
    await organization.ask("DELETE", f"{USERS}/{person.id}")
    async with asyncio.timeout(10):
        while second.data_keys._unwrapped or second.vault._cache or second.verifier._grants:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    assert await second.vault.own(caller, "github") is None


async def test_a_person_who_is_removed_while_storing_and_minting_leaves_nothing(
    organization: Organization, github: GitHub, rows: Rows
):
    for _ in range(3):
        person = await new_person(organization)
        await key_of(person)
        body = {"service_type": "github", "credentials": {"token": "ghp_x"}, "metadata": {"base_url": github.url}}
        replies = await asyncio.gather(
            *[person.ask("POST", "/api/v1/credentials", body) for _ in range(7)],
            organization.ask("DELETE", f"{USERS}/{person.id}"),
            *[person.ask("POST", KEYS, {"name": "late", "key_type": "agent"}) for _ in range(6)],
            *[person.ask("POST", KEYS, {"name": "late"}) for _ in range(6)],
        )
        assert {status for status, _ in replies} <= {201, 204, 401}, [body for status, body in replies if status > 401]
        assert 204 in {status for status, _ in replies}
    left = await rows(organization)
    assert not {"data_keys", "credentials", "sessions"} & set(left)
    assert (left["users"], left["api_keys"], left["route_keys"], left["live_keys"]) == (1, 1, 1, 1)


async def test_another_organizations_person_does_not_exist(mesh: Mesh, organization: Organization):
    theirs = await mesh.organization()
    person = await new_person(theirs)
    assert (await organization.ask("PATCH", f"{USERS}/{person.id}", {"name": "Mine"}))[0] == 404
    assert (await organization.ask("DELETE", f"{USERS}/{person.id}"))[0] == 404
    assert await person.alive()


async def test_changes_and_refusals_are_recorded_without_anything_that_did_not_change(organization: Organization):
    person = await new_person(organization)
    owner = (await organization.ask("GET", USERS))[1]["users"][0]["id"]
    await organization.ask("PATCH", f"{USERS}/{person.id}", {"role": "readonly", "is_active": True})
    await organization.ask("PATCH", f"{USERS}/{person.id}", {"role": "readonly"})
    await organization.ask("DELETE", f"{USERS}/{owner}")
    _, page = await organization.ask("GET", "/api/v1/audit?limit=200")
    changes = [entry for entry in page["entries"] if entry["action"] == "user.change"]
    assert [(entry["target"], entry["details"]) for entry in changes] == [(str(person.id), {"role": "readonly"})]
    refused = next(entry for entry in page["entries"] if entry["action"] == "user.remove")
    assert (refused["outcome"], refused["code"]) == ("refused", "last_owner")
