"""One call in the server's terms, before anybody has sent it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from devmesh_sdk.errors import UsageError

API = "/api/v1"


@dataclass(frozen=True, slots=True)
class Call:
    """A request to be made of the server.

    `once`: the server keeps an Idempotency-Key for it. `safe`: it changes nothing. `public`: it needs no credential,
    and none goes with it.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = field(default=None, repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    once: bool = False
    safe: bool = False
    public: bool = False

    @property
    def target(self) -> str:
        """The path with its query."""
        given = [(name, _text(each)) for name, value in self.query.items() for each in _each(value)]
        return f"{self.path}?{urlencode(given)}" if given else self.path

    def content(self) -> bytes:
        """Return the body's bytes: the same for each attempt, as a repeat under one Idempotency-Key must be."""
        return b"" if self.body is None else json.dumps(self.body, separators=(",", ":")).encode()


def part(value: str | int) -> str:
    """Return a value as one part of a path, whatever it holds; raises UsageError if it would lead elsewhere."""
    text = str(value)
    if text in {"", ".", ".."}:
        raise UsageError(f"{text!r} cannot stand in an address.")
    return quote(text, safe="")


def _each(value: Any) -> Iterable[Any]:
    if value is None:
        return ()
    return value if isinstance(value, list | tuple) else (value,)


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value) if isinstance(value, Mapping) else str(value)
