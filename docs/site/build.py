# ruff: noqa: INP001 - a script, no package
"""Builds the static site into the directory that it is given; a dead link or any other warning ends it with 1."""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.cmd.build import build_main

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


def main(target: str, source: str = str(ROOT)) -> int:
    """Build the site; return the exit code."""
    strict = ("--quiet", "--nitpicky", "--fail-on-warning")
    kept = str(Path(target).parent / "doctrees")
    return build_main([*strict, "-b", "html", "-c", str(HERE), "-d", kept, source, target])


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
