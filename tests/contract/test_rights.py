"""Roles, types of keys and scopes, as the contract's tables have them, asked of the real routes."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.access import Role
from devmesh.demo.github import GitHub
from sessions_people import Person, new_person

if TYPE_CHECKING:
    from conftest import Mesh, Organization

EVERYBODY = frozenset(Role)
WRITERS = frozenset({Role.MEMBER, Role.ADMIN, Role.OWNER})
ADMINISTRATORS = frozenset({Role.ADMIN, Role.OWNER})
OWNERS = frozenset({Role.OWNER})
# A session has no type: it may what its person's role may.
ANY_TYPE = frozenset({"session", "admin", "user", "agent"})
PERSONAL = frozenset({"session", "admin", "user"})
ADMINISTERING = frozenset({"session", "admin"})
NOBODYS = "01980000-0000-7000-8000-000000000000"


@dataclass(frozen=True)
class Asked:
    """One thing to do, the scope that it needs, and whose role and which type of key may do it."""

    method: str
    path: str
    scope: str
    roles: frozenset[Role]
    types: frozenset[str]
    body: Callable[[], Any] = lambda: None


def named() -> str:
    return f"t-{secrets.token_hex(6)}"


ISSUE = {"arguments": {"owner": "acme", "repo": "payments", "title": "One"}}
TABLE = [
    Asked("GET", "/auth/profile", "profile:read", EVERYBODY, ANY_TYPE),
    Asked("PATCH", "/auth/profile", "profile:write", EVERYBODY, PERSONAL, lambda: {"name": "Bo"}),
    Asked("GET", "/api-keys", "keys:read", EVERYBODY, PERSONAL),
    Asked("DELETE", f"/api-keys/{NOBODYS}", "keys:write", EVERYBODY, PERSONAL),
    Asked("GET", "/credentials", "credentials:read", EVERYBODY, ANY_TYPE),
    Asked("GET", "/services", "credentials:read", EVERYBODY, ANY_TYPE),
    Asked("GET", "/credentials/gitlab/explain", "credentials:read", EVERYBODY, ANY_TYPE),
    Asked("DELETE", "/credentials/gitlab", "credentials:write", EVERYBODY, PERSONAL),
    Asked("GET", "/contexts", "contexts:read", EVERYBODY, ANY_TYPE),
    Asked("POST", "/contexts", "contexts:write", WRITERS, ANY_TYPE, lambda: {"name": "one"}),
    Asked("POST", "/tools/github.get_authenticated_user/execute", "tools:read:github.get_authenticated_user", EVERYBODY,
          ANY_TYPE, lambda: {"arguments": {}}),
    Asked("POST", "/tools/github.create_issue/execute", "tools:execute:github.create_issue", WRITERS, ANY_TYPE,
          lambda: ISSUE),
    Asked("GET", "/users", "users:read", WRITERS, ADMINISTERING),
    Asked("PATCH", f"/users/{NOBODYS}", "users:write", ADMINISTRATORS, ADMINISTERING, lambda: {"name": "Bo"}),
    Asked("GET", "/auth/invitations", "invitations:read", ADMINISTRATORS, ADMINISTERING),
    Asked("DELETE", f"/auth/invitations/{NOBODYS}", "invitations:write", ADMINISTRATORS, ADMINISTERING),
    Asked("GET", "/tenants", "tenants:read", EVERYBODY, ADMINISTERING),
    Asked("POST", "/tenants", "tenants:write", ADMINISTRATORS, ADMINISTERING, lambda: {"name": "T", "slug": named()}),
    Asked("GET", "/audit", "audit:read", ADMINISTRATORS, ADMINISTERING),
    Asked("GET", "/organization", "organization:read", ADMINISTRATORS, ADMINISTERING),
    Asked("PATCH", "/organization", "organization:write", OWNERS, ADMINISTERING, lambda: {"name": "O"}),
    Asked("GET", "/organization/policies", "policies:read", ADMINISTRATORS, ADMINISTERING),
    Asked("PUT", "/organization/policies", "policies:write", ADMINISTRATORS, ADMINISTERING,
          lambda: {"require_mfa": False, "password_policy": "standard"}),
]  # fmt: skip
IDS = [f"{asked.method} {asked.path}" for asked in TABLE]


@dataclass
class Company:
    """An organization with a person of every role, each with a session and a key of every type that they may have."""

    organization: Organization
    credentials: dict[tuple[Role, str], str]
    gateway: str

    async def may(self, credential: str, asked: Asked, **headers: str) -> bool:
        """Ask, and return whether it was let through: what is not there then is another matter."""
        status, reply = await self.organization.ask(
            asked.method, f"/api/v1{asked.path}", asked.body(), key=credential, headers=headers
        )
        assert status in (200, 201, 204, 403, 404), reply
        if status == 403 and reply["code"] in ("insufficient_scope", "on_behalf_of_required"):
            return False
        assert status != 403 or reply["code"] == "no_credential", reply
        return True

    async def scoped(self, *scopes: str) -> str:
        """Return an owner's admin key with these scopes alone."""
        return await self.organization.new_key(key_type="admin", scopes=list(scopes))


