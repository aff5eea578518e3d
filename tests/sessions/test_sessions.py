"""Sessions over HTTP: what a person may do by an access token, in which tenant, and what ends it."""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from devmesh.access import Role
from devmesh.directory.model import ORGANIZATION_CHANGED, TENANT_CHANGED, USER_CHANGED
from running import Mesh, Organization
from sessions_people import Person, new_person

PROFILE = "/api/v1/auth/profile"


async def run(person: Person, sql: str, *arguments: object, kind: str = USER_CHANGED, of: object = None) -> None:
    """Change what is kept and tell every cache, as the service of that change does."""

    async def change(tx: Any) -> None:
        assert await tx.run(sql, *arguments)
        await person.organization.mesh.app.changes.announce(tx, kind, str(of or person.id))

    await person.do(change)


async def tenant(person: Person) -> tuple[UUID, str]:
    """Add a tenant to the person's organization."""
    tenant_id, slug = uuid4(), f"tenant-{secrets.token_hex(4)}"
    insert = "insert into tenants (id, organization_id, name, slug) values ($1, $2, 'Another', $3)"
    await run(person, insert, tenant_id, UUID(person.organization.id), slug)
    return tenant_id, slug


async def test_an_access_token_acts_as_the_person(person: Person):
    status, profile = await person.ask("GET", PROFILE)
    assert (status, profile["email"]) == (200, person.user.email)


async def test_an_access_token_acts_over_mcp_too(person: Person):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    status, body = await person.ask("POST", "/mcp", message)
    assert status == 200
    assert "mesh.list_services" in {tool["name"] for tool in body["result"]["tools"]}
    await person.ask("POST", "/api/v1/auth/logout")
    assert (await person.ask("POST", "/mcp", message))[0] == 401


async def test_validate_tells_what_an_access_token_stands_for(person: Person):
    status, said = await person.ask("POST", "/api/v1/auth/validate")
    expires_at = said.pop("expires_at")
    assert (status, said) == (
        200,
        {
            "valid": True,
            "subject": str(person.id),
            "key_id": None,
            "tenant_id": person.organization.id,
            "role": "member",
            "scopes": ["*:*"],
            "token_type": "jwt",
        },
    )
    assert expires_at.endswith("Z")


async def test_validate_tells_what_a_key_stands_for(organization: Organization):
    key = await organization.new_key(scopes=["read"], expires_at="2099-01-01T00:00:00Z")
    status, said = await organization.ask("POST", "/api/v1/auth/validate", key=key)
    assert status == 200
    assert (said["valid"], said["token_type"], said["scopes"]) == (True, "api_key", ["read"])
    assert (said["expires_at"], said["role"]) == ("2099-01-01T00:00:00Z", "owner")
    assert UUID(said["key_id"])
    _, said = await organization.ask("POST", "/api/v1/auth/validate")
    assert said["expires_at"] is None


async def test_sessions_are_listed_page_by_page_with_the_one_that_asks(person: Person):
    other, last = await person.again(mfa=True), await person.again()
    _, first = await person.ask("GET", "/api/v1/auth/sessions?limit=2")
    _, second = await person.ask("GET", f"/api/v1/auth/sessions?limit=2&cursor={first['next_cursor']}")
    found = [*first["sessions"], *second["sessions"]]
    assert (first["count"], second["count"], second["next_cursor"]) == (2, 1, None)
    assert [one["id"] for one in found] == [str(who.tokens.session_id) for who in (person, other, last)]
    assert [one["current"] for one in found] == [True, False, False]
    assert [one["mfa"] for one in found] == [False, True, False]
    assert found[0]["user_agent"] == "pytest1.0"


async def test_logout_ends_this_session_alone(person: Person):
    other = await person.again()
    assert await person.alive()
    assert (await person.ask("POST", "/api/v1/auth/logout"))[0] == 204
    assert not await person.alive()
    assert (await person.refresh())[0] == 401
    assert await other.alive()
    assert (await other.refresh())[0] == 200


async def test_a_session_ends_another_of_the_same_person(person: Person):
    other = await person.again()
    path = f"/api/v1/auth/sessions/{other.tokens.session_id}"
    assert await other.alive()
    assert (await person.ask("DELETE", path))[0] == 204
    assert not await other.alive()
    status, problem = await person.ask("DELETE", path)
    assert (status, problem["code"]) == (404, "session_not_found")
    assert await person.alive()


