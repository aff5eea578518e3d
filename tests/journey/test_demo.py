"""`devmesh demo`, as a person runs it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from devmesh.demo.walk import TOKEN

PROGRAM = "from devmesh.cli import main; raise SystemExit(main())"


def demo(tmp: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", environ.pop("program", PROGRAM), "demo"],
        capture_output=True,
        text=True,
        timeout=240,
        env=os.environ | {"TMPDIR": str(tmp)} | environ,
        check=False,
    )


def room() -> tempfile.TemporaryDirectory[str]:
    directory = tempfile.TemporaryDirectory(prefix="devmesh-")
    Path(directory.name).chmod(0o711)
    return directory


def test_the_demo_walks_all_the_way_and_leaves_nothing():
    with room() as tmp:
        # A setting of whoever runs it changes nothing.
        done = demo(Path(tmp), DEVMESH_REGISTRATION="closed")
        assert done.returncode == 0, done.stderr
        assert list(Path(tmp).iterdir()) == []
    lines = done.stdout.splitlines()
    assert sum("  ok  " in line for line in lines) == 14
    for title in ("The issue", "What GitHub received", "Its audit record"):
        assert title in lines
    said = " ".join(done.stdout.split())
    assert "created as ada-on-github" in said
    assert "github.create_issue: ok" in said
    assert TOKEN not in said
    assert max(len(line) for line in lines) <= 80
    assert "\033" not in done.stdout
    assert done.stderr == ""


def test_a_step_that_goes_wrong_is_named_and_ends_the_demo():
    # A GitHub that knows somebody else's token.
    program = f"import devmesh.cli.demo as demo; demo.TOKEN += 'x'\n{PROGRAM}"
    with room() as tmp:
        done = demo(Path(tmp), program=program)
        assert list(Path(tmp).iterdir()) == []
    assert done.returncode == 1
    assert done.stdout.splitlines()[-1].endswith("failed")
    assert (
        "step 8, have GitHub validate the token: Unexpected: the verdict: expected (True, 'ada-on-github')"
        in done.stderr
    )


def test_an_interrupted_demo_leaves_nothing():
    with room() as tmp:
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, "demo"], stdout=subprocess.PIPE, text=True, env=os.environ | {"TMPDIR": tmp}
        )
        for line in process.stdout:
            if line.startswith(" 2  "):
                break
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=120)
        assert process.returncode == 130
        assert list(Path(tmp).iterdir()) == []
