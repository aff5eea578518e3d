"""Who may invite whom, and what is sent."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import msgspec
import pytest

from devmesh.access import Role
from devmesh.accounts import budget
from devmesh.directory.service import Directory
from devmesh.ids import new_id
from invitations.conftest import ACCEPT, INVITE, LIST, LOOKUP, PASSWORD, Invite, Post, change, recorded, set_plan

if TYPE_CHECKING:
    from running import Mesh, Organization

BO = {"email": "bo@example.com", "name": "Bo Person", "role": "member"}


@pytest.mark.parametrize("path", [INVITE, "/api/v1/users/invite"])
async def test_an_invitation_answers_with_what_was_asked_and_never_with_its_token(
    organization: Organization, post: Post, path: str
):
    address = f"bo@{organization.slug}.example"
    status, invited = await organization.ask("POST", path, {**BO, "email": f" {address.upper()}"})

    (token,) = await post.tokens(f"BO@{organization.slug}.example")
    assert status == 201
    assert set(invited) == {"id", "email", "name", "role", "status", "tenant_id", "expires_at", "message"}
    UUID(invited["id"])
    assert (invited["name"], invited["role"], invited["status"]) == ("Bo Person", "member", "pending")
    left = datetime.fromisoformat(invited["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=7) - timedelta(minutes=1) < left <= timedelta(days=7)
    assert token not in str(invited)
    (entry,) = await recorded(organization, "invitation.create")
    assert (entry["target"], entry["details"]["role"]) == (invited["id"], "member")
    assert token not in str(entry)


async def test_the_role_is_member_unless_another_is_named(invite: Invite):
    assert (await invite())["role"] == "member"
    assert (await invite("al@example.com", role="readonly"))["role"] == "readonly"


async def test_the_mail_holds_no_text_of_strangers_choosing(mesh: Mesh, post: Post):
    organization = await mesh.organization()
    phish = "Your Bank <b>https://evil.example</b>"
    await change(organization, "update organizations set name = $2 where id = $1", phish)
    await change(organization, "update users set name = $2 where organization_id = $1", phish)
    body = {"email": f"bo@{organization.slug}.example", "name": phish}
    assert (await organization.ask("POST", INVITE, body))[0] == 201

    (mail,) = await post.to(body["email"])
    assert "evil.example" not in mail.as_string()
    for part in ("plain", "html"):
        text = mail.get_body((part,)).get_content()
        assert organization.slug in text
        assert "http://localhost:8081/accept#token=" in text
        assert "Ada" not in text
        # An address that nobody has proved could be anybody's.
        assert organization.registered["user"]["email"] not in text


async def test_the_mail_names_the_inviters_address_once_it_is_proved(organization: Organization, post: Post):
    await change(organization, "update users set verified_at = now() where organization_id = $1")
    address = f"bo@{organization.slug}.example"
    await organization.ask("POST", INVITE, {**BO, "email": address})
    (mail,) = await post.to(address)
    assert organization.registered["user"]["email"] in mail.get_body(("plain",)).get_content()


@pytest.mark.parametrize(
    ("fields", "faults"),
    [
        ({"role": "owner"}, ["role"]),
        ({"role": "root"}, ["role"]),
        ({"role": ["admin"]}, ["role"]),
        ({"email": ["bo@example.com"]}, ["email"]),
        ({"email": "bo@example.com\r\nBcc: all@example.com"}, ["email"]),
        ({"email": "bo@example.com,al@example.com"}, ["email"]),
        ({"name": "Bo\nPerson"}, ["name"]),
        ({"name": "\u202enosreP oB"}, ["name"]),
        ({"name": {"first": "Bo"}}, ["name"]),
        ({"name": "", "email": "bo", "role": "boss"}, ["email", "name", "role"]),
        ({"tenant_id": ["acme"]}, ["tenant_id"]),
        ({"user": "bo"}, ["user"]),
        ({"name": "Bo\0"}, ["name"]),
    ],
)
async def test_what_is_wrong_is_422_naming_every_field(organization: Organization, fields: Any, faults: list[str]):
    status, problem = await organization.ask("POST", INVITE, {**BO, **fields})
    assert (status, [fault["field"] for fault in problem["errors"]]) == (422, faults)
    assert (await organization.ask("GET", LIST))[1]["count"] == 0


@pytest.mark.parametrize("role", ["owner", "admin", "member", "readonly"])
@pytest.mark.parametrize("inviter", [Role.MEMBER, Role.READONLY])
async def test_a_member_invites_nobody(organization: Organization, inviter: Role, role: str):
    key = await organization.person(inviter)
    status, problem = await organization.ask("POST", INVITE, {**BO, "role": role}, key=key)
    # Who is to administer is decided with users:write, and both are named at once.
    needed = ["invitations:write", "users:write"] if role == "admin" else ["invitations:write"]
    assert (status, problem["required_scopes"]) == (403, needed)
    for method, path in (("GET", LIST), ("DELETE", f"{LIST}/{new_id()}")):
        assert (await organization.ask(method, path, key=key))[0] == 403


async def test_an_administrator_invites_every_role_but_owner(organization: Organization):
    key = await organization.person(Role.ADMIN)
    for number, role in enumerate(("admin", "member", "readonly")):
        body = {**BO, "email": f"bo{number}@example.com", "role": role}
        assert (await organization.ask("POST", INVITE, body, key=key))[0] == 201
    assert (await organization.ask("POST", INVITE, {**BO, "role": "owner"}, key=key))[0] == 422


async def test_a_key_that_may_merely_invite_makes_no_administrator(organization: Organization):
    key = await organization.new_key(key_type="admin", scopes=["invitations:write"])
    status, problem = await organization.ask("POST", INVITE, {**BO, "role": "admin"}, key=key)
    assert (status, problem["required_scopes"]) == (403, ["invitations:write", "users:write"])
    assert (await organization.ask("POST", INVITE, BO, key=key))[0] == 201


async def test_a_persons_daily_key_invites_nobody_even_an_owners(organization: Organization):
    key = await organization.new_key(key_type="user", scopes=["read", "write"])
    assert (await organization.ask("POST", INVITE, BO, key=key))[0] == 403


async def test_a_user_of_the_organization_is_told_and_one_of_another_is_not(mesh: Mesh, organization: Organization):
    other = await mesh.organization()
    theirs = {**BO, "email": other.registered["user"]["email"].upper()}
    assert (await organization.ask("POST", INVITE, theirs))[0] == 201
    status, problem = await other.ask("POST", INVITE, theirs)
    assert (status, problem["code"]) == (409, "email_taken")
    (entry,) = [one for one in await recorded(other, "invitation.create") if one["outcome"] == "refused"]
    assert entry["code"] == "email_taken"


async def test_inviting_again_renews_and_the_former_link_is_dead(
    organization: Organization, invite: Invite, post: Post
):
    address = f"bo@{organization.slug}.example"
    first = await invite(address)
    await change(organization, "update invitations set expires_at = now() + interval '1 h' where organization_id = $1")
    second = await invite(f"BO@{organization.slug}.example", name="Bo P.", role="readonly")

    old, new = [*await post.tokens(address), *await post.tokens(second["email"])]
    assert second["id"] == first["id"]
    assert second["expires_at"] > first["expires_at"]
    assert (await post.send(LOOKUP, token=old))[1]["code"] == "link_invalid"
    assert (await post.accept(old))[0] == 400
    assert (await post.send(LOOKUP, token=new))[1]["role"] == "readonly"
    assert (await organization.ask("GET", LIST))[1]["count"] == 1
    assert len(await recorded(organization, "invitation.renew")) == 1


async def test_a_withdrawn_invitation_is_dead(organization: Organization, invite: Invite, post: Post):
    address = f"bo@{organization.slug}.example"
    made = await invite(address)
    (token,) = await post.tokens(address)
    assert await organization.ask("DELETE", f"{LIST}/{made['id']}") == (204, None)
    assert (await organization.ask("DELETE", f"{LIST}/{made['id']}"))[1]["code"] == "invitation_not_found"
    assert (await post.accept(token))[0] == 400
    assert (await recorded(organization, "invitation.withdraw"))[0]["target"] == made["id"]


async def test_invitations_are_listed_in_pages_without_their_tokens(
    organization: Organization, invite: Invite, post: Post
):
    made = [await invite(f"{name}@{organization.slug}.example") for name in ("a", "b", "c")]
    _, first = await organization.ask("GET", f"{LIST}?limit=2")
    _, rest = await organization.ask("GET", f"{LIST}?limit=2&cursor={first['next_cursor']}")
    assert [one["id"] for one in first["invitations"] + rest["invitations"]] == [one["id"] for one in made]
    assert (first["count"], rest["count"], rest["next_cursor"]) == (2, 1, None)
    shown = first["invitations"][0]
    assert shown["invited_by"] == organization.registered["user"]["id"]
    assert (await post.tokens(made[0]["email"]))[0] not in str(first)


async def test_another_organization_sees_and_ends_none_of_them(
    mesh: Mesh, organization: Organization, invite: Invite, post: Post
):
    address = f"bo@{organization.slug}.example"
    made = await invite(address)
    other = await mesh.organization()
    assert (await other.ask("GET", LIST))[1]["count"] == 0
    status, problem = await other.ask("DELETE", f"{LIST}/{made['id']}")
    assert (status, problem["error"]) == (404, "Not Found")
    (token,) = await post.tokens(address)
    assert (await post.send(LOOKUP, token=token))[0] == 200


async def test_pending_invitations_and_users_share_the_plans_places(organization: Organization, invite: Invite):
    await organization.person()
    for name in ("a", "b", "c"):
        await invite(f"{name}@example.com")
    status, problem = await organization.ask("POST", INVITE, BO)
    assert (status, problem["code"]) == (409, "user_limit_reached")
    # To renew one takes no other place, and one that is withdrawn gives its place back.
    last = await invite("c@example.com")
    await organization.ask("DELETE", f"{LIST}/{last['id']}")
    await invite()


async def test_an_expired_invitation_takes_no_place_and_is_cleaned(organization: Organization, invite: Invite):
    for name in ("a", "b", "c", "d"):
        await invite(f"{name}@example.com")
    await change(organization, "update invitations set expires_at = now() where organization_id = $1")
    assert (await organization.ask("GET", LIST))[1]["count"] == 0
    await invite()
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        assert await tx.value("select count(*) from invitations") == 1
        routes = await tx.all("select * from route_invitations where organization_id = $1", UUID(organization.id))
    assert len(routes) == 1


async def test_of_many_invitations_at_once_only_as_many_as_there_are_places(organization: Organization):
    async def one(number: int) -> int:
        return (await organization.ask("POST", INVITE, {**BO, "email": f"bo{number}@example.com"}))[0]

    found = await asyncio.gather(*map(one, range(20)))
    assert sorted(found) == [201] * 4 + [409] * 16
    assert (await organization.ask("GET", LIST))[1]["count"] == 4


async def test_of_many_invitations_of_one_address_at_once_one_link_works(organization: Organization, post: Post):
    address = f"bo@{organization.slug}.example"
    await asyncio.gather(*(organization.ask("POST", INVITE, {**BO, "email": address}) for _ in range(4)))
    tokens = await post.tokens(address)
    assert len(set(tokens)) == 4
    assert sorted([(await post.send(LOOKUP, token=token))[0] for token in tokens]) == [200, 400, 400, 400]


async def test_an_address_gets_five_mails_an_hour_and_the_last_one_works(
    mesh: Mesh, organization: Organization, invite: Invite, post: Post
):
    address = f"bo@{organization.slug}.example"
    made = [await invite(address) for _ in range(7)]
    assert {one["id"] for one in made} == {made[0]["id"]}
    tokens = await post.tokens(address)
    assert len(tokens) == 5
    assert (await post.send(LOOKUP, token=tokens[-1]))[0] == 200
    # Whoever else invites the same address has mails of their own, and learns nothing.
    other = await mesh.organization()
    assert (await other.ask("POST", INVITE, {**BO, "email": address}))[0] == 201
    assert len(await post.tokens(address)) == 6


async def test_the_tenant_is_the_callers_or_any_of_the_organization_by_id_or_slug(
    mesh: Mesh, organization: Organization, invite: Invite
):
    tenant_id = new_id()
    await change(
        organization, "insert into tenants (id, organization_id, name, slug) values ($2, $1, 'Ops', 'ops')", tenant_id
    )
    assert (await invite("a@example.com"))["tenant_id"] == organization.id
    assert (await invite("b@example.com", tenant_id=str(tenant_id)))["tenant_id"] == str(tenant_id)
    assert (await invite("c@example.com", tenant_id="ops"))["tenant_id"] == str(tenant_id)
    other = await mesh.organization()
    for named in (other.id, other.slug, "nowhere"):
        status, problem = await organization.ask("POST", INVITE, {**BO, "tenant_id": named})
        assert (status, problem["error"]) == (403, "Tenant Not Allowed")


async def test_where_mail_is_really_sent_an_unverified_person_invites_nobody(
    organization: Organization, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(organization.mesh.app.invitations, "_mails_are_sent", True)
    status, problem = await organization.ask("POST", INVITE, BO)
    assert (status, problem["code"]) == (403, "email_not_verified")
    await change(organization, "update users set verified_at = now() where organization_id = $1")
    assert (await organization.ask("POST", INVITE, BO))[0] == 201


async def test_the_database_holds_no_token(organization: Organization, invite: Invite, post: Post):
    address = f"bo@{organization.slug}.example"
    await invite(address)
    (token,) = await post.tokens(address)
    async with organization.mesh.app.database.acting(UUID(organization.id)) as tx:
        rows = [await tx.all(f"select * from {table}") for table in ("invitations", "route_invitations", "mail_outbox")]
    assert token not in str([[dict(row) for row in table] for table in rows])
    assert len(rows[0]) == 1


def test_nothing_that_holds_a_secret_shows_it():
    from devmesh.invitations.model import Acceptance, InvitationToken, Newcomer  # noqa: PLC0415

    secret = "s3cret-s3cret"
    shown = repr([Acceptance(token=secret, password=secret), InvitationToken(token=secret), Newcomer("Bo", secret)])
    assert secret not in shown


async def test_routes_are_named_as_the_contract_names_them(mesh: Mesh):
    async with mesh.http.get("/openapi.json") as reply:
        paths = msgspec.json.decode(await reply.read())["paths"]
    assert {INVITE, "/api/v1/users/invite", LIST, f"{LIST}/{{invitation_id}}", LOOKUP, ACCEPT} <= set(paths)
    assert PASSWORD not in str(paths)


async def test_a_plan_without_a_limit_takes_everybody(organization: Organization, invite: Invite):
    await set_plan(organization, "team")
    for number in range(8):
        await invite(f"bo{number}@example.com")


async def test_an_organization_has_no_more_than_its_hourly_share_of_mails_sent(mesh: Mesh, post: Post):
    organization, other = await mesh.organization(), await mesh.organization()
    directory = Directory(mesh.app.ring)
    async with mesh.app.database.acting(UUID(organization.id)) as tx:
        for _ in range(budget.AN_HOUR_OF_AN_ORGANIZATION):
            await budget.spend_of(tx, directory, UUID(organization.id), "invite")
    status, problem = await organization.ask("POST", INVITE, {**BO, "email": f"bo@{organization.slug}.example"})
    assert (status, problem["error"], problem["retry_after"]) == (429, "Rate Limit Exceeded", 3600)
    assert await post.to(f"bo@{organization.slug}.example") == []
    assert (await organization.ask("GET", LIST))[1]["count"] == 0
    assert (await other.ask("POST", INVITE, {**BO, "email": f"bo@{other.slug}.example"}))[0] == 201
