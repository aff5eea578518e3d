"""What is left out of a reply, wherever it stands in it."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import structs

from devmesh.upstream.wire import Reply


def without_member(reply: Reply, name: str) -> Reply:
    """Return the reply without the members of that name, however deep they are nested; unchanged if it is no JSON."""
    if name.encode() not in reply.body or not reply.is_json:
        return reply
    value = reply.json()
    _omit(value, name)
    return structs.replace(reply, body=msgspec.json.encode(value))


def _omit(value: Any, name: str) -> None:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            one.pop(name, None)
            left += one.values()
        elif isinstance(one, list):
            left += one
