from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCKS = (
    "requirements.lock",
    "requirements-extras.lock",
    "requirements-build.lock",
    "requirements-dev.lock",
    "requirements-site.lock",
)


def pinned(lock: str) -> dict[str, str]:
    lines = (ROOT / lock).read_text().splitlines()
    return dict(re.match(r"([a-z0-9-]+)==(\S+)", line).groups() for line in lines if re.match(r"[a-z0-9]", line))


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_everything_by_hash_and_names_no_index(lock):
    text = (ROOT / lock).read_text()
    entries = re.split(r"\n(?=[a-z0-9])", text.strip())
    assert all("==" in entry and "--hash=sha256:" in entry for entry in entries)
    assert not re.search(r"https?://|file:|index|find-links|trusted-host| @ ", text)


def test_the_locks_hold_what_the_project_asks_for():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {
        "requirements.lock": project["project"]["dependencies"],
        "requirements-extras.lock": [
            one for extra in project["project"]["optional-dependencies"].values() for one in extra
        ],
        "requirements-build.lock": project["dependency-groups"]["build"],
        "requirements-dev.lock": project["dependency-groups"]["dev"],
        "requirements-site.lock": project["dependency-groups"]["site"],
    }
    for lock, asked in groups.items():
        for requirement in map(Requirement, (one for one in asked if isinstance(one, str))):
            assert requirement.specifier.contains(pinned(lock)[requirement.name]), f"{lock}: run 'make lock'"


@pytest.mark.parametrize("lock", ["requirements-extras.lock", "requirements-dev.lock"])
def test_a_larger_lock_agrees_with_the_base(lock):
    base, larger = pinned("requirements.lock"), pinned(lock)
    assert {name: larger[name] for name in base} == base


def test_the_base_is_small():
    # The lock is for every system; what only Windows needs, nobody gets: the gateway runs on Linux.
    lines = (ROOT / "requirements.lock").read_text().splitlines()
    assert len([line for line in lines if "==" in line and "sys_platform == 'win32'" not in line]) <= 40
