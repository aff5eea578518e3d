"""`devmesh doctor`."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Iterable, Sequence

from devmesh.cli import doctor_database, doctor_limits, doctor_machine, doctor_mail, doctor_services, port
from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.settings import DEFAULT_PORT, Settings, SettingsError


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the server is expected."""
    parser.add_argument("--host", default="127.0.0.1", help="address it listens on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="port it listens on (default: %(default)s)")
    parser.add_argument(
        "--services",
        nargs="*",
        metavar="URL",
        help="also see whether services are reached, as calls would go: those with an address of their own (GitHub's "
        "and others'), or the base URLs that are given",
    )


def run(options: argparse.Namespace) -> int:
    """Print a line for each thing looked at, and a mend for each that is wrong; 1 if anything is."""
    findings = list(_look(options.host, options.port, options.services))
    for finding in findings:
        print(f"{'wrong' if finding.mend else 'ok':6}{finding.what}")
        if finding.mend:
            print(f"      mend: {finding.mend}")
    faults = sum(1 for finding in findings if finding.mend)
    print("Nothing is wrong." if not faults else f"{faults} of {len(findings)} are wrong.")
    return 1 if faults else 0


def _look(host: str, port: int, services: Sequence[str] | None) -> Iterable[Finding]:
    try:
        settings = Settings.load(os.environ, host=host, port=port)
    except SettingsError as error:
        for problem in error.problems:
            yield wrong("settings", problem)
        return
    yield good(f"settings: {settings.env}, reached at {settings.public_url}")
    yield from doctor_machine.look(settings)
    yield from asyncio.run(doctor_database.look(settings))
    yield asyncio.run(doctor_mail.look(settings))
    yield asyncio.run(doctor_limits.look(settings))
    if services is not None:
        yield from asyncio.run(doctor_services.look(settings, doctor_services.places(services)))
