"""The organization itself: what it is called, asks for, uses, and how it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from administration.conftest import Rows, gone
from devmesh.access import Role
from devmesh.app import App
from devmesh.audit.model import NIL
from devmesh.demo.github import GitHub
from running import Mesh, Organization
from sessions_people import Person, new_person

ORGANIZATION = "/api/v1/organization"
POLICIES = f"{ORGANIZATION}/policies"


@pytest.fixture
async def owner(organization: Organization) -> Person:
    return await new_person(organization, Role.OWNER)


async def test_the_organization_is_shown_and_renamed_by_its_owner(organization: Organization):
    _, shown = await organization.ask("GET", ORGANIZATION)
    assert (shown["id"], shown["slug"], shown["plan"]) == (organization.id, organization.slug, "free")
    assert shown["policies"] == {
        "require_mfa": False,
        "password_policy": "standard",
        "max_key_age_days": None,
        "passthrough": True,
    }
    assert (await organization.ask("PATCH", ORGANIZATION, {"name": " Blue "}))[1]["name"] == "Blue"
    assert (await organization.ask("GET", ORGANIZATION))[1]["name"] == "Blue"


@pytest.mark.parametrize("body", [{"slug": "other"}, {"plan": "premium"}, {"name": "a\u2028b"}, {"name": 7}])
async def test_nobody_changes_the_slug_or_the_plan_over_http(organization: Organization, body: dict[str, Any]):
    status, problem = await organization.ask("PATCH", ORGANIZATION, body)
    assert (status, problem["errors"][0]["field"]) == (422, next(iter(body)))


async def test_an_administrator_reads_and_does_not_rename(organization: Organization):
    administrator = await new_person(organization, Role.ADMIN)
    assert (await administrator.ask("GET", ORGANIZATION))[0] == 200
    status, problem = await administrator.ask("PATCH", ORGANIZATION, {"name": "Mine"})
    assert (status, problem["required_scopes"]) == (403, ["organization:write"])


async def test_policies_are_set_whole(organization: Organization):
    wanted = {"require_mfa": False, "password_policy": "nist"}
    kept = {**wanted, "max_key_age_days": None, "passthrough": True}
    assert await organization.ask("PUT", POLICIES, wanted) == (200, kept)
    assert await organization.ask("GET", POLICIES) == (200, kept)
    status, problem = await organization.ask("PUT", POLICIES, {"password_policy": "standard"})
    assert (status, problem["errors"][0]["field"]) == (422, "require_mfa")
    assert (await organization.ask("GET", POLICIES))[1] == kept


async def test_the_age_of_keys_stays_when_it_is_left_out_and_is_lifted_by_null(organization: Organization):
    others = {"require_mfa": False, "password_policy": "standard"}
    assert (await organization.ask("PUT", POLICIES, {**others, "max_key_age_days": 90}))[1]["max_key_age_days"] == 90
    assert (await organization.ask("PUT", POLICIES, others))[1]["max_key_age_days"] == 90
    assert (await organization.ask("PUT", POLICIES, {**others, "max_key_age_days": None}))[1] == {
        **others,
        "max_key_age_days": None,
        "passthrough": True,
    }
    for absurd in (0, -1, 10**9, 1.5, "90"):
        status, problem = await organization.ask("PUT", POLICIES, {**others, "max_key_age_days": absurd})
        assert (status, problem["errors"][0]["field"]) == (422, "max_key_age_days")


async def test_a_policy_binds_live_sessions_at_once(organization: Organization):
    member = await new_person(organization)
    assert (await member.ask("GET", "/api/v1/users"))[0] == 200
    await organization.ask("PUT", POLICIES, {"require_mfa": True, "password_policy": "standard"})
    assert (await member.ask("GET", "/api/v1/users"))[0] == 403


async def test_a_member_neither_reads_nor_sets_policies(organization: Organization):
    member = await new_person(organization)
    assert (await member.ask("GET", POLICIES))[0] == 403
    body = {"require_mfa": False, "password_policy": "standard"}
    assert (await member.ask("PUT", POLICIES, body))[0] == 403


async def test_usage_counts_over_all_tenants_beside_the_plan(organization: Organization, github: GitHub):
    await new_person(organization)
    await organization.ask("POST", "/api/v1/users/invite", {"email": "bo@example.com", "name": "Bo"})
    await organization.new_key(key_type="agent", tenant_id="blue")
    revoked = await organization.new_key(key_type="agent")
    _, keys = await organization.ask("GET", "/api/v1/api-keys")
    key_id = next(key["id"] for key in keys["api_keys"] if key["key_prefix"] == revoked[:8])
    await organization.ask("DELETE", f"/api/v1/api-keys/{key_id}")
    there = await organization.new_key(tenant_id="blue")
    await organization.connect(github, "ghp_adas_token_000000", key=there)
    for key in (there, organization.key):
        assert (await organization.ask("POST", "/api/v1/contexts", {"name": "notes"}, key=key))[0] == 201
    assert (await organization.ask("GET", f"{ORGANIZATION}/usage"))[1] == {
        "plan": "free",
        "users": {"used": 2, "limit": 5},
        "invitations": {"used": 1, "limit": None},
        "agents": {"used": 1, "limit": 10},
        "keys": {"used": 3, "limit": 1000},
        "credentials": {"used": 1, "limit": None},
        "contexts": {"used": 2, "limit": 1000},
        "tenants": {"used": 2, "limit": 500},
    }


async def test_only_a_logged_in_owner_who_names_the_slug_removes_it(organization: Organization, owner: Person):
    named = {"confirm": organization.slug}
    status, problem = await organization.ask("DELETE", ORGANIZATION, named)
    assert (status, problem["code"]) == (403, "session_required")
    administrator = await new_person(organization, Role.ADMIN)
    assert (await administrator.ask("DELETE", ORGANIZATION, named))[1]["required_scopes"] == ["organization:write"]
    for wrong in ({"confirm": "other"}, {"confirm": organization.slug.upper()}, {"confirm": True}, {}):
        status, problem = await owner.ask("DELETE", ORGANIZATION, wrong)
        assert (status, problem["errors"][0]["field"]) == (422, "confirm")
    assert (await owner.ask("DELETE", ORGANIZATION))[0] in (400, 422)
    assert await owner.alive()


async def test_everything_of_a_removed_organization_ends_at_once_but_its_audit(
    mesh: Mesh, second: App, organization: Organization, owner: Person, github: GitHub, rows: Rows
):
    member = await new_person(organization)
    there = await organization.new_key(tenant_id="blue", key_type="agent")
    await organization.connect(github, "ghp_adas_token_000000", key=organization.key)
    await organization.connect(github, "ghp_bos_token_1111111", owner="organization")
    await organization.ask("POST", "/api/v1/users/invite", {"email": "bo@example.com", "name": "Bo"})
    held = [organization.key, there, member.tokens.access_token, owner.tokens.access_token]
    assert not any([await gone(mesh, key) for key in held])
    await second.verifier.verify(there)
    recorded = (await rows(organization))["audit_events"]
    assert (await owner.ask("DELETE", ORGANIZATION, {"confirm": organization.slug}))[0] == 204
    assert all([await gone(mesh, key) for key in held])
    assert (await member.refresh())[0] == 401
    async with asyncio.timeout(10):
        while second.verifier._grants:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    await mesh.app.verifier.uses.flush()
    await mesh.app.audit.flush()
    left = await rows(organization)
    assert set(left) == {"audit_events"}
    assert left["audit_events"] > recorded
    assert not mesh.app.data_keys._unwrapped or not any(
        organization.id in map(str, opened[3]) for opened in mesh.app.data_keys._unwrapped.values()
    )


async def test_the_operator_has_a_record_of_an_organization_that_is_gone(
    mesh: Mesh, organization: Organization, owner: Person
):
    assert (await owner.ask("DELETE", ORGANIZATION, {"confirm": organization.slug}))[0] == 204
    await mesh.app.audit.flush()
    async with mesh.app.database.acting(NIL) as tx:
        kept = await tx.value("select count(*) from audit_events where record like '%' || $1 || '%'", organization.id)
    assert kept == 1


async def test_the_slug_of_a_removed_organization_is_free_again(mesh: Mesh, organization: Organization, owner: Person):
    await owner.ask("DELETE", ORGANIZATION, {"confirm": organization.slug})
    successor = await mesh.organization(organization.slug)
    assert successor.id != organization.id
    assert (await successor.ask("GET", "/api/v1/audit"))[1]["count"] == 1


async def test_an_organization_is_removed_once(organization: Organization, owner: Person):
    replies = await asyncio.gather(
        *[owner.ask("DELETE", ORGANIZATION, {"confirm": organization.slug}) for _ in range(20)]
    )
    assert sorted(status for status, _ in replies) == [204] + [401] * 19
