"""The form of what may be stored: fields, metadata, terms; every fault of it is named at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from devmesh.credentials import fields
from devmesh.credentials.globs import Glob
from devmesh.credentials.model import NewCredential
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Connector

_MOST_SCOPES = 200
_LONGEST_SCOPE = 200


def check(connector: Connector, new: NewCredential) -> None:
    """Raise Invalid naming every fault; no value of a field is repeated."""
    faults = [*fields.faults(connector, new.credentials, new.metadata), *_of_owner(new), *_of_terms(connector, new)]
    if len(new.scopes) > _MOST_SCOPES or any(len(scope) > _LONGEST_SCOPE for scope in new.scopes):
        faults.append(Fault("scopes", f"at most {_MOST_SCOPES}, each of at most {_LONGEST_SCOPE} characters"))
    if faults:
        raise Invalid(faults)


def _of_owner(new: NewCredential) -> Iterator[Fault]:
    if new.gateway_use and new.owner != "user":
        yield Fault("gateway_use", "is for your own credentials; gateway keys use service accounts as they are")
    for name, value in (("allowed_tools", new.allowed_tools), ("allowed_roles", new.allowed_roles)):
        if value is not None and new.owner == "user":
            yield Fault(name, 'is for service accounts ("owner": "organization"); your own serves you alone')


def _of_terms(connector: Connector, new: NewCredential) -> Iterator[Fault]:
    """Yield what no call could ever meet: it is a mistake."""
    if new.rules:
        known = {name for tool in connector.tools.values() for name in tool.arguments.schema["properties"]}
        for place, rule in enumerate(new.rules):
            for name in sorted(rule.arguments.keys() - known):
                message = f"no tool of {connector.title} takes an argument of that name"
                yield Fault(f"rules[{place}].arguments.{name}", message)
    for place, pattern in enumerate(new.allowed_tools or ()):
        glob = Glob(pattern)
        if not any(glob.matches(tool.name) for tool in connector.tools.values()):
            message = (
                f"no tool of {connector.title} is named so; write {connector.name}.<tool>, or {connector.name}.get_*"
            )
            yield Fault(f"allowed_tools[{place}]", message)
    if new.expires_at is not None and not _is_to_come(new.expires_at):
        yield Fault("expires_at", "must be a time to come")


def _is_to_come(at: datetime) -> bool:
    try:
        return at.astimezone(UTC) > datetime.now(UTC)
    except OverflowError:  # the last hours of the year 9999, west of Greenwich, are not in the calendar any more
        return False
