"""What a call gives back, and what a caller is shown of the tools."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from msgspec import Raw, Struct

from devmesh.errors import Forbidden, InsufficientScope, NotFound

# Passed-through credentials: service -> its fields.
Passed = Mapping[str, Mapping[str, str]]


class ToolResult(Struct, frozen=True):
    """The outcome of one call.

    `text` is plain text, of an error the first line is its short text, then the next step; or it is JSON in UTF-8,
    as Raw. `structured` is a JSON value (or its bytes, as Raw), None for a result that is text alone.
    `meta` holds `credential`, `receipt`, `request_id`, and of an error `code`, `retry_after`, `required_scopes`.
    """

    text: str | Raw
    structured: Any = None
    is_error: bool = False
    meta: Mapping[str, Any] = {}


def last_line(retry_after: float | None) -> str:
    """Return how a refusal's text ends: agents see it and not `meta`, and would not know for how long to wait."""
    return "" if retry_after is None else f"\nretry_after: {math.ceil(retry_after)} s"


class ListedTool(Struct, frozen=True):
    """One tool as a client sees it; `alias` is its name without dots."""

    name: str
    alias: str
    title: str
    description: str
    input_schema: Raw
    read_only: bool
    destructive: bool
    idempotent: bool
    open_world: bool = True


class Listing(Struct, frozen=True):
    """The tools that a caller may call now, by name; `etag` changes whenever they do."""

    tools: tuple[ListedTool, ...]
    etag: str


class UnknownTool(NotFound):
    """No tool of that name; `nearest` are the names that come closest."""

    code = "unknown_tool"
    error = "Unknown Tool"

    def __init__(self, name: str, nearest: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no tool '{name[:128]}'.",
            hint=f"Did you mean {' or '.join(nearest)}?"
            if nearest
            else "tools/list shows the tools that you may call.",
            extra={"nearest": list(nearest)},
        )
        self.nearest = nearest


class CredentialHandedOut(InsufficientScope):
    """The service would answer with a credential: only a key whose scopes name that very operation is given one."""

    code = "credential_handed_out"
    hint = "Ask the person for a key whose scopes hold this one by its name: no wildcard stands for it, nor 'write'."


class OnBehalfRequired(Forbidden):
    """A gateway key acts for a named person only: an active one who may act in the key's tenant."""

    code = "on_behalf_of_required"
    error = "On Behalf Of Required"
    hint = "Send X-On-Behalf-Of with the id of an active user who may act in the key's tenant (GET /api/v1/users)."
