"""Which fields a credential consists of, as the connector declares them: of one stored, and of one passed through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgspec

from devmesh.credentials.model import Chosen, PassthroughIncomplete
from devmesh.crypto.tokens import is_api_key
from devmesh.errors import Fault
from devmesh.upstream.model import Connector

_LONGEST_FIELD = 16_384
_LARGEST_METADATA = 8_192
# Shorter ones stand in other words by chance.
_LEAST_SECRET = 8
_OWN_KEY = "is a key of this gateway, which no service may see"


def faults(connector: Connector, credentials: Mapping[str, str], metadata: Mapping[str, Any]) -> Iterator[Fault]:
    """Yield every fault of what is to be stored; no value is repeated."""
    found = list(_faults_of_form(connector, credentials, metadata))
    yield from found
    if not found:
        base_url = {"base_url": metadata["base_url"]} if "base_url" in metadata else {}
        for fault in connector.faults({**credentials, **base_url}):
            yield Fault(f"{'metadata' if fault.field in base_url else 'credentials'}.{fault.field}", fault.message)


def _faults_of_form(
    connector: Connector, credentials: Mapping[str, str], metadata: Mapping[str, Any]
) -> Iterator[Fault]:
    for name, message in _wrong(connector, credentials.keys()):
        yield Fault(f"credentials.{name}" if name else "credentials", message)
    yield from _wrong_values(credentials)
    for field in connector.fields:
        if field.metadata and field.required and field.name not in metadata:
            yield Fault(f"metadata.{field.name}", f"required for {connector.title}")
        if field.secret and field.name in metadata:
            yield Fault(f"metadata.{field.name}", "belongs into credentials: metadata is not sealed")
    yield from _secrets_shown(connector, credentials, metadata)
    if not isinstance(metadata.get("base_url", ""), str):
        yield Fault("metadata.base_url", "must be a string")
    if len(msgspec.json.encode(metadata)) > _LARGEST_METADATA:
        yield Fault("metadata", f"must be at most {_LARGEST_METADATA} bytes")


def _wrong_values(credentials: Mapping[str, str]) -> Iterator[Fault]:
    for name, value in credentials.items():
        if len(value) > _LONGEST_FIELD:
            yield Fault(f"credentials.{name}", f"must be at most {_LONGEST_FIELD} characters")
        elif not (value and value.isascii() and value.isprintable() and value == value.strip()):
            fault = "must be printable ASCII without blanks around it, as the service shows it"
            yield Fault(f"credentials.{name}", fault)
        elif is_api_key(value):
            yield Fault(f"credentials.{name}", _OWN_KEY)


def _secrets_shown(
    connector: Connector, credentials: Mapping[str, str], metadata: Mapping[str, Any]
) -> Iterator[Fault]:
    """Yield a fault for each part of the metadata that repeats a secret, which is to be sealed."""
    secret = {field.name for field in connector.fields if field.secret}
    values = [value for name, value in credentials.items() if name in secret and len(value) >= _LEAST_SECRET]
    for name, member in metadata.items():
        shown = msgspec.json.encode(member)
        if any(msgspec.json.encode(value)[1:-1] in shown for value in values):
            yield Fault(f"metadata.{name}", "repeats a secret of the credential: metadata is not sealed")


def passed(connector: Connector, fields: Mapping[str, str]) -> Chosen:
    """Return the passed-through set; it is complete by itself and never combines with a stored one."""
    readable = {field.name: field for field in connector.fields if field.metadata}
    sealed = {name: value for name, value in fields.items() if name not in readable and name != "base_url"}
    said = [f"{name} {message}" if name else message for name, message in _wrong(connector, sealed.keys())]
    said += [f"{name} {_OWN_KEY}" for name, value in sealed.items() if is_api_key(value)]
    said += [f"{name} required" for name, field in readable.items() if field.required and name not in fields]
    if said:
        raise PassthroughIncomplete(
            f"The X-Service-{connector.name}-* headers are no complete credential: {'; '.join(said)}.",
            hint=f"Send {_needed(connector, *(name for name, field in readable.items() if field.required))}, "
            f"each as a header of its own, such as {headers(connector)}.",
        )
    return Chosen("passthrough", None, fields.get("base_url"), sealed)


def how_to_connect(connector: Connector, *, passthrough: bool) -> str:
    """Return what a person does to connect the service; `passthrough` is whether calls may bring a credential along."""
    extra = [f"metadata.{field.name}" for field in connector.fields if field.required and field.metadata]
    needs = _needed(connector, *extra)
    where = f" (made at {connector.token_page})" if connector.token_page else ""
    alone = f" Or send it for one request alone: {headers(connector)}." if passthrough else ""
    return (
        f"Ask the person to store one: POST /api/v1/credentials with service_type '{connector.name}' "
        f"and {needs}{where}; then list the tools again.{alone}"
    )


def headers(connector: Connector) -> str:
    """Return the headers that pass a credential through, of its first form, as a person would write them."""
    names = [field.name for field in connector.fields if field.required]
    names += connector.forms[0] if connector.forms else ()
    return ", ".join(f"X-Service-{connector.name.title()}-{name.replace('_', '-').title()}" for name in names)


def _wrong(connector: Connector, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what keeps fields of these names from being one whole credential: (field, or "" for the set, message)."""
    fields = {field.name: field for field in connector.fields}
    sealed = [name for name, field in fields.items() if not field.metadata]
    for name in names:
        if name in fields and fields[name].metadata:
            yield name, "belongs into metadata"
        elif name not in fields:
            yield name, f"unknown; {connector.title} takes {', '.join(sealed)}"
    for name in sealed:
        if fields[name].required and name not in names:
            yield name, f"required for {connector.title}"
    yield from _wrong_form(connector, names)


def _wrong_form(connector: Connector, names: Collection[str]) -> Iterator[tuple[str, str]]:
    """Yield what keeps fields of these names from being exactly one of the connector's forms."""
    optional = {name for form in connector.forms for name in form}
    given = [name for name in names if name in optional]
    if not connector.forms or any(set(form) == set(given) for form in connector.forms):
        return
    fitting = [form for form in connector.forms if set(given) <= set(form)]
    if not fitting:
        yield "", f"{' and '.join(given)} do not go together: give {_forms(connector)}"
        return
    nearest = min(fitting, key=len)
    for name in nearest:
        if name not in given:
            yield name, f"required: give {_forms(connector)}"


def _forms(connector: Connector) -> str:
    sets = [" and ".join(form) for form in connector.forms]
    return sets[0] if len(sets) == 1 else "either " + ", or ".join(sets)


def _needed(connector: Connector, *readable: str) -> str:
    """Return the fields of a credential in words; the sets of which one is chosen stand last, what all need before."""
    required = [field.name for field in connector.fields if field.required and not field.metadata]
    return " and ".join([*required, *readable, *([_forms(connector)] if connector.forms else [])])