@pytest.fixture(scope="module")
async def company(mesh: Mesh) -> AsyncIterator[Company]:
    organization = await mesh.organization()
    organization_id = UUID(organization.id)
    async with mesh.app.database.acting(organization_id) as tx:
        await tx.run("update organizations set plan = 'premium' where id = $1", organization_id)
    credentials: dict[tuple[Role, str], str] = {}
    async with GitHub({"ghp_adas_token_000000": "ada"}) as github:
        for role in Role:
            person: Person = await new_person(organization, role)
            credentials[role, "session"] = person.tokens.access_token
            async with mesh.app.database.acting(organization_id, organization_id) as tx:
                issued = await mesh.app.keys.issue_first(tx, organization_id, organization_id, person.id)
            credentials[role, "admin"] = issued.secret
            await organization.connect(github, "ghp_adas_token_000000", key=issued.secret)
            # All that the role can give: whoever only reads still writes what is theirs.
            own = {"scopes": ["read", "profile:write", "keys:write", "credentials:write"]} if role == "readonly" else {}
            for key_type in ("user", "agent"):
                credentials[role, key_type] = await organization.new_key(
                    person.tokens.access_token, key_type=key_type, **own
                )
        await organization.connect(github, "ghp_adas_token_000000")
        bounds = {"allowed_ips": ["127.0.0.1"], "allowed_services": ["github"]}
        yield Company(organization, credentials, await organization.new_key(key_type="gateway", **bounds))


@pytest.mark.parametrize("asked", TABLE, ids=IDS)
async def test_a_role_and_a_type_are_ceilings(company: Company, asked: Asked):
    wrong = [
        (role.value, kind)
        for (role, kind), credential in company.credentials.items()
        if await company.may(credential, asked) != (role in asked.roles and kind in asked.types)
    ]
    assert wrong == []


@pytest.mark.parametrize("asked", TABLE, ids=IDS)
async def test_a_gateway_key_alone_may_nothing(company: Company, asked: Asked):
    assert not await company.may(company.gateway, asked)


@pytest.mark.parametrize("asked", TABLE, ids=IDS)
async def test_a_gateway_key_on_somebodys_behalf_may_call_tools_as_that_persons_role_may(
    company: Company, asked: Asked
):
    for role in Role:
        _, profile = await company.organization.ask("GET", "/api/v1/profile", key=company.credentials[role, "session"])
        may = await company.may(company.gateway, asked, **{"X-On-Behalf-Of": profile["id"]})
        assert may == (asked.scope.startswith("tools:") and role in asked.roles), role


@pytest.mark.parametrize("asked", TABLE, ids=IDS)
async def test_a_scope_lets_through_what_it_names_and_nothing_else_does(company: Company, asked: Asked):
    resource, action, *_ = asked.scope.split(":")
    others = [other.scope for other in TABLE if other.scope.split(":")[:2] != [resource, action]]
    if resource == "tools":
        others = [other for other in others if not other.startswith("tools:")]
    enough = [[asked.scope], [f"{resource}:*"], [f"*:{action}"], [f"{resource}:{action}"], ["admin"], ["*:*"]]
    too_little = [others[:100], [f"{other}:*" for other in ("servers", "metrics")]]
    for scopes in enough:
        assert await company.may(await company.scoped(*scopes), asked), scopes
    for scopes in too_little:
        assert not await company.may(await company.scoped(*scopes), asked), scopes


