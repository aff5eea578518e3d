"""The services of AWS as botocore's models describe them: read once each, and used by every call of them."""

from __future__ import annotations

import gzip
import logging
import re
import threading
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import botocore
import msgspec
from botocore.model import OperationModel, OperationNotFoundError, ServiceModel, Shape
from botocore.parsers import create_parser
from botocore.regions import EndpointRulesetResolver
from botocore.serialize import create_serializer

from devmesh.errors import Fault, Invalid

# At this level it logs what it signs, a session's token in it, and what the services answer.
logging.getLogger("botocore").setLevel(logging.INFO)

_DATA = Path(botocore.__file__).parent / "data"
_NAME = re.compile("[a-z0-9][a-z0-9.-]*")
# Some 2 MB each. More than the tools use: only call_api can push one out, which is read again when it is called.
_KEPT = 40

_services: dict[str, Service] = {}
_reading = threading.Lock()


class Service:
    """One service: its operations, how their requests are written and their replies read, and where it stands.

    Nothing of it changes with a call, so that any thread may use it.
    """

    __slots__ = ("_binary", "_operations", "endpoints", "name", "parser", "plain_path", "serializer", "signing_name")

    def __init__(self, name: str) -> None:
        """Read the service's models; raises Invalid if AWS has no such service."""
        folder = _newest(name)
        description = _read(folder, "service-2")
        _forget_words(description)
        for operation in description["operations"].values():
            _leave_to_the_rules(operation)
        model = ServiceModel(description, name)
        protocol = model.resolved_protocol
        self.name = name
        self.signing_name: str = model.signing_name
        self.plain_path = model.signature_version in ("s3", "s3v4")
        self.serializer = create_serializer(protocol, include_validation=False)
        self.parser = create_parser(protocol)
        self.endpoints = EndpointRulesetResolver(
            endpoint_ruleset_data=_read(folder, "endpoint-rule-set-1"),
            partition_data=_partitions(),
            service_model=model,
            builtins={},
            client_context={},
            event_emitter=_FromTheContext(),
        )
        self._operations = model
        self._binary: dict[str, bool] = {}

    def operation(self, name: str) -> OperationModel:
        """Return the operation; raises Invalid for one that there is not, or that talks in a stream of events."""
        try:
            operation = self._operations.operation_model(name)
        except OperationNotFoundError:
            raise Invalid([Fault("operation", f"{self.name} has no such operation")]) from None
        if operation.has_event_stream_input or operation.has_event_stream_output:
            raise Invalid([Fault("operation", "it talks in a stream of events, which a tool call cannot carry")])
        return operation

    def is_binary(self, shape: Shape) -> bool:
        """Whether a value of this shape can hold bytes."""
        found = self._binary.get(shape.name)
        if found is None:
            self._binary[shape.name] = False  # of a shape within itself, the other members decide
            inner = members(shape)
            found = shape.type_name == "blob" or any(self.is_binary(one) for one in inner)
            self._binary[shape.name] = found
        return found


class _FromTheContext:
    """Gives botocore's rules the values of one call, where its own client would ask its configuration."""

    @staticmethod
    def emit(_event: str, *, builtins: dict[str, Any], context: Mapping[str, Any], **_more: object) -> None:
        """Set what the rules know from this call."""
        builtins.update(context)


def service(name: str) -> Service:
    """Return the service; the first time it is read, which takes some milliseconds."""
    found = _services.get(name)
    if found is None:
        with _reading:
            found = _services.get(name)
            if found is None:
                found = _services[name] = Service(name)
                if len(_services) > _KEPT:
                    del _services[next(iter(_services))]
    return found


def is_read(name: str) -> bool:
    """Whether the service can be had without reading."""
    return name in _services


def members(shape: Shape) -> list[Shape]:
    """Return the shapes that a value of this one consists of."""
    if shape.type_name == "structure":
        return list(shape.members.values())
    if shape.type_name == "list":
        return [shape.member]
    return [shape.value] if shape.type_name == "map" else []


def _forget_words(description: dict[str, Any]) -> None:
    """Drop the documentation: most of a model, and nobody reads it here."""
    for part in (*description["operations"].values(), *description["shapes"].values()):
        part.pop("documentation", None)
        for name in ("members", "member", "key", "value"):
            inner = part.get(name, {})
            for reference in inner.values() if name == "members" else (inner,):
                reference.pop("documentation", None)


def _leave_to_the_rules(operation: dict[str, Any]) -> None:
    """Take the bucket out of a path, and the account out of a host: the endpoint's rules put them there."""
    http = operation["http"]
    if http["requestUri"].startswith("/{Bucket}"):
        http["requestUri"] = http["requestUri"].removeprefix("/{Bucket}")
    fixed = operation.get("staticContextParams", {})
    if "RequiresAccountId" in fixed and operation.get("endpoint", {}).get("hostPrefix") == "{AccountId}.":
        del operation["endpoint"]


def _newest(name: str) -> Path:
    folder = _DATA / name
    if not _NAME.fullmatch(name) or not folder.is_dir():
        raise Invalid([Fault("service", "AWS has no such service: use the name that the AWS CLI has for it")])
    versions = [one for one in folder.iterdir() if (one / "endpoint-rule-set-1.json.gz").exists()]
    return max(versions, key=lambda one: one.name)


def _read(folder: Path, name: str) -> Any:
    return msgspec.json.decode(gzip.decompress((folder / f"{name}.json.gz").read_bytes()))


@cache
def _partitions() -> Any:
    return msgspec.json.decode((_DATA / "partitions.json").read_bytes())
