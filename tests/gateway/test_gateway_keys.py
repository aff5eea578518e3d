"""Gateway keys: for a named person alone, with that person's rights and what that person has lent them."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.directory.model import USER_CHANGED
from devmesh.keys import store
from http_talk import until
from running import Organization
from sessions_people import Person, new_person

if TYPE_CHECKING:
    from devmesh.db.pool import Tx
    from devmesh.demo.github import GitHub
    from running import Mesh

PATH = "/api/v1/api-keys"
ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
WHO = "github.get_authenticated_user"
ISSUE = {"owner": "o", "repo": "r", "title": "t"}
REFUSED = "on_behalf_of_required"


@dataclass
class Gate:
    """A gateway key of an organization's owner, and a member who lent it a GitHub token."""

    organization: Organization
    key: str
    key_id: str
    owner_id: str
    bo: Person

    async def call(self, tool: str = WHO, arguments: Any = None, *, to: object, **headers: str) -> dict[str, Any]:
        """Call a tool on behalf of the person with the id `to`."""
        sent = {} if to is None else {"X-On-Behalf-Of": str(to)}
        return await self.organization.call(tool, arguments, key=self.key, headers={**sent, **headers})

    async def code(self, tool: str = WHO, arguments: Any = None, *, to: object, **headers: str) -> str | None:
        """Return what refuses the call; None if nothing does."""
        result = await self.call(tool, arguments, to=to, **headers)
        return result["_meta"]["code"] if result.get("isError") else None


async def lend(organization: Organization, github: GitHub, person: Person, token: str, **more: Any) -> None:
    await organization.connect(github, token, key=person.tokens.access_token, **{"gateway_use": True, **more})


@pytest.fixture
async def gate(organization: Organization, github: GitHub) -> Gate:
    fields = {"key_type": "gateway", "allowed_ips": ["127.0.0.0/8"], "allowed_services": ["github"]}
    _, made = await organization.ask("POST", PATH, {"name": "gate", **fields})
    _, profile = await organization.ask("GET", "/api/v1/auth/profile")
    bo = await new_person(organization)
    await lend(organization, github, bo, BO)
    return Gate(organization, made["api_key"], made["id"], profile["id"], bo)


async def test_it_acts_as_the_named_person_and_the_record_holds_both(gate: Gate):
    result = await gate.call(to=gate.bo.id)
    assert result["structuredContent"]["login"] == "bo"
    assert result["_meta"]["credential"]["source"] == "user"
    for actor in (gate.key_id, gate.owner_id, gate.bo.id):
        _, page = await gate.organization.ask("GET", f"/api/v1/audit?action=tool.call&actor={actor}")
        assert [entry["actor"] for entry in page["entries"]] == [
            {
                "user_id": gate.owner_id,
                "key_id": gate.key_id,
                "key_type": "gateway",
                "on_behalf_of": str(gate.bo.id),
            }
        ]


async def test_over_rest_it_acts_as_the_named_person_too(gate: Gate):
    path = f"/api/v1/tools/{WHO}/execute"
    headers = {"X-On-Behalf-Of": str(gate.bo.id)}
    status, done = await gate.organization.ask("POST", path, {}, key=gate.key, headers=headers)
    assert (status, done["result"]["login"]) == (200, "bo")
    status, problem = await gate.organization.ask("POST", path, {}, key=gate.key)
    assert (status, problem["code"]) == (403, REFUSED)


async def test_one_key_at_once_for_two_people_acts_as_each(gate: Gate, github: GitHub):
    ada = await new_person(gate.organization)
    await lend(gate.organization, github, ada, ADA)
    logins = {gate.bo.id: "bo", ada.id: "ada"}
    asked = list(logins) * 20
    results = await asyncio.gather(*(gate.call(to=user_id) for user_id in asked))
    assert [result["structuredContent"]["login"] for result in results] == [logins[user_id] for user_id in asked]


