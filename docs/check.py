# ruff: noqa: INP001 - a script, no package
"""Says what is wrong with our pages, a line each; ends with 1 if anything is."""

from __future__ import annotations

import sys

from pages import ROOT, faults, pages


def main() -> int:
    """Look at every page; return the exit code."""
    found = [f"{path.relative_to(ROOT)}: {fault}" for path in pages() for fault in faults(path)]
    sys.stderr.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
