"""What is stored of a context, what a body says of it, and what refuses it."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from msgspec import Raw

from devmesh.errors import Conflict, NotFound, PreconditionFailed, TooLarge

# A body's whole size is bounded by the edge; a plan can only lower this.
LARGEST = 1024 * 1024
# Former versions kept beside the present one, which together are no larger than one document may be.
KEPT = 20
MOST_TAGS = 50
LONGEST_TAG = 100
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be stored; `content` is the JSON text as it was sent."""

    content: Raw
    name: str | None = None
    tags: tuple[str, ...] = ()
    agent_id: str | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Listed:
    """A context without its content; it belongs to the tenant, `created_by` only says whose credential stored it."""

    id: UUID
    name: str | None
    tags: list[str]
    agent_id: str | None
    version: int
    created_by: UUID
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Context:
    """A context whole, as of one of its versions: `updated_at` is when that one was written."""

    id: UUID
    name: str | None
    tags: list[str]
    agent_id: str | None
    content: Raw
    version: int
    created_at: datetime
    updated_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class Version:
    """One version that is kept, without its content; `size` in bytes of UTF-8."""

    version: int
    name: str | None
    tags: list[str]
    size: int
    written_by: UUID
    written_at: datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """What a context must match: every tag, exactly that agent, exactly that name, `q` somewhere in its name.

    `before` is the context that the page before ended with.
    """

    tags: tuple[str, ...] = ()
    agent_id: str | None = None
    name: str | None = None
    q: str | None = None
    before: UUID | None = None
    limit: int = 50


def folded(text: str | None) -> str:
    """Return the text in the form in which search compares, which knows no upper case in any script."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text or "").casefold())


class ContextNotFound(NotFound):
    """The tenant has no such context: never had, deleted, or expired."""

    code = "context_not_found"
    hint = "GET /api/v1/contexts lists the contexts of your tenant."
    detail = "Your tenant has no context with this id."


class VersionNotFound(NotFound):
    """The context has had no such version, or it is kept no more."""

    code = "context_version_not_found"
    hint = "GET /api/v1/contexts/{id}/versions lists the versions that are kept."
    detail = "The context has no such version, or keeps it no more."


class ContextTooLarge(TooLarge):
    """The content is larger than the organization's plan allows for one context."""

    code = "context_too_large"
    hint = "Store less in it, or divide it among several contexts; the operator can raise the plan's max_context_bytes."


class ContextLimitReached(Conflict):
    """The organization has as many contexts as its plan allows."""

    code = "context_limit_reached"
    hint = "Delete contexts that are no longer needed, or give them an expires_at; the operator can change the plan."


class ContextChanged(PreconditionFailed):
    """Somebody has written the context since the version that If-Match names."""

    hint = "GET the context, apply your change to what it holds now, and send its ETag as If-Match."

    def __init__(self, version: int) -> None:
        super().__init__(
            f"The context is at version {version} now.", extra={"version": version, "etag": f'"{version}"'}
        )
