"""What `make` runs, read without running it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
# What the set-up's targets depend on; their contents do not matter here.
NEEDED = ("pyproject.toml", "requirements-extras.lock", "requirements-build.lock", "requirements-dev.lock")


def test_the_set_up_works_in_a_directory_with_a_blank_in_its_name(tmp_path: Path):
    place = tmp_path / "my projects"
    (place / "sdk" / "python").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", place)
    for name in (*NEEDED, "sdk/python/pyproject.toml"):
        (place / name).touch()
    # Not as a part of the `make` that runs the tests.
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = [shutil.which("make") or "make", "--dry-run", "test"]
    planned = subprocess.run(command, cwd=place, env=alone, capture_output=True, text=True, check=True).stdout
    lines = [line for line in planned.replace("\\\n", " ").splitlines() if str(place) in line]
    assert lines
    for line in lines:
        assert any(str(place) in word for word in shlex.split(line)), line


def test_a_python_that_there_is_none_of_is_said(tmp_path: Path):
    shutil.copy(ROOT / "Makefile", tmp_path)
    alone = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = [shutil.which("make") or "make", f"PYTHON={tmp_path}/python3", ".venv/bin/python"]
    ran = subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=False)
    assert ran.returncode != 0
    assert f"There is no program {tmp_path}/python3" in ran.stderr
    assert "venv module" not in ran.stderr
