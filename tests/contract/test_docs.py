"""The pages hold: no dead link, no block that nothing tests, and tables that are the code's."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("script", [("check.py",), ("generate.py", "--check")], ids=["pages", "reference"])
def test_the_documents_are_sound(script: tuple[str, ...]):
    name, *options = script
    done = subprocess.run([sys.executable, str(DOCS / name), *options], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