async def test_a_repeat_for_another_person_is_no_repeat(gate: Gate, github: GitHub):
    ada = await new_person(gate.organization)
    await lend(gate.organization, github, ada, ADA)
    seen = []
    for user_id in (gate.bo.id, ada.id):
        headers = {"X-On-Behalf-Of": str(user_id), "Idempotency-Key": "same"}
        path = f"/api/v1/tools/{WHO}/execute"
        _, done = await gate.organization.ask("POST", path, {}, key=gate.key, headers=headers)
        seen.append(done["result"]["login"])
    assert seen == ["bo", "ada"]


async def test_without_a_person_it_calls_nothing_and_sees_nothing(gate: Gate, github: GitHub):
    before = len(github.received)
    for tool in (WHO, "mesh.list_services"):
        assert await gate.code(tool, to=None) == REFUSED
    assert len(github.received) == before
    assert (await gate.organization.ask("GET", "/api/v1/tools", key=gate.key))[1]["tools"] == []
    headers = {"X-On-Behalf-Of": str(gate.bo.id)}
    _, seen = await gate.organization.ask("GET", "/api/v1/tools", key=gate.key, headers=headers)
    assert WHO in {tool["name"] for tool in seen["tools"]}
    listed = await gate.call("mesh.list_services", to=gate.bo.id)
    assert [entry["service"] for entry in listed["structuredContent"]["services"] if entry["connected"]] == ["github"]


async def test_whoever_may_not_be_acted_for_is_refused_the_same(mesh: Mesh, gate: Gate, github: GitHub):
    organization = gate.organization
    suspended, removed = await new_person(organization), await new_person(organization)
    elsewhere, theirs = await new_person(organization), await new_person(await mesh.organization())
    _, tenant = await organization.ask("POST", "/api/v1/tenants", {"name": "Blue", "slug": "blue"})
    for person in (suspended, removed):
        await lend(organization, github, person, ADA)
        assert await gate.code(to=person.id) is None
    of = UUID(organization.id)
    async with mesh.app.database.acting(of) as tx:
        await tx.run("update users set tenant_id = $2 where id = $1", elsewhere.id, UUID(tenant["id"]))
    await organization.ask("PATCH", f"/api/v1/users/{suspended.id}", {"is_active": False})
    await organization.ask("DELETE", f"/api/v1/users/{removed.id}")
    before = len(github.received)
    forms = ["nobody", str(UUID(int=0)), gate.bo.id.hex, f"{{{gate.bo.id}}}", f"{gate.bo.id},{gate.bo.id}", " ", "*"]
    answers = [
        {**(await gate.call(to=named))["_meta"], "request_id": ""}
        for named in (suspended.id, removed.id, elsewhere.id, theirs.id, gate.key_id, *forms, None)
    ]
    assert answers == [answers[0]] * len(answers)
    assert answers[0]["code"] == REFUSED
    assert len(github.received) == before
    await organization.ask("PUT", f"/api/v1/tenants/{organization.id}/members/{elsewhere.id}")
    assert await gate.code(to=elsewhere.id) == "no_credential"


async def test_a_credential_that_was_not_lent_serves_its_person_alone(gate: Gate, github: GitHub):
    organization = gate.organization
    ada = await new_person(organization)
    await organization.connect(github, ADA, key=ada.tokens.access_token)
    before = len(github.received)
    result = await gate.call(to=ada.id)
    assert result["_meta"]["code"] == "no_credential"
    assert "gateway_use" in result["content"][0]["text"]
    assert len(github.received) == before
    listed = await gate.call("mesh.list_services", to=ada.id)
    assert [entry["connected"] for entry in listed["structuredContent"]["services"]] == [False]
    headers = {"X-On-Behalf-Of": str(ada.id)}
    _, tools = await organization.ask("GET", "/api/v1/tools", key=gate.key, headers=headers)
    assert {tool["name"] for tool in tools["tools"]} == {"mesh.list_services", "mesh.read_more"}
    # Lent, it serves from the next call on; taken back, from the next call on no more.
    for lent, code in ((True, None), (False, "no_credential")):
        await lend(organization, github, ada, ADA, gateway_use=lent)
        assert (await ada.ask("GET", "/api/v1/credentials"))[1]["credentials"][0]["gateway_use"] is lent
        assert await gate.code(to=ada.id) == code
    own = await organization.call(WHO, key=ada.tokens.access_token)
    assert own["structuredContent"]["login"] == "ada"


