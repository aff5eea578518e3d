"""A scope that keys of a type can never use is kept, shown as such, and its 403 says which type it takes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from sessions_people import new_person

if TYPE_CHECKING:
    from running import Organization

PATH = "/api/v1/api-keys"


async def made(organization: Organization, **fields: Any) -> dict[str, Any]:
    status, body = await organization.ask("POST", PATH, {"name": "one", **fields})
    assert status == 201, body
    return body


@pytest.mark.parametrize(
    ("key_type", "scopes", "unusable"),
    [
        ("user", ["contexts:read", "metrics:read"], ["metrics:read"]),
        ("user", ["users:*", "*:read", "*:*", "read", "write", "admin", "audit:*"], ["users:*", "audit:*"]),
        ("agent", ["users:write", "tools:execute:github", "credentials:write"], ["users:write", "credentials:write"]),
        ("agent", ["profile:*", "profile:write", "profile:read"], ["profile:write"]),
        ("gateway", ["tools:read", "contexts:read"], ["contexts:read"]),
        ("admin", ["metrics:read", "users:write", "audit:*"], []),
    ],
)
async def test_a_key_tells_which_of_its_scopes_its_type_cannot_use(
    organization: Organization, key_type: str, scopes: list[str], unusable: list[str]
):
    key = await made(organization, key_type=key_type, scopes=scopes)
    assert (key["info"]["scopes"], key["info"]["unusable_scopes"]) == (scopes, unusable)
    path = f"{PATH}/{key['id']}"
    _, shown = await organization.ask("GET", path)
    assert (shown["scopes"], shown["unusable_scopes"]) == (scopes, unusable)
    _, changed = await organization.ask("PATCH", path, {"scopes": ["tools:read"]})
    assert changed["unusable_scopes"] == []


@pytest.mark.parametrize(
    ("key_type", "scopes", "method", "path", "said"),
    [
        ("user", ["metrics:read"], "GET", "/metrics", "No user key can do this, whatever its scopes say: use an admin"),
        ("agent", ["users:read"], "GET", "/api/v1/users", "No agent key can do this, whatever its scopes say: use an"),
        ("agent", ["keys:read"], "GET", PATH, "No agent key can do this, whatever its scopes say: use a user key"),
        ("user", ["read"], "GET", "/api/v1/audit", "use an admin key"),
        ("user", ["contexts:read"], "GET", PATH, "Use a key that holds the scopes in required_scopes"),
        ("admin", ["contexts:read"], "GET", "/metrics", "Use a key that holds the scopes in required_scopes"),
    ],
)  # fmt: skip
async def test_a_403_says_which_type_of_key_it_takes(
    organization: Organization, key_type: str, scopes: list[str], method: str, path: str, said: str
):
    key = await organization.new_key(key_type=key_type, scopes=scopes)
    status, problem = await organization.ask(method, path, key=key)
    assert (status, problem["code"]) == (403, "insufficient_scope")
    assert said in problem["hint"]


async def test_whoever_is_kept_from_it_by_a_role_is_not_sent_for_an_admin_key(organization: Organization):
    person = await new_person(organization)
    _, own = await person.ask("POST", PATH, {"name": "mine"})
    status, problem = await organization.ask("GET", "/metrics", key=own["api_key"])
    assert (status, problem["required_scopes"]) == (403, ["metrics:read"])
    assert "admin key" not in problem["hint"]
