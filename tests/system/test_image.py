"""The image's own build steps, taken from the Dockerfile and run without an engine; and the log that guides search."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address
    from system.conftest import Machine

ROOT = Path(__file__).parents[2]


def build(directory: Path) -> Path:
    """Do what the first stage does, below `directory`; return the programs that the image would hold."""
    text = re.sub(r"\\\n\s*", " ", (ROOT / "Dockerfile").read_text())
    place = directory / "src"
    place.mkdir()
    for line in text.partition("\n\n")[0].splitlines():
        instruction, _, rest = line.partition(" ")
        if instruction == "COPY":
            *sources, target = rest.split()
            for source in sources:
                _copy(ROOT / source, place / target / (Path(source).name if target.endswith("/") else ""))
        elif instruction == "RUN":
            environ = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "HOME": str(directory)}
            command = rest.replace("/opt/", f"{directory}/opt/").replace("/bin/pip ", "/bin/pip -q ")
            pip = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
            subprocess.run(["/bin/sh", "-c", command], cwd=place, env=environ | pip, check=True)
    return directory / "opt" / "devmesh" / "bin"


def _copy(source: Path, target: Path) -> None:
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        shutil.copy(source, target)


async def test_what_the_image_holds_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, machine: Machine, database: Address, github: GitHub
):
    (tmp_path / "image").mkdir()
    programs = build(tmp_path / "image")
    assert list((programs.parent / "lib").glob("python*/site-packages/devmesh/__init__.py"))
    # Servers are started with the Python that runs.
    monkeypatch.setattr(sys, "executable", str(programs / "python"))
    installation = await machine.serve(database.url())
    await installation.walk(github)
    assert (await installation.http.get("/verify")).status == 200
    assert (programs / "devmesh").exists()


async def test_the_log_tells_whose_credentials_were_loaded_and_never_the_token(
    machine: Machine, database: Address, github: GitHub
):
    installation = await machine.serve(database.url())
    organization = await installation.walk(github)
    loaded = [line for line in installation.log().splitlines() if "credentials loaded" in line]
    assert len(loaded) == 1
    assert f"service=github owner={organization.registered['user']['id']}" in loaded[0]
    assert all(token not in installation.log() for token in github.logins)