async def test_what_was_not_lent_gives_way_to_the_organizations(gate: Gate, github: GitHub):
    ada = await new_person(gate.organization)
    await gate.organization.connect(github, ADA, key=ada.tokens.access_token)
    await gate.organization.connect(github, BO, owner="organization")
    result = await gate.call(to=ada.id)
    assert (result["structuredContent"]["login"], result["_meta"]["credential"]["source"]) == ("bo", "organization")


async def test_nobody_lends_by_altering_the_database(mesh: Mesh, gate: Gate, github: GitHub):
    ada = await new_person(gate.organization)
    await gate.organization.connect(github, ADA, key=ada.tokens.access_token)
    of = UUID(gate.organization.id)
    async with mesh.app.database.acting(of, of) as tx:
        await tx.run("update credentials set gateway_use = true where user_id = $1", ada.id)
    assert await gate.code(to=ada.id) == "credential_damaged"


async def test_an_organizations_credential_is_not_lent(organization: Organization):
    body = {"service_type": "github", "credentials": {"token": ADA}, "owner": "organization", "gateway_use": True}
    status, problem = await organization.ask("POST", "/api/v1/credentials", body)
    assert (status, problem["errors"][0]["field"]) == (422, "gateway_use")


async def test_its_rights_are_the_keys_within_the_persons(gate: Gate, github: GitHub):
    organization = gate.organization
    reader = await new_person(organization, Role.READONLY)
    await lend(organization, github, reader, ADA)
    assert await gate.code(to=reader.id) is None
    before = len(github.received)
    assert await gate.code("github.create_issue", ISSUE, to=reader.id) == "insufficient_scope"
    assert len(github.received) == before
    await organization.ask("PATCH", f"{PATH}/{gate.key_id}", {"scopes": ["tools:read"]})
    assert await gate.code("github.create_issue", ISSUE, to=gate.bo.id) == "insufficient_scope"
    assert await gate.code(to=gate.bo.id) is None
    # A role that is taken is gone from the next call on.
    await organization.ask("PATCH", f"{PATH}/{gate.key_id}", {"scopes": ["read", "write"]})
    assert await gate.code("github.create_issue", ISSUE, to=gate.bo.id) != "insufficient_scope"
    await organization.ask("PATCH", f"/api/v1/users/{gate.bo.id}", {"role": "readonly"})
    assert await gate.code("github.create_issue", ISSUE, to=gate.bo.id) == "insufficient_scope"


async def test_a_person_above_gives_it_no_more_than_tools(gate: Gate):
    headers = {"X-On-Behalf-Of": gate.owner_id}
    for method, path, body in (
        ("GET", "/api/v1/users", None),
        ("GET", PATH, None),
        ("POST", PATH, {"name": "x"}),
        ("POST", f"{PATH}/{gate.key_id}/rotate", None),
        ("GET", "/api/v1/credentials", None),
        ("POST", "/api/v1/credentials", {"service_type": "github", "credentials": {"token": ADA}}),
        ("GET", "/api/v1/contexts", None),
        ("GET", "/api/v1/audit", None),
        ("GET", "/api/v1/auth/profile", None),
    ):
        assert (await gate.organization.ask(method, path, body, key=gate.key, headers=headers))[0] == 403


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({}, "address_not_allowed"),
        ({"allowed_services": ["github"]}, "address_not_allowed"),
        ({"allowed_services": ["github"], "allowed_ips": ["10.0.0.0/8"]}, "address_not_allowed"),
        ({"allowed_ips": ["127.0.0.1"]}, "service_not_allowed"),
    ],
)
async def test_what_is_not_allowed_it_does_not_reach(gate: Gate, github: GitHub, fields: dict[str, Any], code: str):
    key = await gate.organization.new_key(key_type="gateway", **fields)
    before = len(github.received)
    assert await Gate(gate.organization, key, "", "", gate.bo).code(to=gate.bo.id) == code
    assert len(github.received) == before


