"""Headers that bring a credential along: read whole and without doubt, or refused before anything is sent."""

from __future__ import annotations

import pytest

from devmesh.errors import Invalid
from devmesh.gateway.passed import passed_through


def test_fields_are_named_by_service_and_everything_else_is_left_alone():
    headers = [
        (b"x-service-jira-api-token", b"abc"),
        (b"x-service-jira-base-url", b"https://jira.example"),
        (b"x-service-github-token", b" ghp_1 "),
        (b"x-service", b"no"),
        (b"x-services-github-token", b"no"),
        (b"authorization", b"Bearer no"),
    ]
    assert passed_through(headers) == {
        "jira": {"api_token": "abc", "base_url": "https://jira.example"},
        "github": {"token": "ghp_1"},
    }


@pytest.mark.parametrize("again", [b"x-service-jira-api-token", b"x-service-jira-api_token"])
def test_a_field_that_is_sent_twice_is_refused_whichever_is_meant(again: bytes):
    with pytest.raises(Invalid, match="sent twice") as caught:
        passed_through([(b"x-service-jira-api-token", b"first-secret"), (again, b"second-secret")])
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"x-service-github", b"abc"),
        (b"x-service-github-", b"abc"),
        (b"x-service--token", b"abc"),
        (b"x-service-github-token", b""),
        (b"x-service-github-token", b"  "),
        (b"x-service-github-token", b"some\tsecret"),
        (b"x-service-github-token", "sécret".encode("latin-1")),
        (b"x-service-github-token", b"secret" * 2731),
    ],
)
def test_what_is_no_field_of_a_service_is_refused_and_not_repeated(name: bytes, value: bytes):
    with pytest.raises(Invalid, match="X-Service-<service>-<field>") as caught:
        passed_through([(name, value)])
    assert "cret" not in str(caught.value)
