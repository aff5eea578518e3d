"""The TypeScript SDK's own tools, as its tests run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

SDK = Path(__file__).parents[2] / "sdk" / "typescript"


def make(*arguments: str | Path, given: str = "", **environ: str) -> str:
    """Run `sdk/typescript/make.py` and return what it said; the test fails with all of it if that failed."""
    command = [sys.executable, SDK / "make.py", *arguments]
    env = os.environ | environ
    done = subprocess.run(command, check=False, input=given, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
