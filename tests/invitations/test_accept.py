"""How the one who was invited joins, and what stands against it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.ids import new_id
from invitations.conftest import ACCEPT, INVITE, LIST, LOOKUP, PASSWORD, Invite, Post, change, recorded, set_plan

if TYPE_CHECKING:
    from running import Mesh, Organization

UNKNOWN = "x" * 43


@pytest.fixture
async def token(organization: Organization, invite: Invite, post: Post) -> str:
    """The token of a member's invitation."""
    address = f"bo@{organization.slug}.example"
    await invite(address)
    return (await post.tokens(address))[0]


def bearer(said: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {said['access_token']}"}


async def users(organization: Organization) -> list[dict[str, Any]]:
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        return [dict(row) for row in await tx.all("select * from users order by id")]


def untimed(problem: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in problem.items() if name not in ("request_id", "instance")}


async def test_a_look_at_an_invitation_tells_what_it_is_and_nothing_else(
    organization: Organization, token: str, post: Post
):
    for _ in range(2):
        status, found = await post.send(LOOKUP, token=token)
        assert (status, found.pop("expires_at")[-1]) == (200, "Z")
        assert found == {
            "organization_name": organization.registered["organization"]["name"],
            "email": f"bo@{organization.slug}.example",
            "role": "member",
        }


async def test_who_accepts_is_a_verified_user_who_is_logged_in(organization: Organization, token: str, post: Post):
    status, said = await post.accept(token)

    assert status == 201
    assert {"access_token", "refresh_token", "token_type", "expires_in", "user", "organization"} <= set(said)
    assert said["organization"]["slug"] == organization.slug
    (_, user) = await users(organization)
    assert (user["email"], user["name"], user["role"]) == (f"bo@{organization.slug}.example", "Bo Person", "member")
    assert user["verified_at"] is not None
    async with organization.mesh.http.get("/api/v1/auth/profile", headers=bearer(said)) as reply:
        profile = await reply.json()
    assert (profile["id"], profile["role"], profile["organization_id"]) == (str(user["id"]), "member", organization.id)
    (entry,) = await recorded(organization, "invitation.accept")
    assert entry["actor"]["user_id"] == str(user["id"])
    assert (await organization.ask("GET", LIST))[1]["count"] == 0


async def test_the_password_that_was_chosen_is_the_one_to_log_in_with(
    organization: Organization, token: str, post: Post
):
    await post.accept(token, password="  A\u0308pfelwein am Main  ")
    address = f"bo@{organization.slug}.example"
    for password, expected in (("  \u00c4pfelwein am Main  ", 200), ("Apfelwein am Main", 401)):
        assert (await post.send("/api/v1/auth/login", email=address, password=password))[0] == expected


async def test_a_newcomer_makes_a_key_with_the_session_as_the_page_does(
    organization: Organization, token: str, post: Post
):
    _, said = await post.accept(token)
    body = {"name": "My first key", "key_type": "user"}
    async with organization.mesh.http.post("/api/v1/api-keys", json=body, headers=bearer(said)) as reply:
        made = await reply.json()
    assert reply.status == 201, made
    _, profile = await organization.ask("GET", "/api/v1/auth/profile", key=made["api_key"])
    assert profile["email"] == f"bo@{organization.slug}.example"


async def test_the_newcomer_may_choose_another_name(organization: Organization, token: str, post: Post):
    name = "  O'Brien; drop table users;-- <script>alert(1)</script> \N{GRINNING FACE} "
    status, said = await post.accept(token, name=name)
    assert (status, said["user"]["name"]) == (201, name.strip())
    assert (await users(organization))[1]["name"] == name.strip()


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"password": "weak"}, ["password"] * 3),
        ({"password": "Password1!"}, ["password"]),
        ({"password": "x" * 257}, ["password"]),
        ({"password": "weak", "name": "\u202exyz"}, ["name", *["password"] * 3]),
        ({"name": "a\nb"}, ["name"]),
        ({"name": ["Bo"]}, ["name"]),
        ({"password": ["SecurePass123!"]}, ["password"]),
        ({"token": ["x"]}, ["token"]),
        ({"role": "owner"}, ["role"]),
        ({"email": "other@example.com"}, ["email"]),
    ],
)
async def test_what_is_wrong_is_422_and_spends_nothing(token: str, post: Post, fields: Any, faults: list[str]):
    status, problem = await post.accept(**{"token": token, **fields})
    assert (status, [fault["field"] for fault in problem["errors"]]) == (422, faults)
    assert (await post.accept(token))[0] == 201


