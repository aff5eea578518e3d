"""What may be minted by whom, and what a key can do."""

from __future__ import annotations

import asyncio
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import KeyType, Role
from devmesh.crypto.tokens import is_api_key, new_api_key
from devmesh.db.pool import Tx
from devmesh.errors import Invalid, InvalidKey
from devmesh.keys import store
from devmesh.keys.ceiling import Own
from devmesh.keys.model import IssuedKey, Key, NewKey
from devmesh.keys.routes import KeyShownOnce

if TYPE_CHECKING:
    from running import Mesh, Organization

PATH = "/api/v1/api-keys"


@pytest.mark.parametrize(
    ("key_type", "prefix"), [("admin", "adm_"), ("user", "usr_"), ("agent", "agt_"), ("gateway", "gw_")]
)
async def test_every_type_has_its_prefix_and_the_guides_length(organization: Organization, key_type: str, prefix: str):
    status, made = await organization.ask("POST", PATH, {"name": "one", "key_type": key_type})
    assert status == 201
    assert re.fullmatch(f"{prefix}[A-Za-z0-9_-]{{43}}", made["api_key"])
    assert is_api_key(made["api_key"])
    assert made["info"]["key_prefix"] == made["api_key"][:8]
    assert made["message"] == "API key created successfully. Save this key - it will not be shown again!"


async def test_what_is_left_out_is_a_user_key_that_reads_and_writes(organization: Organization):
    _, made = await organization.ask("POST", PATH, {"name": "plain"})
    assert (made["info"]["key_type"], made["info"]["scopes"]) == ("user", ["read", "write"])
    assert (made["info"]["rate_limit"], made["info"]["rate_window"]) == (100, "60 seconds")


async def test_only_a_keyed_digest_is_stored(mesh: Mesh, organization: Organization):
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id, organization_id) as tx:
        rows = [dict(row) for row in await tx.all("select * from api_keys")]
        routes = [dict(row) for row in await tx.all("select * from route_keys")]
    assert organization.key[8:] not in repr([rows, routes])


@pytest.mark.parametrize(
    ("by", "asked"),
    [
        ({"key_type": "user"}, {"key_type": "admin"}),
        ({"key_type": "user"}, {"key_type": "gateway"}),
        ({"key_type": "user", "scopes": ["read", "keys:write"]}, {"scopes": ["write"]}),
        ({"key_type": "user", "scopes": ["read", "keys:write"]}, {"scopes": ["admin"]}),
        ({"key_type": "user", "scopes": ["keys:write", "tools:execute:github.get_*"]}, {"scopes": ["tools:execute"]}),
        ({"key_type": "user", "rate_limit": 10}, {"rate_limit": 11}),
        ({"key_type": "user", "rate_limit": 10}, {"rate_limit": 11, "rate_window": 86_400}),
        ({"key_type": "user"}, {"rate_limit": 101}),
        ({"key_type": "user"}, {"key_type": "agent", "rate_limit": 1001}),
    ],
)
async def test_nobody_grants_beyond_their_own(organization: Organization, by: dict[str, Any], asked: dict[str, Any]):
    key = await organization.new_key(**by)
    status, problem = await organization.ask("POST", PATH, {"name": "more", **asked}, key=key)
    assert status == 403, problem


async def test_a_minted_key_ends_no_later_than_its_minter(organization: Organization):
    end = datetime.now(UTC) + timedelta(minutes=5)
    key = await organization.new_key(key_type="user", expires_at=end.isoformat())
    _, made = await organization.ask("POST", PATH, {"name": "as long"}, key=key)
    assert datetime.fromisoformat(made["info"]["expires_at"]) == end
    sooner = (end - timedelta(minutes=1)).isoformat()
    _, made = await organization.ask("POST", PATH, {"name": "shorter", "expires_at": sooner}, key=key)
    assert datetime.fromisoformat(made["info"]["expires_at"]) == end - timedelta(minutes=1)
    later = (end + timedelta(seconds=1)).isoformat()
    assert (await organization.ask("POST", PATH, {"name": "longer", "expires_at": later}, key=key))[0] == 403


