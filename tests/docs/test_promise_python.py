"""The other published guide's Python, as printed: inviting people.

It is no part of this repository: a copy lies beside the checkout where there is one.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from pages import blocks
from reader import PRINTED_URL, ROOT

FOUND = sorted(ROOT.parent.glob("*/spec/authentication-patterns.md"))
pytestmark = pytest.mark.skipif(not FOUND, reason="there is no copy of the guide beside this checkout")

PRINTED_FIELDS = {"id", "email", "name", "role", "status", "expires_at", "message"}


@pytest.fixture
def organization_manager(served) -> type[Any]:
    """The class that the guide prints, for our server's address."""
    [printed] = [block.text for block in blocks(FOUND[0].read_text()) if "class OrganizationManager" in block.text]
    assert PRINTED_URL in printed
    names: dict[str, Any] = {}
    exec(printed.replace(PRINTED_URL, served.url), names)  # noqa: S102 - the guide's reader does the same
    return names["OrganizationManager"]


def register(served) -> str:
    """Follow the guide's own first request; return the key."""
    requests = pytest.importorskip("requests")
    printed = next(block.text for block in blocks(FOUND[0].read_text()) if "register/organization" in block.text)
    body = json.loads(printed.partition("-d '")[2].partition("'")[0])
    reply = requests.post(f"{served.url}/api/v1/auth/register/organization", json=body, timeout=30)
    assert reply.status_code == 201
    return reply.json()["api_key"]


def test_the_guides_python_invites_users_of_every_role_that_it_names(served, organization_manager):
    manager = organization_manager(register(served))
    for role in ("admin", "member", "readonly"):
        invited = manager.invite_user(f"new-{role}@company.com", f"The {role}", role)
        assert set(invited) >= PRINTED_FIELDS
        assert (invited["email"], invited["role"], invited["status"]) == (f"new-{role}@company.com", role, "pending")
    assert manager.invite_user("bo@company.com", "Bo")["role"] == "member"
    # The free plan has five places: the administrator's and four.
    assert manager.invite_user("al@company.com", "Al")["code"] == "user_limit_reached"