async def test_who_logged_in_long_ago_logs_in_again_before_ending_another_session(person: Person):
    other = await person.again()
    old = "update sessions set authenticated_at = now() - interval '16 minutes' where id = $1"
    await run(person, old, person.tokens.session_id)
    await person.refresh()
    status, problem = await person.ask("DELETE", f"/api/v1/auth/sessions/{other.tokens.session_id}")
    assert (status, problem["code"]) == (403, "reauthentication_required")
    assert await other.alive()
    # One's own session ends without.
    assert (await person.ask("DELETE", f"/api/v1/auth/sessions/{person.tokens.session_id}"))[0] == 204
    assert not await person.alive()
    assert (await other.ask("DELETE", f"/api/v1/auth/sessions/{other.tokens.session_id}"))[0] == 204


@pytest.mark.parametrize("role", [Role.MEMBER, Role.OWNER])
async def test_nobody_ends_or_sees_anybody_elses_session(mesh: Mesh, role: Role):
    mine, theirs = await mesh.organization(), await mesh.organization()
    owner, colleague, stranger = (
        await new_person(mine, role),
        await new_person(mine),
        await new_person(theirs),
    )
    for victim in (colleague, stranger):
        assert (await owner.ask("DELETE", f"/api/v1/auth/sessions/{victim.tokens.session_id}"))[0] == 404
        assert await victim.alive()
    _, listed = await owner.ask("GET", "/api/v1/auth/sessions")
    assert [one["id"] for one in listed["sessions"]] == [str(owner.tokens.session_id)]


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "logout"), ("GET", "sessions"), ("DELETE", f"sessions/{UUID(int=7)}")]
)
async def test_a_key_has_no_sessions(organization: Organization, method: str, path: str):
    status, problem = await organization.ask(method, f"/api/v1/auth/{path}")
    assert (status, problem["code"]) == (403, "session_required")


@pytest.mark.parametrize("path", ["auth/profile", "auth/sessions", "api-keys", "credentials"])
async def test_what_is_ones_own_needs_no_more_than_a_session(organization: Organization, path: str):
    reader = await new_person(organization, Role.READONLY)
    assert (await reader.ask("GET", f"/api/v1/{path}"))[0] == 200


async def test_a_role_acts_on_the_next_request_up_and_down(organization: Organization):
    owner = await new_person(organization, Role.OWNER)
    assert (await owner.ask("GET", "/api/v1/audit"))[0] == 200
    for role, status in (("readonly", 403), ("admin", 200), ("member", 403)):
        await run(owner, "update users set role = $2 where id = $1", owner.id, role)
        assert (await owner.ask("GET", "/api/v1/audit"))[0] == status
        assert (await owner.ask("POST", "/api/v1/auth/validate"))[1]["role"] == role


async def test_suspension_acts_on_the_next_request(person: Person):
    assert await person.alive()
    await run(person, "update users set is_active = false where id = $1", person.id)
    assert not await person.alive()
    assert (await person.refresh())[0] == 401
    await run(person, "update users set is_active = true where id = $1", person.id)
    assert await person.alive()


async def test_removal_acts_on_the_next_request(person: Person):
    assert await person.alive()
    await run(person, "delete from users where id = $1", person.id)
    assert not await person.alive()
    assert (await person.refresh())[0] == 401


async def test_the_end_of_an_organization_ends_its_sessions(person: Person):
    assert await person.alive()
    organization_id = UUID(person.organization.id)
    app = person.organization.mesh.app
    async with app.database.acting(organization_id, organization_id) as tx:
        await tx.run("delete from api_keys where organization_id = $1", organization_id)
        await tx.run("delete from users where organization_id = $1", organization_id)
        await tx.run("delete from organizations where id = $1", organization_id)
        await app.changes.announce(tx, ORGANIZATION_CHANGED, str(organization_id))
    assert not await person.alive()


async def test_all_sessions_but_one_can_be_ended(person: Person):
    others = [await person.again(), await person.again()]
    colleague = await new_person(person.organization)
    sessions = person.organization.mesh.app.sessions
    ended: list[int] = []

    async def change(tx: Any) -> None:
        ended.append(await sessions.end_all(tx, UUID(person.organization.id), person.id, but=person.tokens.session_id))

    await person.do(change)
    assert ended == [2]
    assert [await one.alive() for one in (person, *others, colleague)] == [True, False, False, True]


