"""One line for each figure: its name, what was measured, what was asked, and whether that holds."""

from __future__ import annotations

import re
import subprocess

from devmesh.db.embedded_binaries import find_binaries

missed: list[str] = []


def figure(name: str, measured: float, asked: float, unit: str, more: str = "") -> None:
    """Print the line; one that does not hold joins `missed`."""
    held = measured <= asked
    print(
        f"{name:34} {measured:8.2f}{unit:3} asked <= {asked:g}{unit:3} {'ok' if held else 'MISSED'}"
        f"{f'  ({more})' if more else ''}",
        flush=True,
    )
    if not held:
        missed.append(name)


def note(text: str) -> None:
    """Print a line that no figure was asked for."""
    print(f"  {text}", flush=True)


def postgresql() -> str:
    """Return the version of the PostgreSQL that the gateway runs."""
    said = subprocess.run(
        [find_binaries(None).command("postgres"), "--version"], capture_output=True, text=True, check=True
    ).stdout
    found = re.search(r"\d[\d.]*", said)
    return found[0] if found else said.strip()