async def test_the_organizations_password_policy_and_name_are_asked_for(
    organization: Organization, token: str, post: Post
):
    name = organization.registered["organization"]["name"]
    assert (await post.accept(token, password=name))[0] == 422
    await change(organization, """update organizations set policies = '{"password_policy": "nist"}' where id = $1""")
    assert (await post.accept(token, password="SecurePass123!"))[0] == 422
    assert (await post.accept(token))[0] == 201


async def test_every_dead_token_is_refused_with_the_same_words(
    organization: Organization, invite: Invite, token: str, post: Post
):
    expired = f"old@{organization.slug}.example"
    await invite(expired)
    old = (await post.tokens(expired))[0]
    await change(
        organization, "update invitations set expires_at = now() where organization_id = $1 and email = $2", expired
    )
    assert (await post.accept(token))[0] == 201
    verification = (await post.to(organization.registered["user"]["email"]))[0].as_string()
    of_another_kind = verification.partition("/verify#token=")[2][:43]

    for path, more in ((LOOKUP, {}), (ACCEPT, {"password": PASSWORD})):
        replies = [
            await post.send(path, token=dead, **more)
            for dead in (UNKNOWN, token, old, of_another_kind, "", "x", token + "=", organization.key, "\u202e" * 43)
        ]
        assert [status for status, _ in replies] == [400] * len(replies)
        assert replies[0][1]["code"] == "link_invalid"
        # Also for whom the reply to an acceptance was lost.
        assert "log in" in replies[0][1]["hint"]
        assert [untimed(problem) for _, problem in replies] == [untimed(replies[0][1])] * len(replies)
        assert token not in str(replies)


async def test_an_invitation_is_no_credential_and_no_other_mailed_token(token: str, mesh: Mesh, post: Post):
    async with mesh.http.get("/api/v1/auth/profile", headers={"Authorization": f"Bearer {token}"}) as reply:
        assert reply.status == 401
    assert (await post.send("/api/v1/auth/email/verify", token=token))[0] == 400
    status, _ = await post.send("/api/v1/auth/password/reset/confirm", token=token, new_password=PASSWORD)
    assert status == 400


async def test_of_twenty_acceptances_at_once_one_succeeds(organization: Organization, token: str, post: Post):
    found = await asyncio.gather(*(post.accept(token, name=f"Bo {number}") for number in range(20)))
    assert sorted(status for status, _ in found) == [201] + [400] * 19
    assert len(await users(organization)) == 2


async def test_twenty_invited_at_once_never_exceed_the_plan(organization: Organization, invite: Invite, post: Post):
    await set_plan(organization, "team")
    addresses = [f"bo{number}@{organization.slug}.example" for number in range(20)]
    for address in addresses:
        await invite(address)
    tokens = [(await post.tokens(address))[0] for address in addresses]
    await set_plan(organization, "free")

    found = await asyncio.gather(*(post.accept(token) for token in tokens))

    assert sorted(status for status, _ in found) == [201] * 4 + [409] * 16
    assert {said["code"] for status, said in found if status == 409} == {"user_limit_reached"}
    assert len(await users(organization)) == 5
    # Whoever found no place keeps the invitation, for when there is one.
    await set_plan(organization, "team")
    left = next(token for token, (status, _) in zip(tokens, found, strict=True) if status == 409)
    assert (await post.accept(left))[0] == 201


