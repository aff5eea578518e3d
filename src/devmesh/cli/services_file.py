"""The file of services that used basic authentication: a list, an htpasswd file, CSV, JSON or YAML.

Passwords and hashes that stand in it are read past: no key is derived from them, and no message repeats them.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from devmesh.access.scopes import is_scope
from devmesh.directory import names

# As in guide 1's loop.
SCOPES = ("contexts:read", "contexts:write")
_NAMES = ("service", "username", "name")
_LARGEST = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Service:
    """A service that is to have a key of its own, in a tenant of its own; `more` is what else is asked for the key."""

    name: str
    tenant: str
    scopes: tuple[str, ...] = SCOPES
    more: Mapping[str, str | int] = field(default_factory=dict)

    @property
    def key_name(self) -> str:
        """The name that tells the key again when the file is imported once more."""
        return f"{self.name}-migration"


class FileFaults(Exception):
    """The file cannot be used; `faults` names every place and what is wrong there."""

    def __init__(self, *faults: str) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


def read(file: Path) -> list[Service]:
    """Return the services of the file, each once, in its order; raise FileFaults."""
    text = text_of(file)
    services: dict[str, Service] = {}
    faults: list[str] = []
    for where, entry in _entries(text, file.suffix.lower()):
        try:
            service = _service(entry)
        except ValueError as error:
            faults.append(f"{where}: {error}")
        else:
            if services.setdefault(service.name, service) != service:
                faults.append(f"{where}: '{service.name}' stands twice, with another tenant or other scopes.")
    if not services and not faults:
        faults.append("The file names no service.")
    if faults:
        raise FileFaults(*faults)
    return list(services.values())


def text_of(file: Path) -> str:
    """Return what the file holds; raise FileFaults."""
    try:
        with file.open("rb") as opened:
            text = opened.read(_LARGEST + 1).decode("utf-8-sig")
    except OSError as error:
        raise FileFaults(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeError:
        raise FileFaults(f"{file} is not text in UTF-8.") from None
    if len(text) > _LARGEST:
        raise FileFaults(f"{file} is larger than {_LARGEST} bytes.")
    return text


def _entries(text: str, suffix: str) -> Iterable[tuple[str, Any]]:
    if suffix == ".csv":
        return _rows(text)
    if suffix in (".json", ".yaml", ".yml"):
        decode = msgspec.json.decode if suffix == ".json" else msgspec.yaml.decode
        try:
            found = decode(text)
        except (msgspec.DecodeError, RecursionError):
            # The decoder's own message may quote the file, and passwords with it.
            raise FileFaults(f"The file is no {suffix[1:].upper()}.") from None
        if isinstance(found, dict):
            found = found.get("services", found)
        if isinstance(found, dict):
            # By name, as in a configuration: {monitoring: {username: …}}.
            found = [{**entry, "service": name} if isinstance(entry, dict) else name for name, entry in found.items()]
        if not isinstance(found, list):
            raise FileFaults("The file must hold a list of services.")
        return [(f"service {number}", entry) for number, entry in enumerate(found, 1)]
    lines = [(f"line {number}", line.strip()) for number, line in enumerate(text.splitlines(), 1)]
    # What follows a colon is an htpasswd file's hash.
    return [(where, line.partition(":")[0].strip()) for where, line in lines if line and not line.startswith("#")]


def _rows(text: str) -> list[tuple[str, Any]]:
    rows = csv.DictReader(io.StringIO(text), skipinitialspace=True)
    try:
        rows.fieldnames = [name.strip().lower() for name in rows.fieldnames or ()]
        if not set(rows.fieldnames) & set(_NAMES):
            raise FileFaults(f"The first line must head the columns; one of them is called {' or '.join(_NAMES)}.")
        return [(f"line {rows.line_num}", row) for row in rows]
    except csv.Error:
        raise FileFaults("The file is no CSV.") from None


def _service(entry: Any) -> Service:
    given: Mapping[Any, Any] = entry if isinstance(entry, dict) else {"service": entry}
    name = next((given[field] for field in _NAMES if given.get(field)), None)
    if not isinstance(name, str):
        raise ValueError(  # noqa: TRY004 - all that is wrong with an entry is told alike
            f"names no service; one of these fields must: {', '.join(_NAMES)}."
        )
    name = name.strip().lower()
    tenant = given.get("tenant") or f"{name}-tenant"
    scopes = given.get("scopes") or SCOPES
    if isinstance(scopes, str):
        scopes = scopes.replace(",", " ").split()
    if not isinstance(tenant, str) or not all(isinstance(scope, str) for scope in scopes):
        raise ValueError("the tenant must be text and the scopes a list of texts.")
    wrong = [scope for scope in scopes if not is_scope(scope)]
    if wrong:
        raise ValueError(f"these are no scopes: {', '.join(wrong)}.")
    try:
        return Service(name, names.slug(tenant), tuple(scopes))
    except ValueError as error:
        raise ValueError(f"'{tenant}' cannot be a tenant's slug: it {error}.") from None
