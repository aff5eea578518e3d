"""In which tenant a key is made, and tenants that come to be with their first key."""

from __future__ import annotations

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from devmesh.access import Role
from devmesh.app import App, build
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.directory.model import TenantNotFound
from devmesh.keys.model import NewKey
from devmesh.settings import Settings
from running import Mesh, Organization
from sessions_people import new_person

KEYS = "/api/v1/api-keys"
TENANTS = "/api/v1/tenants"
PROFILE = "/api/v1/auth/profile"
GUIDES = sorted(Path(__file__).parents[2].parent.glob("*/spec/authentication-patterns.md"))


async def mint(organization: Organization, tenant: str, key: str | None = None, **fields: Any) -> tuple[int, Any]:
    return await organization.ask("POST", KEYS, {"name": "one", "tenant_id": tenant, **fields}, key=key)


async def tenants(organization: Organization) -> list[str]:
    return [entry["slug"] for entry in (await organization.ask("GET", TENANTS))[1]["tenants"]]


async def test_a_new_slug_becomes_a_tenant_with_its_first_key(organization: Organization):
    status, made = await mint(organization, "Monitoring-Tenant")
    assert (status, made["tenant_created"]) == (201, True)
    _, profile = await organization.ask("GET", PROFILE, key=made["api_key"])
    assert (profile["tenant_id"], profile["tenant"]["slug"]) == (made["tenant_id"], "monitoring-tenant")
    for named in ("monitoring-tenant", made["tenant_id"], made["tenant_id"].upper()):
        status, again = await mint(organization, named)
        assert (status, again["tenant_created"], again["tenant_id"]) == (201, False, made["tenant_id"])
    status, own = await mint(organization, organization.slug)
    assert (own["tenant_id"], own["tenant_created"]) == (organization.id, False)
    assert await tenants(organization) == [organization.slug, "monitoring-tenant"]
    _, page = await organization.ask("GET", "/api/v1/audit?action=tenant.create")
    assert [entry["target"] for entry in page["entries"]] == [made["tenant_id"]]


@pytest.mark.parametrize("key_type", ["user", "agent"])
async def test_of_twenty_at_once_one_makes_the_tenant(organization: Organization, key_type: str):
    most = 20 if key_type == "user" else 10
    replies = await asyncio.gather(*[mint(organization, "blue", key_type=key_type) for _ in range(20)])
    made = [body for status, body in replies if status == 201]
    assert len(made) == most
    assert sum(body["tenant_created"] for body in made) == 1
    assert len({body["tenant_id"] for body in made}) == 1
    assert len({body["api_key"] for body in made}) == most
    _, page = await organization.ask("GET", "/api/v1/audit?action=tenant.create")
    assert page["count"] == 1


async def test_what_was_refused_makes_no_tenant(organization: Organization):
    for fields, status in (({"key_type": "root"}, 422), ({"scopes": ["foo:bar"]}, 422), ({"rate_limit": 10**9}, 422)):
        assert (await mint(organization, "blue", **fields))[0] == status
    assert await tenants(organization) == [organization.slug]


@pytest.mark.parametrize("named", ["$service-tenant", "a", "-blue", "blue green", "bl\u0443e", "x" * 51, ""])
async def test_what_is_neither_id_nor_slug_is_422(organization: Organization, named: str):
    status, problem = await mint(organization, named)
    assert (status, [error["field"] for error in problem["errors"]]) == (422, ["tenant_id"])


async def test_an_id_never_becomes_a_tenant_and_a_foreign_one_is_refused(mesh: Mesh, organization: Organization):
    theirs = await mesh.organization()
    for named in (theirs.id, str(uuid4()), uuid4().hex, f"{{{uuid4()}}}", uuid4().urn):
        status, problem = await mint(organization, named)
        assert (status, problem["error"]) == (403, "Tenant Not Allowed")
    assert await tenants(organization) == [organization.slug]
    assert (await mint(organization, theirs.slug))[1]["tenant_id"] != theirs.id


@pytest.mark.parametrize(
    "fields",
    [{"key_type": "user"}, {"key_type": "admin", "scopes": ["read", "keys:write"]}],
    ids=lambda f: f["key_type"],
)
async def test_a_weaker_key_makes_keys_in_its_own_tenant_alone(organization: Organization, fields: dict[str, Any]):
    await mint(organization, "blue")
    key = await organization.new_key(**fields)
    for named in ("blue", "new-one", str(uuid4()), "$x"):
        status, problem = await mint(organization, named, key, scopes=["read"])
        assert (status, problem["code"]) == (403, "tenant_not_allowed")
        # Whether there is such a tenant is not told; what makes one is.
        assert (problem["required_scopes"], "tenants:write" in problem["detail"]) == (["tenants:write"], True)
    assert (await mint(organization, organization.slug, key, scopes=["read"]))[0] == 201
    assert await tenants(organization) == [organization.slug, "blue"]


async def test_a_members_admin_key_makes_no_tenant(organization: Organization):
    key = await organization.person(Role.MEMBER)
    assert (await mint(organization, "blue", key))[0] == 403
    assert await tenants(organization) == [organization.slug]


