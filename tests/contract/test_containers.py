"""The image and the local compose file, which need an engine to be built: what can be held without one."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from devmesh import cli
from devmesh.settings import DEFAULT_PORT, SETTINGS, Settings

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
DOCKERFILE = (ROOT / "Dockerfile").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.local.yml").read_text())
KNOWN = {setting.name for setting in SETTINGS}
YAML_RULES = "{extends: default, rules: {line-length: {max: 120}, document-start: disable}}"


def instructions(name: str) -> list[str]:
    """Return the arguments of every such instruction, each on one line."""
    joined = re.sub(r"\\\n\s*", " ", DOCKERFILE)
    return [line.removeprefix(name).strip() for line in joined.splitlines() if line.startswith(f"{name} ")]


@pytest.mark.parametrize(
    "command",
    [
        [BIN / "hadolint", "--failure-threshold", "style", "Dockerfile"],
        [BIN / "yamllint", "--strict", "-d", YAML_RULES, "docker-compose.local.yml"],
    ],
    ids=["hadolint", "yamllint"],
)
def test_a_linter_finds_nothing(command: list[str | Path]):
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_setting_that_is_named_is_one():
    named = set(re.findall(r"DEVMESH_[A-Z_]+", DOCKERFILE + (ROOT / "docker-compose.local.yml").read_text()))
    assert named
    assert named <= KNOWN


def test_everything_that_is_copied_is_there_and_reaches_the_engine():
    ignored = [line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"]
    copied = [word for line in instructions("COPY") if "--from" not in line for word in line.split()[:-1]]
    assert {"src", "pyproject.toml", "requirements-extras.lock"} <= set(copied)
    for path in copied:
        assert (ROOT / path).exists(), path
        assert any(fnmatch(path, pattern) for pattern in ignored), f".dockerignore keeps {path} out"


def test_it_starts_what_the_command_line_offers(capsys: pytest.CaptureFixture[str]):
    program, command, *options = json.loads(instructions("ENTRYPOINT")[0])
    assert (program, command) == ("devmesh", "serve")
    assert options == ["--host", "0.0.0.0"]  # noqa: S104 - inside a container, which its engine publishes
    with pytest.raises(SystemExit):
        cli.main(["serve", "--help"])
    assert "--host" in capsys.readouterr().out


def test_it_runs_as_nobody_in_particular_and_keeps_its_data_in_a_volume():
    assert int(instructions("USER")[-1]) > 0
    assert f"DEVMESH_DATA_DIR={instructions('VOLUME')[0]}" in instructions("ENV")[0]
    assert instructions("EXPOSE") == [str(DEFAULT_PORT)]
    assert f":{DEFAULT_PORT}/readyz" in instructions("HEALTHCHECK")[0]


def test_the_service_is_called_as_the_guide_calls_it():
    assert "rest-api" in COMPOSE["services"]
    assert COMPOSE["services"]["rest-api"]["build"] == "."
    # Reached from this machine alone.
    assert COMPOSE["services"]["rest-api"]["ports"] == [f"127.0.0.1:{DEFAULT_PORT}:{DEFAULT_PORT}"]


def test_its_settings_are_taken_and_name_the_database_beside_it():
    environment = COMPOSE["services"]["rest-api"]["environment"]
    assert environment["DEVMESH_MASTER_KEY"].startswith("${DEVMESH_MASTER_KEY:?")
    settings = Settings.load(environment | {"DEVMESH_MASTER_KEY": "A" * 43 + "="})
    url = urlsplit(settings.database_url)
    server = COMPOSE["services"][url.hostname]
    assert url.username == server["environment"]["POSTGRES_USER"]
    assert url.password == server["environment"]["POSTGRES_PASSWORD"]
    assert url.path == f"/{server['environment']['POSTGRES_DB']}"
    assert int(re.match(r"postgres:(\d+)", server["image"])[1]) >= 15
    assert COMPOSE["services"]["rest-api"]["depends_on"][url.hostname]["condition"] == "service_healthy"


def test_every_volume_that_is_used_is_declared():
    used = {volume.partition(":")[0] for service in COMPOSE["services"].values() for volume in service["volumes"]}
    assert used == set(COMPOSE["volumes"])