async def test_a_policy_that_asks_for_a_second_factor_cuts_a_session_without_one(organization: Organization):
    owner = await new_person(organization, Role.OWNER)
    assert (await owner.ask("GET", "/api/v1/api-keys"))[0] == 200
    of = UUID(organization.id)
    for required, status in ((True, 403), (False, 200), (True, 403)):
        policies = '{"require_mfa": true}' if required else "{}"
        sql = "update organizations set policies = $2 where id = $1"
        await run(owner, sql, of, policies, kind=ORGANIZATION_CHANGED, of=of)
        assert (await owner.ask("GET", "/api/v1/api-keys"))[0] == status
        assert (await owner.ask("GET", PROFILE))[0] == 200
        assert (await owner.ask("GET", "/api/v1/auth/sessions"))[0] == 200
    assert (await (await owner.again(mfa=True)).ask("GET", "/api/v1/api-keys"))[0] == 200
    _, caller = await caller_of(owner)
    await owner.do(lambda tx: organization.mesh.app.sessions.raise_to_mfa(tx, caller))
    assert (await owner.ask("GET", "/api/v1/api-keys"))[0] == 200


async def test_a_cut_session_reaches_no_tool_of_the_gateway_either_and_is_told_the_way_out(organization: Organization):
    owner, tool = await new_person(organization, Role.OWNER), "mesh.list_services"
    await run(
        owner,
        "update organizations set policies = $2 where id = $1",
        UUID(organization.id),
        '{"require_mfa": true}',
        kind=ORGANIZATION_CHANGED,
        of=UUID(organization.id),
    )
    token = owner.tokens.access_token
    result = await organization.call(tool, key=token)
    assert (result["isError"], result["_meta"]["code"]) == (True, "insufficient_scope")
    assert (await owner.ask("GET", "/api/v1/tools"))[1]["tools"] == []
    assert (await owner.ask("GET", f"/api/v1/tools/{tool}"))[0] == 404
    status, problem = await owner.ask("POST", f"/api/v1/tools/{tool}/execute", {})
    assert (status, problem["code"]) == (403, "insufficient_scope")
    for refusal in (problem, (await owner.ask("GET", "/api/v1/api-keys"))[1]):
        assert "second factor" in refusal["hint"]
    assert "isError" not in await organization.call(tool, key=(await owner.again(mfa=True)).tokens.access_token)


async def test_a_person_is_told_of_their_role_and_a_key_of_keys(organization: Organization):
    member = await new_person(organization)
    for key, word in ((member.tokens.access_token, "'member'"), (await organization.new_key(), "use an admin key")):
        status, problem = await organization.ask("GET", "/api/v1/audit", key=key)
        assert (status, problem["code"]) == (403, "insufficient_scope")
        assert word in problem["hint"]
    _, problem = await member.ask("POST", "/api/v1/api-keys", {"name": "mine", "scopes": ["users:write"]})
    assert (problem["code"], problem["hint"].partition(",")[0]) == (
        "beyond_your_own",
        "Ask for no more than your role allows",
    )


async def caller_of(person: Person) -> tuple[Any, Any]:
    held = await person.organization.mesh.app.session_verifier.verify(person.tokens.access_token)
    return held, held.grant.caller("127.0.0.1", "test")


async def test_a_proof_of_who_one_is_counts_for_a_while(person: Person):
    sessions = person.organization.mesh.app.sessions
    _, caller = await caller_of(person)
    within: list[bool] = []

    async def ask(tx: Any) -> None:
        within.append(await sessions.authenticated_within(tx, caller, timedelta(minutes=5)))

    await person.do(ask)
    old = "update sessions set authenticated_at = now() - interval '6 minutes' where id = $1"
    await run(person, old, person.tokens.session_id)
    await person.refresh()
    await person.do(ask)
    await person.do(lambda tx: sessions.note_authenticated(tx, caller))
    await person.do(ask)
    assert within == [True, False, True]


async def in_tenant(person: Person, name: object) -> tuple[int, str | None]:
    headers = {"X-Tenant-ID": str(name)}
    status, body = await person.ask("POST", "/api/v1/auth/validate", headers=headers)
    return status, body.get("tenant_id") or body.get("error")


@pytest.mark.parametrize("role", [Role.OWNER, Role.ADMIN])
async def test_who_administers_acts_in_every_tenant_of_the_organization(organization: Organization, role: Role):
    owner = await new_person(organization, role)
    tenant_id, slug = await tenant(owner)
    for name in (tenant_id, slug, slug.upper(), str(tenant_id).upper()):
        assert await in_tenant(owner, name) == (200, str(tenant_id))
    assert await in_tenant(owner, organization.slug) == (200, organization.id)
    assert (await owner.ask("POST", "/api/v1/auth/validate"))[1]["tenant_id"] == organization.id