async def test_an_acceptance_and_a_withdrawal_at_once_have_one_winner(
    organization: Organization, invite: Invite, post: Post
):
    for number in range(5):
        address = f"bo{number}@{organization.slug}.example"
        made = await invite(address)
        (token,) = await post.tokens(address)
        before = len(await users(organization))
        (accepted, _), (withdrawn, _) = await asyncio.gather(
            post.accept(token), organization.ask("DELETE", f"{LIST}/{made['id']}")
        )
        assert (accepted, withdrawn) in [(201, 404), (400, 204)]
        assert len(await users(organization)) - before == (accepted == 201)
        await change(organization, "delete from users where organization_id = $1 and role = 'member'")


async def test_an_acceptance_and_a_renewal_at_once_have_one_winner(
    organization: Organization, invite: Invite, post: Post
):
    for number in range(5):
        address = f"bo{number}@{organization.slug}.example"
        await invite(address)
        (token,) = await post.tokens(address)
        again = {"email": address, "name": "Bo"}
        (accepted, _), (renewed, _) = await asyncio.gather(post.accept(token), organization.ask("POST", INVITE, again))
        assert (accepted, renewed) in [(201, 409), (400, 201)]
        await change(organization, "delete from users where organization_id = $1 and role = 'member'")
        await change(organization, "delete from invitations where organization_id = $1")


@pytest.mark.parametrize(
    "sql",
    [
        "update users set is_active = false where organization_id = $1 and role = 'admin'",
        "update users set role = 'member' where organization_id = $1 and role = 'admin'",
        "delete from users where organization_id = $1 and role = 'admin'",
    ],
    ids=["suspended", "no administrator any more", "removed"],
)
async def test_an_invitation_falls_with_whoever_gave_it(organization: Organization, post: Post, sql: str):
    address = f"bo@{organization.slug}.example"
    key = await organization.person(Role.ADMIN)
    await organization.ask("POST", INVITE, {"email": address, "name": "Bo", "role": "admin"}, key=key)
    (token,) = await post.tokens(address)
    assert (await post.send(LOOKUP, token=token))[0] == 200

    await change(organization, sql)

    assert (await post.send(LOOKUP, token=token))[1]["code"] == "link_invalid"
    assert (await post.accept(token))[1]["code"] == "link_invalid"
    assert (await organization.ask("GET", LIST))[1]["count"] == 0


async def test_the_same_address_joins_two_organizations_as_two_people(mesh: Mesh, post: Post):
    address = f"bo@{new_id().hex}.example"
    said = []
    for number in range(2):
        organization = await mesh.organization()
        assert (await organization.ask("POST", INVITE, {"email": address, "name": f"Bo {number}"}))[0] == 201
        status, reply = await post.accept((await post.tokens(address))[-1], password=f"{PASSWORD} {number}")
        assert status == 201
        said.append(reply)
    assert said[0]["user"]["id"] != said[1]["user"]["id"]
    assert [reply["user"]["name"] for reply in said] == ["Bo 0", "Bo 1"]


async def test_the_newcomer_starts_in_the_tenant_of_the_invitation(
    organization: Organization, invite: Invite, post: Post
):
    tenant_id = new_id()
    await change(
        organization, "insert into tenants (id, organization_id, name, slug) values ($2, $1, 'Ops', 'ops')", tenant_id
    )
    address = f"bo@{organization.slug}.example"
    await invite(address, tenant_id="ops")
    _, said = await post.accept((await post.tokens(address))[0])
    async with organization.mesh.http.get("/api/v1/auth/profile", headers=bearer(said)) as reply:
        assert (await reply.json())["tenant"]["slug"] == "ops"
    headers = {**bearer(said), "X-Tenant-ID": organization.id}
    async with organization.mesh.http.get("/api/v1/auth/profile", headers=headers) as reply:
        assert reply.status == 403


async def test_a_refused_acceptance_is_recorded(organization: Organization, token: str, post: Post):
    await set_plan(organization, "free")
    for _ in range(4):
        await organization.person()
    _, problem = await post.accept(token)
    assert (problem["code"], problem["hint"].partition(".")[0]) == (
        "user_limit_reached",
        "Tell whoever invited you",
    )
    (entry,) = await recorded(organization, "invitation.accept")
    assert (entry["outcome"], entry["code"]) == ("refused", "user_limit_reached")