async def test_the_header_moves_no_other_credential(gate: Gate, github: GitHub):
    await gate.organization.connect(github, ADA)
    for key in (gate.organization.key, (await new_person(gate.organization, Role.OWNER)).tokens.access_token):
        result = await gate.organization.call(WHO, key=key, headers={"X-On-Behalf-Of": str(gate.bo.id)})
        assert result.get("structuredContent", {}).get("login") != "bo"


async def test_it_ends_with_its_owners_ownership_and_with_its_revocation(gate: Gate):
    organization = gate.organization
    other = await new_person(organization, Role.OWNER)
    assert await gate.code(to=gate.bo.id) is None
    await other.ask("PATCH", f"/api/v1/users/{gate.owner_id}", {"role": "admin"})
    status, _ = await organization.ask("GET", "/api/v1/tools", key=gate.key)
    assert status == 401
    await other.ask("PATCH", f"/api/v1/users/{gate.owner_id}", {"role": "owner"})
    assert await gate.code(to=gate.bo.id) is None
    await other.ask("DELETE", f"{PATH}/{gate.key_id}")
    headers = {"X-On-Behalf-Of": str(gate.bo.id)}
    assert (await organization.ask("GET", "/api/v1/tools", key=gate.key, headers=headers))[0] == 401


async def test_a_person_who_is_suspended_this_moment_is_acted_for_no_more(gate: Gate, github: GitHub):
    for _ in range(20):
        assert await gate.code(to=gate.bo.id) is None
        await gate.organization.ask("PATCH", f"/api/v1/users/{gate.bo.id}", {"is_active": False})
        before = len(github.received)
        codes = await asyncio.gather(*(gate.code(to=gate.bo.id) for _ in range(4)))
        assert (set(codes), len(github.received)) == ({REFUSED}, before)
        await gate.organization.ask("PATCH", f"/api/v1/users/{gate.bo.id}", {"is_active": True})


async def test_what_changed_while_a_person_was_read_is_used_once_and_not_kept(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
):
    changes, read, reads = gate.organization.mesh.app.changes, store.person, 0

    async def overtaken(tx: Tx, *of: Any) -> Any:
        nonlocal reads
        row = await read(tx, *of)
        reads += 1
        if reads == 1:
            changes._tell(USER_CHANGED, str(gate.bo.id))
        return row

    # Every notice makes it forget, and of what was done until now each comes once more, over the database.
    began = time.monotonic()
    await until(lambda: changes._proven > began)
    monkeypatch.setattr(store, "person", overtaken)
    monkeypatch.setattr(changes, "fresh", lambda: True)
    assert [await gate.code(to=gate.bo.id) for _ in range(3)] == [None] * 3
    assert reads == 2
    # Nor is it taken from memory while a change may have been missed.
    monkeypatch.setattr(changes, "fresh", lambda: False)
    assert await gate.code(to=gate.bo.id) is None
    assert reads == 3


async def test_its_bucket_is_one_for_all_people(gate: Gate, github: GitHub):
    ada = await new_person(gate.organization)
    await lend(gate.organization, github, ada, ADA)
    await gate.organization.ask("PATCH", f"{PATH}/{gate.key_id}", {"rate_limit": 4, "rate_window": 86_400})
    codes = [await gate.code(to=user_id) for user_id in (gate.bo.id, ada.id) * 4]
    assert codes.count("rate_limit_exceeded") == 4
