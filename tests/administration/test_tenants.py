"""Tenants: made, listed, joined, left and removed, each by whoever may."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from administration.conftest import Rows, actions, gone
from devmesh.access import Role
from devmesh.demo.github import GitHub
from running import Mesh, Organization
from sessions_people import new_person

TENANTS = "/api/v1/tenants"
PROFILE = "/api/v1/auth/profile"


async def blue(organization: Organization, slug: str = "blue") -> str:
    status, made = await organization.ask("POST", TENANTS, {"name": slug.title(), "slug": slug})
    assert status == 201, made
    assert (made["name"], made["slug"]) == (slug.title(), slug)
    return made["id"]


async def test_a_tenant_is_made_and_listed(organization: Organization):
    tenant = await blue(organization)
    _, listed = await organization.ask("GET", TENANTS)
    assert [entry["id"] for entry in listed["tenants"]] == [organization.id, tenant]
    assert (listed["count"], listed["next_cursor"]) == (2, None)
    _, first = await organization.ask("GET", f"{TENANTS}?limit=1")
    _, rest = await organization.ask("GET", f"{TENANTS}?limit=1&cursor={first['next_cursor']}")
    assert rest["tenants"][0]["id"] == tenant
    assert "tenant.create" in await actions(organization)


async def test_a_slug_is_one_tenants_of_twenty_at_once(organization: Organization):
    replies = await asyncio.gather(
        *[organization.ask("POST", TENANTS, {"name": "Blue", "slug": "blue"}) for _ in range(20)]
    )
    assert sorted(status for status, _ in replies) == [201] + [409] * 19
    assert {problem["code"] for status, problem in replies if status == 409} == {"tenant_slug_taken"}


@pytest.mark.parametrize(
    "slug", ["a", "blue green", "bl\u0443e", "-blue", "x" * 51, "01980000-0000-7000-8000-000000000000", "a" * 32]
)
async def test_a_wrong_slug_and_a_wrong_name_are_named_together(organization: Organization, slug: str):
    status, problem = await organization.ask("POST", TENANTS, {"name": "", "slug": slug})
    assert (status, [error["field"] for error in problem["errors"]]) == (422, ["name", "slug"])


async def test_two_organizations_may_have_a_tenant_of_the_same_slug(mesh: Mesh, organization: Organization):
    assert await blue(organization) != await blue(await mesh.organization())


async def test_a_member_lists_the_tenants_to_act_in_and_makes_none(organization: Organization):
    await blue(organization)
    member = await new_person(organization)
    assert [entry["id"] for entry in (await member.ask("GET", TENANTS))[1]["tenants"]] == [organization.id]
    status, problem = await member.ask("POST", TENANTS, {"name": "Red", "slug": "red"})
    assert (status, problem["required_scopes"]) == (403, ["tenants:write"])


async def test_a_member_acts_where_put_and_no_more_once_taken_out(mesh: Mesh, organization: Organization):
    tenant = await blue(organization)
    member = await new_person(organization)
    there = {"X-Tenant-ID": "blue"}
    assert (await member.ask("GET", PROFILE, headers=there))[0] == 403
    for _ in range(2):
        assert (await organization.ask("PUT", f"{TENANTS}/{tenant}/members/{member.id}"))[0] == 204
    for named in ("blue", tenant):
        _, profile = await member.ask("GET", PROFILE, headers={"X-Tenant-ID": named})
        assert profile["tenant_id"] == tenant
    assert len((await member.ask("GET", TENANTS))[1]["tenants"]) == 2
    _, made = await member.ask("POST", "/api/v1/api-keys", {"name": "there"}, headers=there)
    assert made["tenant_id"] == tenant
    assert not await gone(mesh, made["api_key"])
    assert (await organization.ask("DELETE", f"{TENANTS}/{tenant}/members/{member.id}"))[0] == 204
    assert (await member.ask("GET", PROFILE, headers=there))[0] == 403
    assert await gone(mesh, made["api_key"])
    assert (await member.ask("GET", PROFILE))[0] == 200
    status, problem = await organization.ask("DELETE", f"{TENANTS}/{tenant}/members/{member.id}")
    assert (status, problem["code"]) == (404, "membership_not_found")


async def test_an_administrators_keys_elsewhere_stop_with_the_role_until_let_in_again(
    mesh: Mesh, organization: Organization
):
    tenant = await blue(organization)
    administrator = await new_person(organization, Role.ADMIN)
    _, made = await administrator.ask("POST", "/api/v1/api-keys", {"name": "there", "tenant_id": "blue"})
    assert not await gone(mesh, made["api_key"])
    await organization.ask("PATCH", f"/api/v1/users/{administrator.id}", {"role": "member"})
    assert await gone(mesh, made["api_key"])
    await organization.ask("PUT", f"{TENANTS}/{tenant}/members/{administrator.id}")
    assert not await gone(mesh, made["api_key"])


async def test_an_invitation_to_start_in_a_tenant_goes_with_it(organization: Organization):
    tenant = await blue(organization)
    invitation = {"email": "bo@example.com", "name": "Bo", "tenant_id": "blue"}
    assert (await organization.ask("POST", "/api/v1/auth/users/invite", invitation))[0] == 201
    assert (await organization.ask("DELETE", f"{TENANTS}/{tenant}"))[0] == 204
    assert (await organization.ask("GET", "/api/v1/auth/invitations"))[1]["count"] == 0


async def test_a_removed_tenants_keys_and_credentials_end_at_once(
    mesh: Mesh, organization: Organization, github: GitHub, rows: Rows
):
    tenant = await blue(organization)
    key = await organization.new_key(tenant_id=tenant)
    agent = await organization.new_key(tenant_id="blue", key_type="agent")
    await organization.connect(github, "ghp_adas_token_000000", key=key)
    administrator = await new_person(organization, Role.ADMIN)
    there = {"X-Tenant-ID": "blue"}
    assert (await administrator.ask("GET", PROFILE, headers=there))[0] == 200
    assert not (await organization.call("github.get_me", key=key)).get("isError")
    assert (await organization.ask("DELETE", f"{TENANTS}/{tenant}"))[0] == 204
    assert await gone(mesh, key)
    assert await gone(mesh, agent)
    assert (await administrator.ask("GET", PROFILE, headers=there))[0] == 403
    await mesh.app.verifier.uses.flush()
    left = await rows(organization)
    assert "credentials" not in left
    assert (left["tenants"], left["api_keys"], left["route_keys"], left["live_keys"]) == (1, 1, 1, 1)
    assert (await organization.ask("DELETE", f"{TENANTS}/{tenant}"))[0] == 404
    assert await blue(organization) != tenant


async def test_the_first_tenant_stays(organization: Organization):
    status, problem = await organization.ask("DELETE", f"{TENANTS}/{organization.id}")
    assert (status, problem["code"]) == (409, "first_tenant")
    assert (await organization.ask("GET", PROFILE))[0] == 200


async def started(organization: Organization, tenant: str, role: Role = Role.MEMBER) -> Any:
    person = await new_person(organization, role)
    await person.do(lambda tx: tx.run("update users set tenant_id = $1 where id = $2", tenant, person.id))
    return await person.again()


async def test_nobody_is_left_without_a_tenant_or_let_into_another_unasked(organization: Organization):
    tenant, green = await blue(organization), await blue(organization, "green")
    member = await started(organization, tenant)
    administrator = await started(organization, tenant, Role.ADMIN)
    status, problem = await organization.ask("DELETE", f"{TENANTS}/{tenant}")
    assert (status, problem["code"], problem["user_ids"]) == (409, "tenant_has_people", [str(member.id)])
    assert (await member.ask("GET", PROFILE))[1]["tenant_id"] == tenant
    await organization.ask("PUT", f"{TENANTS}/{green}/members/{member.id}")
    assert (await organization.ask("DELETE", f"{TENANTS}/{tenant}"))[0] == 204
    assert (await member.ask("GET", PROFILE))[1]["tenant_id"] == green
    assert (await administrator.ask("GET", PROFILE))[1]["tenant_id"] == organization.id


async def test_another_organizations_tenant_and_people_do_not_exist(mesh: Mesh, organization: Organization):
    theirs = await mesh.organization()
    tenant, foreign = await blue(organization), await blue(theirs)
    stranger, member = await new_person(theirs), await new_person(organization)
    for path in (
        f"{TENANTS}/{foreign}/members/{member.id}",
        f"{TENANTS}/{tenant}/members/{stranger.id}",
        f"{TENANTS}/{foreign}/members/{stranger.id}",
    ):
        assert (await organization.ask("PUT", path))[0] == 404
    assert (await organization.ask("DELETE", f"{TENANTS}/{foreign}"))[0] == 404
    assert (await theirs.ask("DELETE", f"{TENANTS}/{foreign}"))[0] == 204


async def test_an_administrator_who_is_just_demoted_makes_no_tenant(organization: Organization):
    administrator = await new_person(organization, Role.ADMIN)

    async def demote(tx: Any) -> None:
        await tx.run("select from organizations for no key update")
        asked = asyncio.create_task(administrator.ask("POST", TENANTS, {"name": "Late", "slug": "late"}))
        await asyncio.sleep(0.1)
        assert not asked.done()
        await tx.run("update users set role = 'member' where id = $1", administrator.id)
        results.append(asked)

    results: list[asyncio.Task[Any]] = []
    await administrator.do(demote)
    status, problem = await results[0]
    assert (status, problem["required_scopes"]) == (403, ["tenants:write"])
