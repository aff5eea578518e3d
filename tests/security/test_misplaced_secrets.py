"""Secrets of ours that somebody puts where they do not belong are told to nobody: not in a reply, not in the record."""

from __future__ import annotations

import json
import secrets
import time
from typing import TYPE_CHECKING

import pytest

from devmesh.access import Role
from devmesh.crypto import tokens

if TYPE_CHECKING:
    from running import Organization

TOKENS = {
    "refresh token": f"rfr_{secrets.token_urlsafe(32)}",
    "half a login": f"mfa_{secrets.token_urlsafe(32)}",
    "API key": tokens.new_api_key("user"),
    "access token": f"eyJhbGciOiJFZERTQSJ9.{secrets.token_urlsafe(90)}.{secrets.token_urlsafe(64)}",
}


def is_told(token: str, text: str) -> bool:
    """Whether a part of the secret stands in the text: of an access token only the signature is one."""
    secret = token.rpartition(".")[2]
    return any(secret[at : at + 12] in text for at in range(0, len(secret) - 12, 4))


@pytest.mark.parametrize("kind", TOKENS)
# So far along that a cut at 200 characters goes through the middle of it.
@pytest.mark.parametrize("before", ["", "x" * 165])
async def test_a_token_in_a_path_stands_neither_in_the_reply_nor_in_the_record(
    organization: Organization, kind: str, before: str
):
    token, readonly = TOKENS[kind], await organization.person(Role.READONLY)
    _, problem = await organization.ask("GET", f"/api/v1/nothing/{before}{token}")
    status, forbidden = await organization.ask("POST", f"/api/v1/tools/{before}{token}/execute", {}, key=readonly)
    assert status in (403, 404)
    await organization.mesh.app.audit.flush()
    _, page = await organization.ask("GET", "/api/v1/audit?limit=200")
    for text in (json.dumps(problem), json.dumps(forbidden), json.dumps(page)):
        assert not is_told(token, text)


@pytest.mark.parametrize("kind", TOKENS)
async def test_a_token_in_a_query_is_refused_whatever_the_parameter_is_called(organization: Organization, kind: str):
    status, problem = await organization.ask("GET", f"/api/v1/health?page={TOKENS[kind]}")
    assert (status, problem["code"]) == (400, "credential_in_query")
    assert not is_told(TOKENS[kind], json.dumps(problem))


@pytest.mark.parametrize("kind", TOKENS)
async def test_a_token_in_the_name_of_a_field_is_not_repeated(organization: Organization, kind: str):
    status, problem = await organization.ask("POST", "/api/v1/tenants", {TOKENS[kind]: 1})
    assert status == 422
    assert not is_told(TOKENS[kind], json.dumps(problem))


def test_looking_for_secrets_takes_no_longer_than_the_text_is_long():
    for hostile in ("eyJ" * 100_000, "eyJa." * 60_000, ("eyJ" * 60 + ".") * 1500, "rfr_." * 60_000):
        began = time.process_time()
        tokens.masked(hostile)
        assert time.process_time() - began < 2
