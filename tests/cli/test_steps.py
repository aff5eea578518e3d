"""Next steps in commands: each stands for a route that there is, and is a command that there is."""

from __future__ import annotations

import re

import pytest

from devmesh.cli.completion import words
from devmesh.client.steps import advised, spoken


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('Store it: POST /api/v1/credentials with "service_type": "github".', "Store it: 'devmesh connect github'."),
        ("POST /api/v1/credentials with service_type 'jira' and", "'devmesh connect jira' and"),
        ("POST /api/v1/credentials/aws/validate.", "'devmesh connect aws'."),
        ("lists; POST /api/v1/credentials stores", "lists; 'devmesh connect SERVICE' stores"),
        ("GET /api/v1/credentials lists", "'devmesh connect' lists"),
        ("Begin again: POST /api/v1/auth/login.", "Begin again: 'devmesh login'."),
        ("GET /api/v1/tools lists", "'devmesh tools list' lists"),
        ("tools/list shows the tools", "'devmesh tools list' shows the tools"),
        ("GET /api/v1/contexts lists", "'devmesh contexts list' lists"),
        ("GET /api/v1/api-keys lists", "'devmesh keys list' lists"),
        ("Create another key: POST /api/v1/api-keys.", "Create another key: 'devmesh keys create NAME'."),
        ("POST /api/v1/api-keys/{id}/rotate", "'devmesh keys rotate KEY'"),
        ("(DELETE /api/v1/api-keys/{id}), or", "('devmesh keys revoke KEY'), or"),
    ],
)
def test_a_route_becomes_the_command_that_does_the_same(text: str, said: str):
    assert spoken(text) == said
    [command] = re.findall(r"'devmesh ([^']+)'", said)
    name, *rest = command.split()
    assert name in words([])
    assert name != "keys" or rest[0] in words(["keys"])


@pytest.mark.parametrize(
    "text",
    [
        'POST /api/v1/credentials with "gateway_use": true.',
        "GET /api/v1/credentials/github/explain says why.",
        "GET /api/v1/contexts/{id}/versions lists them.",
        "GET /api/v1/api-keys/{id} shows it.",
        "POST /api/v1/auth/login/mfa",
        "https://tracker.example/issues?label=bug",
    ],
)
def test_a_route_without_a_command_stays(text: str):
    assert spoken(text) == text


def test_after_a_failed_login_the_command_is_named():
    assert "'devmesh login'" in advised("login_failed", "POST /api/v1/auth/password/reset")
    assert advised("key_ended", "Create another key: POST /api/v1/api-keys.").endswith("'devmesh keys create NAME'.")
