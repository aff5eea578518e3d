"""Services that used basic authentication get keys of their own, once."""

from __future__ import annotations

import asyncio
import csv
import os
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from devmesh.access import Role
from devmesh.cli.services_file import SCOPES, FileFaults, Service, read
from devmesh.client.address import Address
from devmesh.client.server import Server
from devmesh.client.session import Key
from running import Organization
from sessions_people import new_person
from shell import PROGRAM, Ran, piped

THREE = [Service("ai-agent", "ai-agent-tenant"), Service("monitoring", "monitoring-tenant"), Service("db", "db-tenant")]


async def devmesh(organization: Organization, *arguments: str | Path, key: str | None = "own", stdin: str = "") -> Ran:
    """Run the command as a person does, in a process of its own."""
    environ = {"PATH": os.environ["PATH"], "DEVMESH_URL": organization.mesh.url}
    if key is not None:
        environ["DEVMESH_API_KEY"] = organization.key if key == "own" else key
    return await piped([*PROGRAM, "import-basic-auth", *map(str, arguments)], stdin, env=environ)


def keys_in(file: Path) -> dict[str, str]:
    with file.open() as opened:
        return {row["service"]: row["api_key"] for row in csv.DictReader(opened)}


@pytest.fixture
def services(tmp_path: Path) -> Path:
    file = tmp_path / "services"
    file.write_text("# what used basic authentication\nai-agent\nmonitoring\n\ndb\n")
    return file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("services", "\ufeff# ours\nai-agent\n  monitoring  \r\n\ndb\ndb\n"),
        (".htpasswd", "ai-agent:$apr1$abc$def\nmonitoring:{SHA}xyz=\ndb:$2y$05$abc\n"),
        ("s.csv", "Service, username, password\nai-agent,a,hunter2\nmonitoring,,\ndb,d,\n"),
        ("s.csv", "username,password\nai-agent,hunter2\nmonitoring,x\ndb,y\n"),
        ("s.json", '["ai-agent", "monitoring", "db"]'),
        ("s.json", '{"services": [{"service": "ai-agent", "password": "hunter2"}, "monitoring", {"username": "db"}]}'),
        ("s.yaml", "services:\n- ai-agent\n- service: monitoring\n  password: hunter2\n- db\n"),
        ("s.yml", "ai-agent:\n  username: a\nmonitoring: {}\ndb:\n"),
    ],
)
def test_a_file_is_read_in_the_forms_that_people_have(tmp_path: Path, name: str, text: str):
    file = tmp_path / name
    file.write_text(text)
    assert read(file) == THREE
    assert read(file)[0].key_name == "ai-agent-migration"
    assert read(file)[0].scopes == SCOPES


def test_an_entry_may_name_its_tenant_and_scopes(tmp_path: Path):
    file = tmp_path / "s.csv"
    file.write_text('service,tenant,scopes\nci,builds,"contexts:read, tools:execute:github"\n')
    assert read(file) == [Service("ci", "builds", ("contexts:read", "tools:execute:github"))]


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("s", "ok\nnot a slug\nb\u0430d\n", ("line 2", "line 3")),
        ("s", "", ("no service",)),
        ("s.csv", "ai-agent,hunter2\n", ("first line",)),
        ("s.json", '["hunter2"', ("no JSON",)),
        ("s.json", '"hunter2"', ("list",)),
        ("s.json", '[{"password": "hunter2"}, 7, null]', ("service 1", "service 2", "service 3")),
        ("s.json", '[{"service": "a1", "scopes": ["foo:bar"]}]', ("foo:bar",)),
        ("s.json", '[{"service": "a1", "tenant": "one"}, {"service": "a1", "tenant": "two"}]', ("twice",)),
        ("s.json", "[" * 100_000, ("no JSON",)),
        ("s.yaml", "a: [", ("no YAML",)),
    ],
)
def test_all_that_is_wrong_is_said_at_once_and_no_password(tmp_path: Path, name: str, text: str, said: tuple[str, ...]):
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(FileFaults) as raised:
        read(file)
    for part in said:
        assert part in str(raised.value)
    assert "hunter2" not in str(raised.value)


def test_a_file_that_is_not_there_or_no_text_is_said_to_be(tmp_path: Path):
    with pytest.raises(FileFaults, match="cannot be read"):
        read(tmp_path / "nowhere")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFaults, match="UTF-8"):
        read(tmp_path / "bytes")


async def test_each_service_gets_a_tenant_and_a_key_in_it_once(
    organization: Organization, services: Path, tmp_path: Path
):
    file = tmp_path / "keys.csv"
    ran = await devmesh(organization, services, "--keys-to", file)
    assert (ran.code, ran.err) == (0, ""), ran.err
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = keys_in(file)
    tenants = {entry["slug"]: entry["id"] for entry in (await organization.ask("GET", "/api/v1/tenants"))[1]["tenants"]}
    assert list(keys) == ["ai-agent", "monitoring", "db"]
    for name, key in keys.items():
        assert key not in ran.out
        # The guide's own test of a new key.
        _, health = await organization.ask("GET", "/api/v1/health", key=key)
        _, listed = await organization.ask("GET", f"/api/v1/api-keys?tenant_id={name}-tenant")
        assert (health["authenticated"], health["tenant_id"]) == (True, tenants[f"{name}-tenant"])
        assert [entry["scopes"] for entry in listed["api_keys"]] == [["contexts:read", "contexts:write"]]
    again = await devmesh(organization, services, "--keys-to", tmp_path / "again.csv")
    assert (again.code, again.out.count("already")) == (0, 3)
    assert not (tmp_path / "again.csv").exists()
    _, usage = await organization.ask("GET", "/api/v1/organization/usage")
    assert (usage["keys"]["used"], usage["tenants"]["used"]) == (4, 4)


