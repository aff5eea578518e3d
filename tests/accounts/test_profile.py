"""The own profile, by key and by session."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from running import Mesh, Organization


@pytest.mark.parametrize("path", ["/api/v1/auth/profile", "/api/v1/profile"])
async def test_a_name_is_changed_and_seen_by_the_next_request(organization: Organization, path: str):
    status, changed = await organization.ask("PATCH", path, {"name": " Ada Lovelace "})
    assert (status, changed["name"]) == (200, "Ada Lovelace")
    assert (await organization.ask("GET", path))[1] == changed
    _, audit = await organization.ask("GET", "/api/v1/audit?action=user.profile.change")
    assert [entry["target"] for entry in audit["entries"]] == [changed["id"]]


async def test_nothing_sent_changes_nothing(organization: Organization):
    status, profile = await organization.ask("PATCH", "/api/v1/profile", {})
    assert (status, profile["name"]) == (200, "Ada Admin")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": None}, "name"),
        ({"name": ["Ada"]}, "name"),
        ({"name": "Ada\r\nBcc: eve@example.com"}, "name"),
        ({"name": "Ada \u202eadA"}, "name"),
        ({"name": "a" * 201}, "name"),
        ({"email": "eve@example.com"}, "email"),
        ({"role": "owner"}, "role"),
        ({"name": "Ada", "is_active": False}, "is_active"),
    ],
)
async def test_only_a_good_name_is_ones_own_to_change(organization: Organization, body: Any, field: str):
    status, problem = await organization.ask("PATCH", "/api/v1/auth/profile", body)
    assert (status, [fault["field"] for fault in problem["errors"]]) == (422, [field])
    assert (await organization.ask("GET", "/api/v1/auth/profile"))[1]["name"] == "Ada Admin"


async def test_an_agents_key_reads_the_profile_and_changes_nothing(organization: Organization):
    key = await organization.new_key(key_type="agent")
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=key))[0] == 200
    assert (await organization.ask("PATCH", "/api/v1/auth/profile", {"name": "Eve"}, key=key))[0] == 403


async def test_one_persons_change_leaves_a_colleagues_name(mesh: Mesh):
    organization = await mesh.organization()
    colleague = await organization.person()
    await organization.ask("PATCH", "/api/v1/auth/profile", {"name": "Ada Lovelace"})
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=colleague))[1]["name"] == "Bo Person"