async def test_a_key_that_is_being_revoked_mints_no_other(mesh: Mesh, organization: Organization):
    key = await organization.new_key(key_type="user")
    caller = (await mesh.app.verifier.verify(key)).caller("", "")
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id, organization_id) as tx:
        await tx.run("update api_keys set revoked_at = now() where id = $1", caller.key_id)
        minting = asyncio.create_task(mesh.app.keys.create(caller, NewKey(name="survivor")))
        await asyncio.sleep(0.1)
        assert not minting.done()
    with pytest.raises(InvalidKey):
        await minting


async def test_an_agent_key_mints_nothing(organization: Organization):
    key = await organization.new_key(key_type="agent", scopes=["read", "write"])
    status, problem = await organization.ask("POST", PATH, {"name": "more"}, key=key)
    assert (status, problem["required_scopes"]) == (403, ["keys:write"])


async def test_only_an_owner_mints_gateway_keys_and_they_call_nothing_alone(organization: Organization):
    administrator = await organization.person(Role.ADMIN)
    body = {"name": "gate", "key_type": "gateway"}
    assert (await organization.ask("POST", PATH, body, key=administrator))[0] == 403
    key = await organization.new_key(key_type="gateway", allowed_ips=["127.0.0.1"], allowed_services=["github"])
    result = await organization.call("mesh.list_services", key=key)
    assert result["_meta"]["code"] == "on_behalf_of_required"


async def test_a_limit_that_is_left_out_is_cut_to_the_minters(organization: Organization):
    key = await organization.new_key(key_type="user", rate_limit=10)
    _, made = await organization.ask("POST", PATH, {"name": "small"}, key=key)
    assert (made["info"]["rate_limit"], made["info"]["rate_window"]) == (10, "60 seconds")


async def test_a_minters_own_limit_is_not_handed_on_where_it_is_more_than_the_types(
    mesh: Mesh, organization: Organization
):
    caller = (await mesh.app.verifier.verify(await organization.new_key(key_type="user"))).caller("", "")
    assert caller.key_id
    key = await mesh.app.keys.get(caller, caller.key_id)
    quick = Own(caller, replace(key, rate_limit=10, rate_window=1))
    with pytest.raises(Invalid, match="rate_limit"):
        quick.give(NewKey("agent", KeyType.AGENT), (100, 60))
    slow = quick.give(NewKey("agent", KeyType.AGENT, rate_limit=9, rate_window=60), (100, 60))
    assert (slow.rate_limit, slow.rate_window) == (9, 60)


async def test_a_longer_window_makes_a_default_limit_no_larger(organization: Organization):
    _, made = await organization.ask("POST", PATH, {"name": "slow", "rate_window": 3600})
    assert (made["info"]["rate_limit"], made["info"]["rate_window"]) == (100, "3600 seconds")
    _, made = await organization.ask("POST", PATH, {"name": "quick", "rate_window": 6})
    assert (made["info"]["rate_limit"], made["info"]["rate_window"]) == (10, "6 seconds")


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"name": ""}, "name"),
        ({"name": "a\nb"}, "name"),
        ({"name": ["x"]}, "name"),
        ({"key_type": "root"}, "key_type"),
        ({"scopes": []}, "scopes"),
        ({"scopes": ["read", "every:thing:at:all:!"]}, "scopes[1]"),
        ({"scopes": ["read", "foo:bar"]}, "scopes[1]"),
        ({"scopes": ["keys:reed"]}, "scopes[0]"),
        ({"scopes": ["read"] * 10_000}, "scopes"),
        ({"rate_limit": -1}, "rate_limit"),
        ({"rate_limit": 10**12}, "rate_limit"),
        ({"rate_limit": 101}, "rate_limit"),
        ({"rate_limit": 144_000, "rate_window": 86_400}, "rate_limit"),
        ({"rate_limit": 100, "rate_window": 59}, "rate_limit"),
        ({"rate_window": "forever"}, "rate_window"),
        ({"rate_window": 0}, "rate_window"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "expires_at"),
        ({"expires_at": "tomorrow"}, "expires_at"),
        ({"color": "red"}, "color"),
    ],
)
async def test_a_wrong_field_is_named(organization: Organization, fields: dict[str, Any], wrong: str):
    status, problem = await organization.ask("POST", PATH, {"name": "x", **fields})
    assert status == 422, problem
    assert wrong in {error["field"] for error in problem["errors"]}