async def test_a_revoked_key_is_made_anew(organization: Organization, services: Path, tmp_path: Path):
    await devmesh(organization, services, "--keys-to", tmp_path / "one")
    _, listed = await organization.ask("GET", "/api/v1/api-keys?tenant_id=db-tenant")
    await organization.ask("DELETE", f"/api/v1/api-keys/{listed['api_keys'][0]['id']}")
    ran = await devmesh(organization, services, "--keys-to", tmp_path / "two")
    assert (ran.code, list(keys_in(tmp_path / "two"))) == (0, ["db"])


async def test_a_dry_run_says_it_all_and_makes_nothing(organization: Organization, services: Path):
    await organization.new_key(name="monitoring-migration", tenant_id="monitoring-tenant")
    ran = await devmesh(organization, services, "--dry-run")
    assert ran.code == 0
    assert "monitoring: has its key" in ran.out
    assert "new tenant 'ai-agent-tenant'" in ran.out
    _, usage = await organization.ask("GET", "/api/v1/organization/usage")
    assert (usage["keys"]["used"], usage["tenants"]["used"]) == (2, 2)


async def test_keys_go_to_standard_output_only_by_choice(organization: Organization, services: Path):
    ran = await devmesh(organization, services)
    assert (ran.code, ran.out) == (1, "")
    assert "--keys-to" in ran.err
    ran = await devmesh(organization, services, "--keys-to", "-")
    assert (ran.code, len(ran.out.splitlines()), ran.err.count("got the key")) == (0, 4, 3)


async def test_a_file_that_exists_is_left_alone_and_nothing_is_made(
    organization: Organization, services: Path, tmp_path: Path
):
    file = tmp_path / "keys.csv"
    file.write_text("mine")
    ran = await devmesh(organization, services, "--keys-to", file)
    assert (ran.code, file.read_text()) == (1, "mine")
    assert (await organization.ask("GET", "/api/v1/tenants"))[1]["count"] == 1


async def test_the_key_is_read_from_standard_input_too(organization: Organization, services: Path):
    ran = await devmesh(organization, services, "--dry-run", key=None, stdin=f"{organization.key}\n")
    assert (ran.code, ran.out.count("would get")) == (0, 3)
    ran = await devmesh(organization, services, "--dry-run", key=None)
    assert (ran.code, "DEVMESH_API_KEY" in ran.err) == (1, True)


async def test_a_session_of_an_administrator_serves_as_well(organization: Organization, services: Path):
    administrator = await new_person(organization, Role.ADMIN)
    ran = await devmesh(organization, services, "--keys-to", "-", key=administrator.tokens.access_token)
    assert (ran.code, len(ran.out.splitlines())) == (0, 4)


@pytest.mark.parametrize("fields", [{"key_type": "user"}, {"key_type": "admin", "scopes": ["read"]}, None])
async def test_a_weaker_or_wrong_key_is_refused_and_not_repeated(
    organization: Organization, services: Path, fields: dict[str, Any] | None
):
    key = await organization.new_key(**fields) if fields else "adm_" + "x" * 43
    ran = await devmesh(organization, services, "--keys-to", "-", key=key)
    assert ran.code == 1
    assert key not in ran.out + ran.err
    assert "Traceback" not in ran.err
    assert (await organization.ask("GET", "/api/v1/tenants"))[1]["count"] == 1


async def test_what_one_service_is_refused_does_not_stop_the_others(organization: Organization, tmp_path: Path):
    file = tmp_path / "services.json"
    file.write_text('["one", {"service": "two", "scopes": ["admin"]}, "three"]')
    key = await organization.new_key(key_type="admin", scopes=["read", "write", "tenants:write"])
    ran = await devmesh(organization, file, "--keys-to", tmp_path / "keys", key=key)
    assert (ran.code, list(keys_in(tmp_path / "keys"))) == (1, ["one", "three"])
    assert "two: refused: Your key or role lacks admin." in ran.out


async def test_it_waits_as_long_as_the_server_asks(organization: Organization):
    key = await organization.new_key(key_type="user", rate_limit=1, rate_window=2)
    waited: list[float] = []

    def wait(seconds: float) -> None:
        waited.append(seconds)
        time.sleep(seconds)

    client = Server(Address.of(organization.mesh.url), Key(key), wait)
    async with asyncio.timeout(60):
        while not waited:  # two that are two seconds apart wait for nothing
            await asyncio.to_thread(client.ask, "GET", "/auth/profile")
