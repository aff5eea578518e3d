"""Credentials passed through with one request: headers `X-Service-<Name>-<Field>`."""

from __future__ import annotations

from collections.abc import Iterable

from devmesh.errors import Fault, Invalid
from devmesh.gateway.model import Passed

_PREFIX = b"x-service-"
_BEYOND = b"x-service."  # sorts right after every name with the prefix: to compare is cheaper than to cut
_LONGEST = 16_384


def passed_through(headers: Iterable[tuple[bytes, bytes]]) -> Passed:
    """Return service -> fields from raw ASGI headers; raise Invalid for what cannot be sent on."""
    found: dict[str, dict[str, str]] = {}
    for raw_name, raw_value in headers:
        if not _PREFIX <= raw_name < _BEYOND:
            continue
        name = raw_name.decode("latin-1")
        service, _, field = name[len(_PREFIX) :].partition("-")
        value = raw_value.decode("latin-1").strip()
        if not service or not field or not 0 < len(value) <= _LONGEST or not (value.isascii() and value.isprintable()):
            raise Invalid([Fault(name, "must be X-Service-<service>-<field> with printable ASCII")])
        fields = found.setdefault(service, {})
        if field.replace("-", "_") in fields:
            raise Invalid([Fault(name, "sent twice")])
        fields[field.replace("-", "_")] = value
    return found