async def test_all_wrong_fields_are_named_at_once(organization: Organization):
    status, problem = await organization.ask("POST", PATH, {"key_type": 7, "scopes": "read", "color": 1})
    assert status == 422
    assert {error["field"] for error in problem["errors"]} == {"name", "key_type", "scopes", "color"}


def spoiled(key: str) -> dict[str, str]:
    return {
        "changed": key[:-1] + ("a" if key[-1] != "a" else "b"),
        "other case": key.swapcase(),
        "other prefix": "adm_" + key[4:],
        "quoted": f'"{key}"',
        "percent-encoded": key.replace("_", "%5F"),
        "cut": key[:-1],
        "longer": key + "A",
        "made up": "usr_" + "A" * 43,
        "inner blank": key[:20] + " " + key[20:],
    }


@pytest.mark.parametrize("how", sorted(spoiled("usr_" + "x" * 43)))
async def test_a_spoiled_key_gets_the_same_reply_as_a_revoked_one(organization: Organization, how: str):
    key = await organization.new_key(key_type="user")
    _, keys = await organization.ask("GET", PATH)
    key_id = next(entry["id"] for entry in keys["api_keys"] if entry["key_prefix"] == key[:8])
    status, spoiled_reply = await organization.ask("GET", "/api/v1/auth/profile", key=spoiled(key)[how])
    await organization.ask("DELETE", f"{PATH}/{key_id}")
    _, revoked_reply = await organization.ask("GET", "/api/v1/auth/profile", key=key)
    assert status == 401
    assert {**spoiled_reply, "request_id": ""} == {**revoked_reply, "request_id": ""}


async def test_a_key_in_a_query_or_a_cookie_is_refused(mesh: Mesh, organization: Organization):
    async with mesh.http.get("/api/v1/auth/profile", params={"api_key": organization.key}) as reply:
        assert reply.status in (400, 401)
    async with mesh.http.get("/api/v1/auth/profile", headers={"Cookie": f"key={organization.key}"}) as reply:
        assert reply.status in (400, 401)


async def test_a_header_without_a_key_is_told_from_a_wrong_key(mesh: Mesh):
    for headers in (
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer ${DEVMESH_API_KEY}"},
        {"X-API-Key": ""},
    ):
        async with mesh.http.get("/api/v1/auth/profile", headers=headers) as reply:
            problem = await reply.json()
        assert (reply.status, problem["code"]) == (401, "authentication_required")
        assert "variable" in problem["hint"]


async def test_two_different_credentials_in_one_request_are_refused(organization: Organization):
    other = await organization.new_key()
    status, _ = await organization.ask("GET", "/api/v1/auth/profile", headers={"X-API-Key": other})
    assert status == 400
    status, _ = await organization.ask("GET", "/api/v1/auth/profile", headers={"X-API-Key": organization.key})
    assert status == 200


async def test_a_tenant_is_the_callers_own_or_refused(mesh: Mesh, organization: Organization):
    foreign = await mesh.organization()
    for tenant in (organization.id, organization.slug):
        assert (await organization.ask("GET", "/api/v1/auth/profile", headers={"X-Tenant-ID": tenant}))[0] == 200
    for tenant in (foreign.id, foreign.slug, "nowhere", "*"):
        status, problem = await organization.ask("GET", "/api/v1/auth/profile", headers={"X-Tenant-ID": tenant})
        assert (status, problem["error"]) == (403, "Tenant Not Allowed")


async def test_an_expired_key_is_invalid(mesh: Mesh, organization: Organization):
    key = await organization.new_key(key_type="user", expires_at="2999-01-01T00:00:00Z")
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id, organization_id) as tx:
        await tx.run("update api_keys set expires_at = now() - interval '1 second' where key_prefix = $1", key[:8])
    mesh.app.verifier._grants.clear()
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 401


async def test_a_cached_key_is_read_again_when_a_change_may_have_been_missed(
    mesh: Mesh, organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    key = await organization.new_key(key_type="user")
    monkeypatch.setattr(mesh.app.changes, "fresh", lambda: True)
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id, organization_id) as tx:
        # As another process would, whose notice never arrives.
        await tx.run("update api_keys set revoked_at = now() where key_prefix = $1", key[:8])
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200
    monkeypatch.setattr(mesh.app.changes, "fresh", lambda: False)
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 401