@pytest.mark.parametrize("asked", TABLE, ids=IDS)
async def test_the_guides_short_words_are_sets(company: Company, asked: Asked):
    _, action, *_ = asked.scope.split(":")
    assert await company.may(await company.scoped("read"), asked) == (action == "read")
    assert await company.may(await company.scoped("write"), asked) == (action in ("read", "write", "execute"))
    assert await company.may(await company.scoped("admin"), asked)


@pytest.mark.parametrize(
    ("scope", "gets", "creates"),
    [
        ("tools:execute:github", True, True),
        ("tools:execute:github.create_issue", False, True),
        ("tools:execute:github.get_*", True, False),
        ("tools:execute:github.*", True, True),
        ("tools:execute:*", True, True),
        ("tools:read", True, False),
        ("tools:read:github", True, False),
        ("tools:execute:gitlab", False, False),
        ("tools:execute:git", False, False),
        ("tools:execute:git*", True, True),
        ("tools:write", False, False),
    ],
)
async def test_a_tools_scope_may_name_service_tool_or_beginning(
    company: Company,
    scope: str,
    gets: bool,  # noqa: FBT001 - a column of the table
    creates: bool,  # noqa: FBT001 - as above
):
    key = await company.scoped(scope)
    reading, writing = (asked for asked in TABLE if asked.path.startswith("/tools/"))
    assert (await company.may(key, reading), await company.may(key, writing)) == (gets, creates)
    listed = {tool["name"] for tool in (await company.organization.ask("GET", "/api/v1/tools", key=key))[1]["tools"]}
    names = ("github.get_authenticated_user", "github.create_issue")
    assert tuple(name in listed for name in names) == (gets, creates)
    results = [await company.organization.call(name, ISSUE["arguments"] if writes else {}, key=key)
               for name, writes in zip(names, (False, True), strict=True)]  # fmt: skip
    refused = [result.get("_meta", {}).get("code") == "insufficient_scope" for result in results]
    assert refused == [not gets, not creates]


@pytest.mark.parametrize(
    ("by", "path", "body", "needed"),
    [
        (["contexts:read"], "/api-keys", {"name": "x", "scopes": ["audit:read", "read"]},
         ["keys:write", "audit:read", "read"]),
        (["contexts:read"], "/api-keys", {"name": "x", "scopes": ["contexts:read"]}, ["keys:write"]),
        (["keys:write", "contexts:read"], "/api-keys",
         {"name": "x", "scopes": ["audit:read", "contexts:read", "users:*"]},
         ["audit:read", "users:*"]),
        (["contexts:read"], "/users/invite", {"email": "bo@example.com", "name": "Bo", "role": "admin"},
         ["invitations:write", "users:write"]),
        (["invitations:write"], "/users/invite", {"email": "bo@example.com", "name": "Bo", "role": "admin"},
         ["invitations:write", "users:write"]),
        (["contexts:read"], "/tools/github.create_issue/execute", ISSUE, ["tools:execute:github.create_issue"]),
    ],
)  # fmt: skip
async def test_a_403_names_everything_that_the_request_needs_at_once(
    company: Company, by: list[str], path: str, body: Any, needed: list[str]
):
    status, problem = await company.organization.ask("POST", f"/api/v1{path}", body, key=await company.scoped(*by))
    assert (status, problem["error"]) == (403, "Insufficient Scope")
    assert problem["required_scopes"] == needed


async def test_less_scope_acts_on_the_next_request(company: Company):
    both = ["contexts:read", "audit:read"]
    body = {"name": "less", "key_type": "admin", "scopes": both}
    _, made = await company.organization.ask("POST", "/api/v1/api-keys", body)
    key, key_id = made["api_key"], made["id"]
    contexts, audit = (next(asked for asked in TABLE if asked.scope == scope) for scope in both)
    assert [await company.may(key, contexts), await company.may(key, audit)] == [True, True]
    path = f"/api/v1/api-keys/{key_id}"
    for scopes, expected in ((["contexts:read"], [True, False]), (["audit:read"], [False, True])):
        assert (await company.organization.ask("PATCH", path, {"scopes": scopes}))[0] == 200
        assert [await company.may(key, contexts), await company.may(key, audit)] == expected
