"""Values of an agent and of AWS: JSON has no bytes, so they are text, or `{"base64": "…"}` where they are none."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any

from botocore.model import Shape

from devmesh.connectors.aws.sdk.services import Service
from devmesh.errors import Fault, Invalid


def taken(value: Any, shape: Shape, service: Service) -> Any:
    """Return the value with bytes for each `{"base64": "…"}` where the shape wants bytes; raises Invalid for no base64.

    What does not fit the shape stays as it is: whoever checks it says so.
    """
    if not service.is_binary(shape):
        return value
    kind = shape.type_name
    if kind == "blob":
        return _bytes(value)
    if kind == "list" and isinstance(value, list):
        return [taken(one, shape.member, service) for one in value]
    if kind == "map" and isinstance(value, dict):
        return {key: taken(one, shape.value, service) for key, one in value.items()}
    if kind == "structure" and isinstance(value, Mapping):
        inner = shape.members
        return {key: taken(one, inner[key], service) if key in inner else one for key, one in value.items()}
    return value


def _bytes(value: Any) -> Any:
    if not isinstance(value, dict) or value.keys() != {"base64"}:
        return value
    try:
        return base64.b64decode(value["base64"], validate=True)
    except (binascii.Error, TypeError, ValueError):
        raise Invalid([Fault("parameters", 'a value {"base64": "…"} is not base64')]) from None


def shown(value: Any) -> Any:
    """Return the value with text for bytes that are UTF-8, and `{"base64": "…"}` for others."""
    if isinstance(value, dict):
        return {key: shown(one) for key, one in value.items()}
    if isinstance(value, list):
        return [shown(one) for one in value]
    if isinstance(value, bytes | bytearray):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    return value
