"""A key's new secret: exactly one lives afterwards, one more during a grace, and it is shown to its person alone."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from running import Organization
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Mesh

PATH = "/api/v1/api-keys"
PROFILE = "/api/v1/auth/profile"


async def made(organization: Organization, key: str | None = None, **fields: Any) -> dict[str, Any]:
    status, body = await organization.ask("POST", PATH, {"name": "one", **fields}, key=key)
    assert status == 201, body
    return body


async def rotate(organization: Organization, key_id: str, body: Any = None, **more: Any) -> tuple[int, Any]:
    return await organization.ask("POST", f"{PATH}/{key_id}/rotate", body, **more)


async def live(organization: Organization, *keys: str) -> list[str]:
    """Return which of the keys are accepted."""
    replies = [(key, (await organization.ask("GET", PROFILE, key=key))[0]) for key in keys]
    assert {status for _, status in replies} <= {200, 401, 429}
    return [key for key, status in replies if status != 401]


async def test_a_rotation_answers_as_a_creation_and_keeps_the_id(organization: Organization):
    one = await made(organization, allowed_services=["github"])
    status, after = await rotate(organization, one["id"])
    assert (status, after["id"], after["tenant_id"]) == (200, one["id"], one["tenant_id"])
    assert after["info"] == {**one["info"], "key_prefix": after["api_key"][:8]}
    assert after["message"] == "API key rotated successfully. Save this key - it will not be shown again!"
    assert await live(organization, one["api_key"], after["api_key"]) == [after["api_key"]]
    headers = {"Authorization": f"Bearer {organization.key}"}
    async with organization.mesh.http.post(f"/api/v1/auth/keys/{one['id']}/rotate", headers=headers) as reply:
        again = await reply.json()
        assert reply.headers["ETag"] == '"3"'
    assert await live(organization, one["api_key"], after["api_key"], again["api_key"]) == [again["api_key"]]
    _, page = await organization.ask("GET", "/api/v1/audit?action=key.rotate")
    assert [entry["target"] for entry in page["entries"]] == [one["id"]] * 2


async def test_of_fifty_rotations_at_one_version_exactly_one_wins(organization: Organization):
    one = await made(organization)
    replies = await asyncio.gather(*(rotate(organization, one["id"], headers={"If-Match": '"1"'}) for _ in range(50)))
    assert sorted(status for status, _ in replies) == [200] + [412] * 49
    secrets = [body["api_key"] for status, body in replies if status == 200]
    assert await live(organization, one["api_key"], *secrets) == secrets


async def test_without_a_version_each_of_fifty_wins_in_turn_and_one_secret_lives(organization: Organization):
    one = await made(organization)
    replies = await asyncio.gather(*(rotate(organization, one["id"]) for _ in range(50)))
    assert {status for status, _ in replies} == {200}
    secrets = [body["api_key"] for _, body in replies]
    assert len(set(secrets)) == 50
    assert len(await live(organization, one["api_key"], *secrets)) == 1


async def test_a_grace_leaves_one_former_secret_at_most(organization: Organization):
    one = await made(organization)
    replies = await asyncio.gather(*(rotate(organization, one["id"], {"grace_seconds": 60}) for _ in range(20)))
    secrets = [body["api_key"] for status, body in replies if status == 200]
    assert len(secrets) == 20
    assert len(await live(organization, one["api_key"], *secrets)) == 2
    _, last = await rotate(organization, one["id"])
    assert await live(organization, one["api_key"], *secrets, last["api_key"]) == [last["api_key"]]


async def test_of_fifty_rotations_by_the_key_itself_one_wins_for_the_others_are_dead_at_commit(
    organization: Organization,
):
    one = await made(organization)
    replies = await asyncio.gather(*(rotate(organization, one["id"], key=one["api_key"]) for _ in range(50)))
    assert sorted(status for status, _ in replies) == [200] + [401] * 49
    secrets = [body["api_key"] for status, body in replies if status == 200]
    assert await live(organization, one["api_key"], *secrets) == secrets


async def test_by_itself_at_one_version_the_others_are_told_so_or_dead(organization: Organization):
    one = await made(organization)
    headers = {"If-Match": '"1"'}
    replies = await asyncio.gather(
        *(rotate(organization, one["id"], key=one["api_key"], headers=headers) for _ in range(50))
    )
    statuses = [status for status, _ in replies]
    # 401 is for those that came when the secret was dead already.
    assert statuses.count(200) == 1
    assert set(statuses) <= {200, 412, 401}
    assert 412 in statuses


async def test_the_former_secret_lives_for_its_grace_and_never_beyond_the_keys_end(
    mesh: Mesh, organization: Organization
):
    end = datetime.now(UTC) + timedelta(minutes=5)
    one = await made(organization, expires_at=end.isoformat())
    _, after = await rotate(organization, one["id"], {"grace_seconds": 3600})
    assert await live(organization, one["api_key"], after["api_key"]) == [one["api_key"], after["api_key"]]
    _, shown = await organization.ask("GET", f"{PATH}/{one['id']}")
    assert datetime.fromisoformat(shown["previous_until"]) == end
    assert datetime.fromisoformat(shown["expires_at"]) == end
    # A sooner end of the key is one of its former secret, too.
    sooner = (end - timedelta(minutes=2)).isoformat()
    _, shown = await organization.ask("PATCH", f"{PATH}/{one['id']}", {"expires_at": sooner})
    assert datetime.fromisoformat(shown["previous_until"]) == datetime.fromisoformat(sooner)
    for grace in (2, 8, 32):  # one that is over before the secret is used shows nothing
        two = await made(organization)
        _, after = await rotate(organization, two["id"], {"grace_seconds": grace})
        lived = await live(organization, two["api_key"])
        if lived:
            break
    assert lived
    await asyncio.sleep(grace + 0.1)
    assert await live(organization, two["api_key"], after["api_key"]) == [after["api_key"]]
    mesh.app.verifier._forget_all()
    assert await live(organization, two["api_key"], after["api_key"]) == [after["api_key"]]


async def test_a_former_secret_within_its_grace_may_rotate_and_one_older_may_not(organization: Organization):
    one = await made(organization)
    body = {"grace_seconds": 60}
    _, two = await rotate(organization, one["id"], body, key=one["api_key"])
    status, three = await rotate(organization, one["id"], body, key=one["api_key"])
    assert status == 200
    assert await live(organization, one["api_key"], two["api_key"], three["api_key"]) == [
        two["api_key"],
        three["api_key"],
    ]
    assert (await rotate(organization, one["id"], key=one["api_key"]))[0] == 401


async def test_both_secrets_end_with_the_key(organization: Organization):
    one = await made(organization)
    _, after = await rotate(organization, one["id"], {"grace_seconds": 60})
    assert len(await live(organization, one["api_key"], after["api_key"])) == 2
    await organization.ask("DELETE", f"{PATH}/{one['id']}")
    assert await live(organization, one["api_key"], after["api_key"]) == []


@pytest.mark.parametrize("grace", [-1, 604_801, 10**30, 1.5, "60", None, True])
async def test_an_absurd_grace_is_named(organization: Organization, grace: Any):
    one = await made(organization)
    status, problem = await rotate(organization, one["id"], {"grace_seconds": grace})
    assert (status, problem["errors"][0]["field"]) == (422, "grace_seconds")
    assert await live(organization, one["api_key"]) == [one["api_key"]]


async def test_a_rotation_does_not_refill_the_bucket(organization: Organization):
    one = await made(organization, rate_limit=5, rate_window=86_400)
    for _ in range(5):
        assert (await organization.ask("GET", PROFILE, key=one["api_key"]))[0] == 200
    _, after = await rotate(organization, one["id"], {"grace_seconds": 60})
    for key in (one["api_key"], after["api_key"]):
        assert (await organization.ask("GET", PROFILE, key=key))[0] == 429


async def test_nobody_is_shown_the_secret_of_another_persons_key(organization: Organization):
    member, administrator = await new_person(organization), await new_person(organization, Role.ADMIN)
    _, theirs = await member.ask("POST", PATH, {"name": "theirs"})
    for asker in (organization.ask, administrator.ask):
        status, problem = await asker("POST", f"{PATH}/{theirs['id']}/rotate")
        assert (status, problem["code"]) == (403, "not_your_key")
    owners = await made(organization)
    assert (await administrator.ask("POST", f"{PATH}/{owners['id']}/rotate"))[1]["code"] == "not_your_key"
    assert (await member.ask("POST", f"{PATH}/{owners['id']}/rotate"))[0] == 404
    assert (await member.ask("POST", f"{PATH}/{theirs['id']}/rotate"))[0] == 200
    assert await live(organization, owners["api_key"]) == [owners["api_key"]]


@pytest.mark.parametrize(
    ("weaker", "stronger"),
    [
        ({"scopes": ["keys:write"]}, {"scopes": ["read", "write"]}),
        ({"rate_limit": 10}, {"rate_limit": 11}),
        ({"allowed_ips": ["127.0.0.0/8"]}, {}),
        ({"allowed_ips": ["127.0.0.0/8"]}, {"allowed_ips": ["126.0.0.0/7"]}),
        ({"allowed_services": ["github"]}, {}),
        ({"expires_at": "2998-01-01T00:00:00Z"}, {}),
        ({"expires_at": "2998-01-01T00:00:00Z"}, {"expires_at": "2999-01-01T00:00:00Z"}),
    ],
)
async def test_a_weaker_key_is_not_shown_the_secret_of_a_stronger_one(
    organization: Organization, weaker: dict[str, Any], stronger: dict[str, Any]
):
    strong = await made(organization, **stronger)
    weak = await made(organization, **weaker)
    status, problem = await rotate(organization, strong["id"], key=weak["api_key"])
    assert (status, problem["code"]) == (403, "beyond_your_own")
    assert (await rotate(organization, weak["id"], key=weak["api_key"]))[0] == 200
    admin = await made(organization, key_type="admin")
    assert (await rotate(organization, admin["id"], key=strong["api_key"]))[0] == 404
    assert await live(organization, strong["api_key"], admin["api_key"]) == [strong["api_key"], admin["api_key"]]


async def test_a_repeat_of_a_rotation_does_not_rotate_again(organization: Organization):
    one = await made(organization)
    headers = {"Idempotency-Key": "once"}
    _, after = await rotate(organization, one["id"], headers=headers)
    status, problem = await rotate(organization, one["id"], headers=headers)
    assert (status, problem["code"]) == (409, "already_done")
    assert await live(organization, after["api_key"]) == [after["api_key"]]


async def test_only_a_keyed_digest_of_either_secret_is_stored(mesh: Mesh, organization: Organization):
    one = await made(organization)
    _, after = await rotate(organization, one["id"], {"grace_seconds": 60})
    of = UUID(organization.id)
    async with mesh.app.database.acting(of, of) as tx:
        rows = [dict(row) for row in await tx.all("select * from api_keys")]
        routes = await tx.all("select * from route_keys where key_id = $1", UUID(one["id"]))
    assert len(routes) == 2
    for secret in (one["api_key"], after["api_key"]):
        assert secret[8:] not in repr([rows, [dict(row) for row in routes]])