async def test_a_revoked_key_makes_neither_key_nor_tenant(organization: Organization):
    key = await organization.new_key(key_type="admin")
    _, listed = await organization.ask("GET", KEYS)
    key_id = next(entry["id"] for entry in listed["api_keys"] if entry["key_prefix"] == key[:8])
    replies = await asyncio.gather(
        organization.ask("DELETE", f"{KEYS}/{key_id}"), *[mint(organization, f"late-{i}", key) for i in range(10)]
    )
    assert {status for status, _ in replies} <= {200, 201, 401}
    assert (await mint(organization, "later", key))[0] == 401
    made = sum(status == 201 for status, _ in replies[1:])
    assert len(await tenants(organization)) == 1 + made


async def test_a_session_makes_keys_in_the_tenant_that_it_acts_in(organization: Organization):
    _, made = await mint(organization, "blue")
    member = await new_person(organization)
    status, problem = await member.ask("POST", KEYS, {"name": "there", "tenant_id": "blue"})
    assert (status, problem["code"]) == (403, "tenant_not_allowed")
    await organization.ask("PUT", f"{TENANTS}/{made['tenant_id']}/members/{member.id}")
    _, there = await member.ask("POST", KEYS, {"name": "there"}, headers={"X-Tenant-ID": "blue"})
    _, named = await member.ask("POST", KEYS, {"name": "there", "tenant_id": "blue"})
    _, own = await member.ask("POST", KEYS, {"name": "here"})
    assert [body["tenant_id"] for body in (there, named, own)] == [made["tenant_id"]] * 2 + [organization.id]


async def test_keys_of_another_tenant_are_listed_and_revoked_by_an_administrator_alone(organization: Organization):
    _, made = await mint(organization, "blue", name="there")
    _, listed = await organization.ask("GET", f"{KEYS}?tenant_id=blue")
    assert [entry["name"] for entry in listed["api_keys"]] == ["there"]
    assert (await organization.ask("GET", f"{KEYS}?tenant_id=nowhere"))[0] == 403
    weaker = await organization.new_key(key_type="user")
    assert (await organization.ask("GET", f"{KEYS}?tenant_id=blue", key=weaker))[0] == 403
    assert (await organization.ask("DELETE", f"{KEYS}/{made['id']}", key=weaker))[0] == 404
    assert (await organization.ask("GET", PROFILE, key=made["api_key"]))[0] == 200
    assert (await organization.ask("DELETE", f"{KEYS}/{made['id']}"))[0] == 200
    assert (await organization.ask("GET", PROFILE, key=made["api_key"]))[0] == 401


@pytest.fixture
async def strict(
    postgres: Embedded, master_key: bytes, ring: KeyRing, mesh: Mesh, tmp_path: Path
) -> AsyncIterator[App]:
    """A program that makes no tenants with keys, on the same database."""
    del ring, mesh
    settings = Settings.load({"DEVMESH_DATA_DIR": str(tmp_path), "DEVMESH_TENANT_AUTOCREATE": "false"})
    app = await build(settings, master_key, postgres.app_dsn)
    yield app
    await app.close()


async def test_where_it_is_switched_off_a_new_slug_is_not_found(strict: App, organization: Organization):
    caller = (await strict.verifier.verify(organization.key)).caller("", "")
    with pytest.raises(TenantNotFound):
        await strict.keys.create(caller, NewKey(name="one", tenant_id="blue"))
    assert await tenants(organization) == [organization.slug]
    await organization.ask("POST", TENANTS, {"name": "Blue", "slug": "blue"})
    issued = await strict.keys.create(caller, NewKey(name="one", tenant_id="blue"))
    assert not issued.tenant_created


@pytest.mark.skipif(not GUIDES, reason="there is no copy of the guide beside this checkout")
@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl")
@pytest.mark.parametrize("how", ["key", "session"])
async def test_the_published_guides_migration_loop_works_as_printed(organization: Organization, how: str):
    administrator = await new_person(organization, Role.ADMIN)
    credential = organization.key if how == "key" else administrator.tokens.access_token
    printed = re.search(r"```bash\n(# For each service using basic auth\n.*?)```", GUIDES[0].read_text(), re.DOTALL)
    assert printed
    script = printed[1].replace("http://localhost:8081", organization.mesh.url)
    for created in (True, False):
        shell = await asyncio.create_subprocess_exec(
            "bash", "-c", script, env={"ADMIN_JWT": credential, "PATH": "/usr/bin:/bin"}, stdout=-1, stderr=-3
        )
        output = (await shell.communicate())[0].decode()
        assert output.count('"api_key"') == 3
        assert output.count(f'"tenant_created":{str(created).lower()}') == 3
    names = ("ai-agent-tenant", "monitoring-tenant", "analytics-tenant")
    assert await tenants(organization) == [organization.slug, *names]
    _, listed = await organization.ask("GET", f"{KEYS}?tenant_id=analytics-tenant")
    assert [entry["scopes"] for entry in listed["api_keys"]] == [["contexts:read", "contexts:write"]] * 2
