"""A credential opens in its own row and on its own terms alone, whoever alters the database."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.credentials import store
from devmesh.credentials.model import CredentialDamaged, Sealed
from devmesh.credentials.terms import Terms
from devmesh.crypto.sealing import place
from devmesh.ids import new_id
from sessions_people import new_person

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA, BO = "ghp_adas_token_000000", "ghp_bos_token_1111111"
WHO = "github.get_authenticated_user"
RULES = [{"arguments": {"owner": "my-org"}}]
DAMAGED = "credential_damaged"


async def alter(mesh: Mesh, organization: Organization, sql: str, *arguments: object) -> None:
    """Change the organization's credentials behind the gateway's back; the next call reads them anew."""
    of = UUID(organization.id)
    async with mesh.app.database.acting(of, of) as tx:
        assert await tx.run(f"update credentials set {sql}", *arguments)
    mesh.app.vault._cache.clear()


async def code(organization: Organization, owner: str, *, key: str | None = None) -> str | None:
    arguments = {"owner": owner, "repo": "r", "title": "t"}
    result = await organization.call("github.create_issue", arguments, key=key)
    return result["_meta"]["code"] if result.get("isError") else None


@pytest.mark.parametrize(
    "sql",
    [
        "label = 'aaa' where label = 'work'",
        "label = 'zzz' where label = ''",
        "rules = '' where label = 'work'",
        "rules = replace(rules, 'my-org', 'no-org') where label = 'work'",
        "rules = rules || ' ' where label = 'work'",
        "rules = 'no JSON' where label = 'work'",
        "rules = '[7]' where label = 'work'",
        "expires_at = null where label = 'work'",
        "expires_at = expires_at + interval '1 microsecond' where label = 'work'",
        "expires_at = '2020-01-01Z' where label = ''",
        "gateway_use = true where label = 'work'",
        "gateway_use = false where label = ''",
        "allowed_tools = '{}' where label = 'work'",
        "allowed_roles = '{nobody}' where label = ''",
        "service = 'github', metadata = metadata - 'base_url' where label = ''",
    ],
)
async def test_an_altered_term_lets_no_other_be_chosen_in_its_place(
    mesh: Mesh, organization: Organization, github: GitHub, sql: str
):
    await organization.connect(github, ADA, gateway_use=True)
    await organization.connect(github, BO, label="work", rules=RULES, expires_at="2090-01-01T00:00:00Z")
    await organization.connect(github, BO, owner="organization")
    assert [await code(organization, owner) for owner in ("my-org", "other")] == [None, None]
    await alter(mesh, organization, sql)
    before = len(github.received)
    # Both: whichever the altered row would serve now, and whichever it served before.
    assert [await code(organization, owner) for owner in ("my-org", "other")] == [DAMAGED, DAMAGED]
    status, problem = await organization.ask("GET", "/api/v1/credentials/github/explain")
    assert (status, problem["code"]) == (503, DAMAGED)
    assert len(github.received) == before
    # Listed all the same, so that its owner can store it again, and whole then.
    _, listed = await organization.ask("GET", "/api/v1/credentials")
    assert listed["count"] == 3


async def test_an_altered_service_account_is_in_nobodys_way_who_does_without_it(
    mesh: Mesh, organization: Organization, github: GitHub
):
    await organization.connect(github, ADA, label="work", rules=RULES)
    await organization.connect(github, BO, owner="organization")
    await alter(mesh, organization, "allowed_roles = '{owner}' where user_id is null")
    path = "/api/v1/credentials/github/explain"
    for owner, refused in (("my-org", None), ("other", DAMAGED)):
        assert await code(organization, owner) == refused
        status, told = await organization.ask("GET", f'{path}?arguments={{"owner":"{owner}"}}')
        assert (status, told.get("code")) == (503 if refused else 200, refused)


@pytest.mark.parametrize(
    "sql",
    [
        "allowed_tools = null where label = 'few'",
        "allowed_tools = array_append(allowed_tools, 'github.create_issue') where label = 'few'",
        "allowed_roles = null where label = 'few'",
        "allowed_roles = '{member}' where label = 'few'",
        "allowed_roles = '{admin}' where label = ''",
        "label = 'few2' where label = 'few'",
    ],
)
async def test_nobody_opens_a_service_account_to_more_by_altering_the_database(
    mesh: Mesh, organization: Organization, github: GitHub, sql: str
):
    member = await organization.person()
    await organization.connect(github, ADA, owner="organization")
    few: dict[str, Any] = {"allowed_tools": ["github.get_*"], "allowed_roles": ["admin"]}
    await organization.connect(github, BO, owner="organization", label="few", **few)
    assert await code(organization, "o", key=member) is None
    await alter(mesh, organization, sql)
    before = len(github.received)
    found = {await code(organization, "o", key=key) for key in (member, organization.key)}
    assert DAMAGED in found
    assert len(github.received) - before == (0 if found == {DAMAGED} else 1)


async def test_what_was_altered_is_stored_again_and_serves(mesh: Mesh, organization: Organization, github: GitHub):
    await organization.connect(github, ADA, label="work", rules=RULES)
    await alter(mesh, organization, "rules = 'no JSON'")
    assert await code(organization, "my-org") == DAMAGED
    await organization.connect(github, ADA, label="work", rules=RULES)
    assert await code(organization, "my-org") is None


def test_what_was_sealed_before_there_were_terms_is_bound_to_what_it_was_bound_to_then():
    ids = [new_id() for _ in range(5)]
    organization, tenant, user, credential, key = ids

    def bound(base_url: str | None, terms: Terms) -> bytes:
        return Sealed(credential, organization, tenant, user, "github", b"", base_url, key, b"", terms).place

    first = ("credential", organization, tenant, user, "github", credential, key)
    for base_url in (None, "https://github.example"):
        assert bound(base_url, Terms()) == place(*first, base_url)
        assert bound(base_url, Terms(gateway_use=True)) == place(*first, base_url, "gateway")


async def test_a_row_that_was_sealed_before_there_were_terms_serves(
    mesh: Mesh, organization: Organization, github: GitHub
):
    stored = await organization.connect(github, ADA)
    of, user = UUID(organization.id), UUID(organization.registered["user"]["id"])
    async with mesh.app.database.acting(of, of) as tx:
        key_id, key = await mesh.app.data_keys.of(tx, of, user)
        where = place("credential", of, of, user, "github", UUID(stored["id"]), key_id, github.url)
        from_then = mesh.app.vault.seal(key, _Placed(where), {"token": BO})
    await alter(mesh, organization, "sealed = $1", from_then)
    assert (await organization.call(WHO))["structuredContent"]["login"] == "bo"


class _Placed:
    """What the vault asks of a row that it seals for."""

    def __init__(self, where: bytes) -> None:
        self.place = where


def test_no_two_terms_are_bound_alike():
    all_of = [
        Terms(),
        Terms(label="a"),
        Terms(label="gateway"),
        Terms(gateway_use=True),
        Terms(gateway_use=True, label="a"),
        Terms(rules="a"),
        Terms(label="rules", rules="a"),
        Terms(allowed_tools=["a", "b"]),
        Terms(allowed_tools=["a,b"]),
        Terms(allowed_tools=['a","b']),
        Terms(allowed_tools=[]),
        Terms(allowed_roles=["a", "b"]),
        Terms(allowed_roles=[]),
    ]
    assert len({place(*terms.bound()) for terms in all_of}) == len(all_of)


async def test_of_thirty_rows_none_opens_with_the_ciphertext_of_another(mesh: Mesh, github: GitHub):
    """Every row gets every other's ciphertext in turn: 30 x 29 pairs, of two organizations and five owners."""
    tokens: dict[UUID, str] = {}
    owners: list[tuple[UUID, UUID]] = []
    for organization in (await mesh.organization(), await mesh.organization()):
        people = [await new_person(organization) for _ in range(2)]
        of = UUID(organization.id)
        owners += [(of, person.id) for person in people]
        for label in ("l1", "l2", "l3", "l4", "l5"):
            for key, more in (
                (people[0].tokens.access_token, {}),
                (people[1].tokens.access_token, {}),
                (None, {"owner": "organization"}),
            ):
                token = f"ghp_{secrets.token_hex(12)}"
                stored = await organization.connect(github, token, key=key, label=label, **more)
                tokens[UUID(stored["id"])] = token
    rows = await table(mesh, owners)
    assert (len(rows), rows.keys()) == (30, tokens.keys())
    ids = list(rows)
    for shift in range(1, len(ids)):
        for number, row_id in enumerate(ids):
            await put(mesh, rows[row_id], rows[ids[(number + shift) % len(ids)]].sealed)
        for row in (await table(mesh, owners)).values():
            with pytest.raises(CredentialDamaged):
                mesh.app.vault.open(row)
    for row in rows.values():
        await put(mesh, row, row.sealed)
    opened = {row_id: mesh.app.vault.open(row).fields["token"] for row_id, row in (await table(mesh, owners)).items()}
    assert opened == tokens


async def table(mesh: Mesh, owners: list[tuple[UUID, UUID]]) -> dict[UUID, Sealed]:
    """Return the rows of these (organization, user) and of their organizations as the database has them."""
    found: dict[UUID, Sealed] = {}
    for organization, user in owners:
        async with mesh.app.database.acting(organization, organization) as tx:
            found |= {row.id: row for row in await store.sealed(tx, organization, organization, user)}
    return found


async def put(mesh: Mesh, row: Sealed, ciphertext: bytes) -> None:
    async with mesh.app.database.acting(row.organization_id, row.tenant_id) as tx:
        assert await tx.run("update credentials set sealed = $2 where id = $1", row.id, ciphertext) == 1
