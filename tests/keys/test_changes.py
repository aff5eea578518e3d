"""PATCH of a key: on the next request, at one version, never beyond one's own, and never another person's power."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.errors import InvalidKey
from devmesh.keys.model import KeyChange
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Mesh, Organization

PATH = "/api/v1/api-keys"
PROFILE = "/api/v1/auth/profile"
CONTEXTS = "/api/v1/contexts"


async def made(organization: Organization, key: str | None = None, **fields: Any) -> dict[str, Any]:
    status, body = await organization.ask("POST", PATH, {"name": "one", **fields}, key=key)
    assert status == 201, body
    return body


async def ends(organization: Organization, path: str) -> None:
    """Have the key end in a moment, and return after that."""
    for seconds in (1, 5, 25):  # a time that has passed before it arrives is none to end at
        soon = datetime.now(UTC) + timedelta(seconds=seconds)
        status, _ = await organization.ask("PATCH", path, {"expires_at": soon.isoformat()})
        if status == 200:
            break
    assert status == 200
    await asyncio.sleep((soon - datetime.now(UTC)).total_seconds() + 0.1)


async def tag_of(organization: Organization, key_id: str) -> str:
    headers = {"Authorization": f"Bearer {organization.key}"}
    async with organization.mesh.http.get(f"{PATH}/{key_id}", headers=headers) as reply:
        return reply.headers["ETag"]


async def test_a_key_is_shown_with_its_etag_under_both_addresses(organization: Organization):
    one = await made(organization)
    shown = [await organization.ask("GET", f"{where}/{one['id']}") for where in (PATH, "/api/v1/auth/keys")]
    assert shown[0] == shown[1]
    _, key = shown[0]
    assert (key["id"], key["name"], key["is_active"], key["usage_count"]) == (one["id"], "one", True, 0)
    assert await tag_of(organization, one["id"]) == '"1"'


async def test_a_change_acts_on_the_next_request(organization: Organization):
    one = await made(organization)
    key, path = one["api_key"], f"{PATH}/{one['id']}"
    assert (await organization.ask("GET", CONTEXTS, key=key))[0] == 200
    assert (await organization.ask("PATCH", path, {"scopes": ["tools:read"]}))[1]["scopes"] == ["tools:read"]
    assert (await organization.ask("GET", CONTEXTS, key=key))[0] == 403
    await organization.ask("PATCH", path, {"scopes": ["read", "write"]})
    assert (await organization.ask("GET", CONTEXTS, key=key))[0] == 200
    await organization.ask("PATCH", path, {"allowed_ips": ["10.0.0.0/8"]})
    assert (await organization.ask("GET", CONTEXTS, key=key))[1]["code"] == "address_not_allowed"
    await organization.ask("PATCH", path, {"allowed_ips": None})
    assert (await organization.ask("GET", CONTEXTS, key=key))[0] == 200
    await organization.ask("PATCH", path, {"rate_limit": 3, "rate_window": 3600})
    headers = {"Authorization": f"Bearer {key}"}
    async with organization.mesh.http.get(CONTEXTS, headers=headers) as reply:
        assert reply.headers["X-RateLimit-Limit"] == "3"
    await ends(organization, path)
    assert (await organization.ask("GET", CONTEXTS, key=key))[0] == 401


async def test_what_is_left_out_stays_and_the_record_names_what_changed(organization: Organization):
    one = await made(organization, scopes=["contexts:read"], rate_limit=7, allowed_services=["github"])
    _, before = await organization.ask("GET", f"{PATH}/{one['id']}")
    status, after = await organization.ask("PATCH", f"{PATH}/{one['id']}", {"name": " two "})
    assert (status, after) == (200, {**before, "name": "two"})
    _, page = await organization.ask("GET", "/api/v1/audit?action=key.change")
    assert [(entry["target"], entry["details"]) for entry in page["entries"]] == [(one["id"], {"fields": ["name"]})]
    status, problem = await organization.ask("PATCH", f"{PATH}/{one['id']}", {"key_type": "admin"})
    assert (status, problem["errors"][0]["field"]) == (422, "key_type")


async def test_of_fifty_changes_at_one_version_one_is_made(organization: Organization):
    one = await made(organization)
    headers = {"If-Match": await tag_of(organization, one["id"])}
    replies = await asyncio.gather(
        *(organization.ask("PATCH", f"{PATH}/{one['id']}", {"name": f"n{n}"}, headers=headers) for n in range(50))
    )
    won = [body["name"] for status, body in replies if status == 200]
    assert sorted(status for status, _ in replies) == [200] + [412] * 49
    assert (await organization.ask("GET", f"{PATH}/{one['id']}"))[1]["name"] == won[0]
    assert await tag_of(organization, one["id"]) == '"2"'


async def test_an_ended_key_is_changed_no_more(mesh: Mesh, organization: Organization):
    one, two = await made(organization), await made(organization, expires_at="2999-01-01T00:00:00Z")
    await organization.ask("DELETE", f"{PATH}/{one['id']}")
    of = UUID(organization.id)
    async with mesh.app.database.acting(of, of) as tx:
        await tx.run("update api_keys set expires_at = now() where id = $1", UUID(two["id"]))
    for key_id in (one["id"], two["id"]):
        status, problem = await organization.ask("PATCH", f"{PATH}/{key_id}", {"expires_at": "2999-01-01T00:00:00Z"})
        assert (status, problem["code"]) == (409, "key_ended")
        assert (await organization.ask("POST", f"{PATH}/{key_id}/rotate"))[1]["code"] == "key_ended"
        assert (await organization.ask("GET", f"{PATH}/{key_id}"))[1]["is_active"] is False


async def test_a_weaker_key_changes_only_downwards(organization: Organization):
    strong = await made(organization, scopes=["read", "write"])
    weak = await organization.new_key(key_type="user", scopes=["keys:write", "keys:read"], rate_limit=10)
    path = f"{PATH}/{strong['id']}"
    assert (await organization.ask("PATCH", path, {"scopes": ["read"], "rate_limit": 50}, key=weak))[0] == 200
    for body in (
        {"scopes": ["write"]},
        {"rate_limit": 51},
        {"rate_limit": 101},
        {"scopes": ["read", "contexts:write"]},
    ):
        status, problem = await organization.ask("PATCH", path, body, key=weak)
        assert (status, problem["code"]) == (403, "beyond_your_own")
    admin = await made(organization, key_type="admin")
    assert (await organization.ask("PATCH", f"{PATH}/{admin['id']}", {"name": "x"}, key=weak))[0] == 404


async def test_nobody_gives_more_than_the_types_limit(organization: Organization):
    one = await made(organization)
    status, problem = await organization.ask("PATCH", f"{PATH}/{one['id']}", {"rate_limit": 101})
    assert (status, problem["errors"][0]["field"]) == (422, "rate_limit")
    status, problem = await organization.ask("PATCH", f"{PATH}/{one['id']}", {"rate_window": 1})
    assert (status, problem["errors"][0]["field"]) == (422, "rate_limit")


async def test_a_colleagues_key_is_an_administrators_to_change_and_an_owners_is_an_owners(organization: Organization):
    owners = await made(organization)
    member, administrator = await new_person(organization), await new_person(organization, Role.ADMIN)
    _, theirs = await member.ask("POST", PATH, {"name": "theirs"})
    other = await new_person(organization)
    assert (await other.ask("PATCH", f"{PATH}/{theirs['id']}", {"name": "mine"}))[0] == 404
    assert (await other.ask("GET", f"{PATH}/{theirs['id']}"))[0] == 404
    assert (await administrator.ask("PATCH", f"{PATH}/{theirs['id']}", {"name": "seen"}))[0] == 200
    status, problem = await administrator.ask("PATCH", f"{PATH}/{owners['id']}", {"scopes": ["admin"]})
    assert (status, problem["code"]) == (403, "beyond_your_own")
    gate = await made(organization, key_type="gateway")
    body = {"allowed_ips": ["0.0.0.0/0"]}
    assert (await administrator.ask("PATCH", f"{PATH}/{gate['id']}", body))[0] == 403
    assert (await organization.ask("PATCH", f"{PATH}/{gate['id']}", body))[0] == 200


@pytest.mark.parametrize(
    ("role", "key_type", "then"), [(Role.ADMIN, "admin", Role.MEMBER), (Role.OWNER, "gateway", Role.ADMIN)]
)
async def test_whoever_is_no_longer_what_a_key_takes_neither_changes_nor_rotates_it(
    organization: Organization, role: Role, key_type: str, then: Role
):
    # Otherwise they would keep a key of today's making for the day on which they are promoted again.
    person = await new_person(organization, role)
    body = {"name": "one", "key_type": key_type, "scopes": ["tools:read"]}
    _, key = await person.ask("POST", PATH, body)
    assert (await organization.ask("PATCH", f"/api/v1/users/{person.id}", {"role": then}))[0] == 200
    for method, path, change in (("PATCH", "", {"name": "two"}), ("POST", "/rotate", None)):
        status, problem = await person.ask(method, f"{PATH}/{key['id']}{path}", change)
        assert (status, problem["code"]) == (403, "beyond_your_own")
    assert (await person.ask("DELETE", f"{PATH}/{key['id']}"))[0] == 200


async def test_a_bounded_key_opens_no_gateway_key_beyond_its_own_bounds(organization: Organization):
    gate = await made(organization, key_type="gateway")
    key = await organization.new_key(key_type="admin", allowed_ips=["127.0.0.1"])
    status, problem = await organization.ask("PATCH", f"{PATH}/{gate['id']}", {"allowed_ips": ["10.0.0.1"]}, key=key)
    assert (status, problem["code"]) == (403, "beyond_your_own")
    for allowed in (["127.0.0.1"], None):
        body = {"allowed_ips": allowed}
        assert (await organization.ask("PATCH", f"{PATH}/{gate['id']}", body, key=key))[0] == 200
    _, fresh = await organization.ask("POST", PATH, {"name": "gate", "key_type": "gateway"}, key=key)
    assert fresh["info"]["allowed_ips"] is None


@pytest.mark.parametrize(
    "statement",
    [
        "update api_keys set revoked_at = now() where id = $1",
        "update api_keys set expires_at = now() where id = $1",
        "update api_keys set rotation = rotation + 1, rotated_at = now() where id = $1",
    ],
)
async def test_a_key_that_ends_this_moment_changes_and_rotates_nothing(
    mesh: Mesh, organization: Organization, statement: str
):
    one = await made(organization)
    key = await organization.new_key(key_type="user")
    caller = (await mesh.app.verifier.verify(key)).caller("127.0.0.1", "")
    of, key_id = UUID(organization.id), UUID(one["id"])
    async with mesh.app.database.acting(of, of) as tx:
        await tx.run(statement, caller.key_id)
        doing = [
            asyncio.create_task(mesh.app.keys.change(caller, key_id, KeyChange(name="survivor"), None)),
            asyncio.create_task(mesh.app.keys.rotate(caller, key_id, 0, None)),
        ]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in doing)
    assert [type(error) for error in await asyncio.gather(*doing, return_exceptions=True)] == [InvalidKey] * 2
    assert (await organization.ask("GET", PROFILE, key=one["api_key"]))[0] == 200


async def test_two_keys_that_change_each_other_at_once_do_not_wait_for_good(organization: Organization):
    one, two = await made(organization), await made(organization)
    pairs = [(one["api_key"], two["id"]), (two["api_key"], one["id"])] * 20
    replies = await asyncio.gather(
        *(
            organization.ask("PATCH", f"{PATH}/{key_id}", {"name": f"n{n}"}, key=key)
            for n, (key, key_id) in enumerate(pairs)
        )
    )
    assert {status for status, _ in replies} == {200}


async def test_all_that_changes_and_ends_a_key_at_once_is_done_in_one_order(organization: Organization):
    for _ in range(10):
        one = await made(organization)
        path, leaked = f"{PATH}/{one['id']}", {"key": one["api_key"]}
        replies = await asyncio.gather(
            *(organization.ask("POST", f"{path}/rotate", {"grace_seconds": 60}) for _ in range(3)),
            organization.ask("POST", "/api/v1/keys/leaked", leaked),
            *(organization.ask("PATCH", path, {"name": f"n{n}"}) for n in range(3)),
            *(organization.ask("DELETE", path) for _ in range(2)),
        )
        assert {status for status, _ in replies} <= {200, 202, 409}, [body for status, body in replies if status >= 500]
        assert (await organization.ask("GET", path))[1]["revoked_at"]


async def test_an_agents_place_is_free_when_its_key_ends_by_a_change(organization: Organization):
    agents = [await made(organization, key_type="agent") for _ in range(10)]
    assert (await organization.ask("POST", PATH, {"name": "one more", "key_type": "agent"}))[0] == 409
    await ends(organization, f"{PATH}/{agents[0]['id']}")
    assert (await organization.ask("POST", PATH, {"name": "one more", "key_type": "agent"}))[0] == 201