async def test_a_member_acts_where_the_person_is_a_member_and_no_longer(person: Person):
    tenant_id, slug = await tenant(person)
    assert await in_tenant(person, slug) == (403, "Tenant Not Allowed")
    add = "insert into memberships (organization_id, tenant_id, user_id) values ($1, $2, $3)"
    await run(person, add, UUID(person.organization.id), tenant_id, person.id)
    assert await in_tenant(person, slug) == (200, str(tenant_id))
    assert await in_tenant(person, tenant_id) == (200, str(tenant_id))
    await run(person, "delete from memberships where user_id = $1", person.id)
    assert await in_tenant(person, slug) == (403, "Tenant Not Allowed")


async def test_losing_the_administrators_role_closes_the_other_tenants(organization: Organization):
    owner = await new_person(organization, Role.ADMIN)
    tenant_id, slug = await tenant(owner)
    assert await in_tenant(owner, slug) == (200, str(tenant_id))
    await run(owner, "update users set role = 'member' where id = $1", owner.id)
    assert await in_tenant(owner, slug) == (403, "Tenant Not Allowed")


async def test_a_tenant_that_was_removed_is_no_longer_acted_in(organization: Organization):
    owner = await new_person(organization, Role.OWNER)
    tenant_id, slug = await tenant(owner)
    assert await in_tenant(owner, slug) == (200, str(tenant_id))
    await run(owner, "delete from tenants where id = $1", tenant_id, kind=TENANT_CHANGED, of=tenant_id)
    assert await in_tenant(owner, slug) == (403, "Tenant Not Allowed")


@pytest.mark.parametrize("name", ["no-such-tenant", UUID(int=7), "", "' or true --", "*", "a" * 500])
async def test_no_other_word_names_a_tenant(organization: Organization, name: object):
    owner = await new_person(organization, Role.OWNER)
    assert (await in_tenant(owner, name))[0] == 403


async def test_another_organizations_tenant_is_not_allowed_to_its_like_named_neighbour(mesh: Mesh):
    mine, theirs = await new_person(await mesh.organization(), Role.OWNER), await mesh.organization()
    for name in (theirs.id, theirs.slug):
        assert await in_tenant(mine, name) == (403, "Tenant Not Allowed")


async def test_a_refused_tenant_tells_the_limits_and_is_recorded(organization: Organization):
    owner = await new_person(organization, Role.OWNER)
    headers = {"Authorization": f"Bearer {owner.tokens.access_token}", "X-Tenant-ID": "not-mine"}
    async with organization.mesh.http.get(PROFILE, headers=headers) as reply:
        assert reply.status == 403
        assert int(reply.headers["X-RateLimit-Remaining"]) < int(reply.headers["X-RateLimit-Limit"])
    _, audit = await owner.ask("GET", "/api/v1/audit?outcome=refused")
    assert audit["entries"][0]["code"] == "tenant_not_allowed"


@pytest.mark.parametrize(("role", "limit"), [(Role.OWNER, "1000"), (Role.ADMIN, "1000"), (Role.MEMBER, "100")])
async def test_a_session_has_the_allowance_of_its_role(organization: Organization, role: Role, limit: str):
    one = await new_person(organization, role)
    headers = {"Authorization": f"Bearer {one.tokens.access_token}"}
    async with organization.mesh.http.get(PROFILE, headers=headers) as reply:
        assert reply.headers["X-RateLimit-Limit"] == limit


async def test_the_ends_of_sessions_are_recorded_without_a_secret(organization: Organization):
    owner = await new_person(organization, Role.OWNER)
    other = await owner.again()
    _, refreshed = await owner.refresh()
    await owner.ask("DELETE", f"/api/v1/auth/sessions/{other.tokens.session_id}")
    await owner.ask("POST", "/api/v1/auth/logout")
    _, audit = await organization.ask("GET", "/api/v1/audit")
    found = [(one["action"], one["target"]) for one in audit["entries"]]
    assert found[:3] == [
        ("session.end", str(owner.tokens.session_id)),
        ("session.end", str(other.tokens.session_id)),
        ("session.refresh", str(owner.tokens.session_id)),
    ]
    for secret in (owner.tokens.access_token, owner.tokens.refresh_token, refreshed["refresh_token"]):
        assert secret not in str(audit)
    assert owner.tokens.access_token not in repr(owner.tokens)
    assert owner.tokens.refresh_token not in repr(owner.tokens)
