"""Keys of LiteLLM get a counterpart each, from what its proxy lists."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from devmesh.cli import litellm
from devmesh.cli.services_file import FileFaults, Service
from running import Organization

SCOPES = ("tools:read:github",)
DIGEST = "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"
WEB = {"team_id": "3d7c6f0e-0c3b-4a8e-9a5f-1c2d3e4f5a6b", "team_alias": "Web Team"}


def key(alias: str | None, **more: Any) -> dict[str, Any]:
    """One key as LiteLLM lists it, with fields that have no counterpart."""
    usual = {"token": DIGEST, "key_name": "sk-...T6bQ", "models": ["gpt-5"], "max_budget": 10.0, "spend": 0.2}
    return {**usual, "key_alias": alias, "team_id": None, "rpm_limit": None, "expires": None, "blocked": None, **more}


@pytest.fixture
def listed(tmp_path: Path):
    """Writes a page of the list and returns its file."""

    def write(*keys: Any, name: str = "keys.json", **more: Any) -> Path:
        file = tmp_path / name
        file.write_text(
            json.dumps({"keys": keys, "total_count": len(keys), "current_page": 1, "total_pages": 1} | more)
        )
        return file

    return write


@pytest.fixture
def teams(tmp_path: Path) -> Path:
    file = tmp_path / "teams.json"
    file.write_text(json.dumps([{**WEB, "max_budget": 100.0, "members_with_roles": []}]))
    return file


def read(*files: Path, teams: Path | None = None) -> list[Service]:
    return litellm.read(files, teams, SCOPES, "no-team")


def test_a_key_carries_over_its_name_team_limit_and_end(listed, teams):
    file = listed(
        key("nightly", team_id=WEB["team_id"], rpm_limit=60, expires="2999-01-01T00:00:00Z"),
        key("triage", expires="2999-01-01T00:00:00"),
    )
    limits = {"rate_limit": 60, "rate_window": 60}
    ends = {"expires_at": "2999-01-01T00:00:00+00:00"}
    assert read(file, teams=teams) == [
        Service("nightly", "web-team", SCOPES, {"key_type": "agent", **limits, **ends}),
        Service("triage", "no-team", SCOPES, {"key_type": "agent", **ends}),
    ]


def test_a_key_that_is_blocked_or_over_gets_none(listed):
    over = (key("a", blocked=True), key("b", expires="2020-01-01T00:00:00"), key("c", blocked=False))
    assert [service.name for service in read(listed(*over))] == ["c"]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([DIGEST], "key 1: only its digest is listed"),
        ([key(None)], "key 1: it has no key_alias"),
        ([key("a", team_id=WEB["team_id"])], "cannot be a tenant's slug"),
        ([key("a"), key("a", rpm_limit=5)], "key 2: there are two keys 'a'"),
        ([key("a", team_id="t1", team_alias="Web"), key("b", team_id="t2", team_alias="web!")], "that of two teams"),
        ([key("a", blocked=True)], "No key is listed that still works."),
    ],
)
def test_what_cannot_be_carried_over_is_named_and_no_digest(listed, keys, said):
    with pytest.raises(FileFaults) as found:
        read(listed(*keys))
    assert said in str(found.value)
    assert DIGEST not in str(found.value)


def test_a_page_that_is_missing_is_named_before_anything_is_made(listed):
    first = listed(key("a"), total_pages=2)
    with pytest.raises(FileFaults, match="of 2 pages, 2 are in no file"):
        read(first)
    second = listed(key("b"), name="more.json", current_page=2, total_pages=2)
    assert [service.name for service in read(first, second)] == ["a", "b"]


@pytest.mark.parametrize(
    "text", ["", "[]", '{"keys": 1}', '{"version": "2025-03-26", "entities": {}}', '{"keys": [{"expires": 1}]}']
)
def test_a_file_that_is_something_else_is_said_to_be(tmp_path, text):
    file = tmp_path / "other.json"
    file.write_text(text)
    with pytest.raises(FileFaults, match="is not what LiteLLM lists"):
        read(file)


async def devmesh(organization: Organization, *arguments: str | Path) -> tuple[int, str, str]:
    environ = {"PATH": os.environ["PATH"], "DEVMESH_URL": organization.mesh.url, "DEVMESH_API_KEY": organization.key}
    program = [
        "-c",
        "import sys; from devmesh.cli import main; sys.exit(main())",
        "import-gateway",
        "--from",
        "litellm",
    ]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *program, *map(str, arguments), env=environ, stdin=-1, stdout=-1, stderr=-1
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_each_key_gets_one_here_once_with_its_limit(organization: Organization, listed, teams, tmp_path):
    file = listed(
        key("nightly", team_id=WEB["team_id"], rpm_limit=7, expires="2999-01-01T00:00:00Z"),
        key("greedy", rpm_limit=10**6),
    )
    new = tmp_path / "new.csv"
    options = (file, "--teams", teams, "--scopes", "tools:read:github")
    foretold = await devmesh(organization, *options, "--dry-run")
    assert (foretold[0], "rate_limit 7" in foretold[1]) == (0, True)
    code, out, _ = await devmesh(organization, *options, "--keys-to", new)
    assert (code, "greedy: refused: " in out) == (1, True)
    with new.open() as opened:
        (row,) = csv.DictReader(opened)
    assert (row["service"], row["tenant"], row["api_key"][:4]) == ("nightly", "web-team", "agt_")
    _, body = await organization.ask("GET", "/api/v1/api-keys?tenant_id=web-team")
    (made,) = body["api_keys"]
    assert (made["name"], made["key_prefix"]) == ("nightly-migration", row["api_key"][:8])
    assert (made["rate_limit"], made["rate_window"], made["expires_at"]) == (7, "60 seconds", "2999-01-01T00:00:00Z")
    again = await devmesh(organization, *options, "--keys-to", tmp_path / "more.csv")
    assert "nightly: has its key 'nightly-migration' already" in again[1]


async def test_a_scope_that_is_none_is_said_to_be(organization: Organization, listed):
    code, _, err = await devmesh(organization, listed(key("a")), "--scopes", "gpt-5", "--dry-run")
    assert (code, "gpt-5" in err) == (1, True)
