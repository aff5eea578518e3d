"""What commands share that give services of elsewhere a key here: over a server's API, each once, each written down."""

from __future__ import annotations

import argparse
import csv
import getpass
import io
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from devmesh.cli.connected import CommandFailed, failed
from devmesh.cli.services_file import FileFaults, Service
from devmesh.client.address import DEFAULT_URL, Address
from devmesh.client.failure import Failed, Refused
from devmesh.client.server import Server
from devmesh.client.session import Key

_STANDARD_OUTPUT = "-"
_WHAT = "The import ended"
# These end it for every service: the administrator's key itself will not do.
_HOPELESS = ("insufficient_scope", "tenant_not_allowed")
_UNKNOWN = 401
# Many keys are made at once: the limit of the administrator's key is waited out.
_LONGEST_WAIT = 120.0


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where the server is, and where the new keys go."""
    parser.add_argument(
        "--keys-to",
        metavar="FILE",
        help="new file, readable by you alone, that the new keys are written to; - for standard output",
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be made, and make nothing")
    parser.add_argument(
        "--url",
        default=os.environ.get("DEVMESH_URL") or DEFAULT_URL,
        help=f"the server's address (default: DEVMESH_URL, or {DEFAULT_URL})",
    )


def run(options: argparse.Namespace, read: Callable[[], Sequence[Service]]) -> int:
    """Give each service that `read` returns a tenant and a key, unless it has them; 1 if any could not be given one."""
    try:
        services = read()
        _check(options.keys_to, dry_run=options.dry_run)
        client = Server(Address.of(options.url), Key(_key_given(), advice={}), longest_wait=_LONGEST_WAIT)
        if options.dry_run:
            return _foretell(client, services)
        with _output(options.keys_to) as output:
            report = sys.stderr if options.keys_to == _STANDARD_OUTPUT else sys.stdout
            return _import(client, services, output, report)
    except FileFaults as error:
        return failed(_WHAT, CommandFailed("; ".join(error.faults)))
    except Failed as error:
        return failed(_WHAT, CommandFailed(_said(error)))
    except CommandFailed as error:
        return failed(_WHAT, error)


def _said(error: Failed) -> str:
    return f"{error.what} {error.hint}".strip()


def _key_given() -> str:
    """Return the key from DEVMESH_API_KEY, from the terminal without an echo, or from standard input.

    Never from the command line: others on the machine can read that, and the shell keeps it.
    """
    key = os.environ.get("DEVMESH_API_KEY", "").strip()
    if not key:
        key = (getpass.getpass("API key: ") if sys.stdin.isatty() else sys.stdin.readline()).strip()
    if not key:
        raise CommandFailed("set DEVMESH_API_KEY to an administrator's API key, or write the key to standard input.")
    return key


def _check(keys_to: str | None, *, dry_run: bool) -> None:
    if dry_run:
        return
    if keys_to is None:
        raise CommandFailed("say with --keys-to FILE where the new keys are to go: they are shown once.")
    if keys_to != _STANDARD_OUTPUT and Path(keys_to).exists():
        raise CommandFailed(f"{keys_to} exists already: name a new file for the keys.")


def _foretell(client: Server, services: Iterable[Service]) -> int:
    tenants = _tenants(client)
    for service in services:
        if _existing(client, service, tenants):
            print(f"{service.name}: has its key '{service.key_name}' already")
        else:
            new = "" if service.tenant in tenants else "new "
            more = "".join(f", {name} {value}" for name, value in service.more.items())
            print(
                f"{service.name}: would get the key '{service.key_name}' ({' '.join(service.scopes)}{more}) "
                f"in the {new}tenant '{service.tenant}'"
            )
    return 0


def _import(client: Server, services: Iterable[Service], output: Keys, report: TextIO) -> int:
    tenants, wrong = _tenants(client), 0
    for service in services:
        try:
            print(f"{service.name}: {_give(client, service, tenants, output)}", file=report)
        except Refused as error:
            wrong += 1
            print(f"{service.name}: refused: {_said(error)}", file=report)
            if error.status == _UNKNOWN or error.problem in _HOPELESS:
                break
    return 1 if wrong else 0


def _give(client: Server, service: Service, tenants: set[str], output: Keys) -> str:
    if _existing(client, service, tenants):
        return f"has its key '{service.key_name}' already"
    body = {"name": service.key_name, "scopes": list(service.scopes), "tenant_id": service.tenant, **service.more}
    made = client.ask("POST", "/auth/keys", body)
    try:
        output.write(service, made["tenant_id"], made["api_key"])
    except OSError as error:
        raise CommandFailed(
            f"the key {made['id']} of {service.name} was made and could not be written down ({error.strerror}): "
            "revoke it (DELETE /api/v1/api-keys/{id}), and import again."
        ) from None
    new = "new " if made["tenant_created"] else ""
    return f"got the key '{service.key_name}' ({made['info']['key_prefix']}…) in the {new}tenant '{service.tenant}'"


def _tenants(client: Server) -> set[str]:
    return {tenant["slug"] for tenant in client.pages("/tenants", "tenants")}


def _existing(client: Server, service: Service, tenants: set[str]) -> bool:
    if service.tenant not in tenants:
        return False
    keys = client.pages("/api-keys", "api_keys", query={"tenant_id": service.tenant})
    return any(key["name"] == service.key_name and key["is_active"] for key in keys)


class Keys:
    """Where new keys are written, each as soon as it is made: an interruption loses none that was given."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._begun = False

    def write(self, service: Service, tenant_id: str, key: str) -> None:
        """Write one line of CSV, under a line of headings; it is on the disk when this returns."""
        rows = [] if self._begun else [("service", "tenant", "tenant_id", "api_key")]
        lines = io.StringIO()
        csv.writer(lines, lineterminator="\n").writerows([*rows, (service.name, service.tenant, tenant_id, key)])
        self._begun = True
        self._stream.write(lines.getvalue())
        self._stream.flush()
        if self._stream is not sys.stdout:
            os.fsync(self._stream.fileno())


@contextmanager
def _output(keys_to: str) -> Iterator[Keys]:
    if keys_to == _STANDARD_OUTPUT:
        yield Keys(sys.stdout)
        return
    try:
        descriptor = os.open(keys_to, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise CommandFailed(f"{keys_to} cannot be written: {error.strerror}.") from None
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        yield Keys(opened)
    if not Path(keys_to).stat().st_size:
        Path(keys_to).unlink()