async def test_made_up_keys_are_read_three_at_a_time_and_hold_up_no_known_one(
    mesh: Mesh, organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    route, going, reading, most = store.route, asyncio.Event(), 0, 0

    async def slow(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID, UUID] | None:
        nonlocal reading, most
        found = await route(tx, digests)
        if found is None:
            reading += 1
            most = max(most, reading)
            await going.wait()
            reading -= 1
        return found

    verifier = mesh.app.verifier
    assert await verifier.verify(organization.key)
    monkeypatch.setattr(store, "route", slow)
    made_up = [
        asyncio.create_task(verifier.verify(new_api_key(KeyType.USER), f"192.0.2.{place % 2}")) for place in range(20)
    ]
    async with asyncio.timeout(20):
        while reading < 3:  # noqa: ASYNC110 - a number
            await asyncio.sleep(0.01)
        monkeypatch.setattr(mesh.app.changes, "fresh", lambda: False)
        assert await verifier.verify(organization.key)
    going.set()
    refused = await asyncio.gather(*made_up, return_exceptions=True)
    assert {type(error) for error in refused} == {InvalidKey}
    assert most == 3


async def test_of_a_crowd_with_a_key_used_for_the_first_time_few_read_it(
    mesh: Mesh, organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    key, route, reads = await organization.new_key(), store.route, 0

    async def counted(tx: Tx, digests: list[bytes]) -> tuple[UUID, UUID, UUID] | None:
        nonlocal reads
        reads += 1
        return await route(tx, digests)

    monkeypatch.setattr(store, "route", counted)
    monkeypatch.setattr(mesh.app.changes, "fresh", lambda: True)
    grants = await asyncio.gather(*(mesh.app.verifier.verify(key, "192.0.2.1") for _ in range(64)))
    assert {grant.organization_id for grant in grants} == {UUID(organization.id)}
    assert reads <= 3
    # Nor is it taken from memory while a change may have been missed.
    reads = 0
    mesh.app.verifier._forget_all()
    monkeypatch.setattr(mesh.app.changes, "fresh", lambda: False)
    await asyncio.gather(*(mesh.app.verifier.verify(key, "192.0.2.1") for _ in range(8)))
    assert reads == 8


async def test_what_changed_while_a_key_was_read_is_used_once_and_not_kept(
    mesh: Mesh, organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    key, verifier, grant = await organization.new_key(key_type="user"), mesh.app.verifier, store.grant
    changing = True

    async def overtaken(tx: Tx, *of: Any) -> Any:
        row = await grant(tx, *of)
        if changing:
            verifier._forget_key(str(of[2]))
        return row

    monkeypatch.setattr(store, "grant", overtaken)
    assert (await verifier.verify(key)).organization_id == UUID(organization.id)
    assert verifier._digests.get((await verifier.verify(key)).key_id) is None
    changing = False
    assert (await verifier.verify(key)).key_id in verifier._digests


async def test_a_burst_admits_exactly_the_buckets_capacity(organization: Organization):
    key = await organization.new_key(key_type="user", rate_limit=20, rate_window=3600)
    replies = await asyncio.gather(*(organization.ask("GET", "/api/v1/auth/profile", key=key) for _ in range(64)))
    assert sorted(status for status, _ in replies) == [200] * 20 + [429] * 44


def test_the_reply_that_shows_a_key_does_not_show_it_in_a_traceback():
    now = datetime.now(UTC)
    key = Key(UUID(int=1), UUID(int=2), KeyType.USER, "one", "usr_abcd", [], 1, 1, now)
    assert "usr_secret" not in repr(KeyShownOnce.of(IssuedKey(key, key.id, "usr_secret")))


async def test_a_mistyped_scope_is_told_which_resources_there_are(organization: Organization):
    status, problem = await organization.ask("POST", "/api/v1/api-keys", {"name": "k", "scopes": ["context:write"]})
    assert status == 422
    (error,) = problem["errors"]
    assert error["field"] == "scopes[0]"
    assert "contexts" in error["message"]
