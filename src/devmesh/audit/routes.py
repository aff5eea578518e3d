"""The audit over HTTP."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.audit.filters import Filters, Outcome
from devmesh.audit.model import AuditEntry
from devmesh.audit.service import Audit
from devmesh.http.routing import Cursor, Limit, cursor_of, get, position_of

Actor = Annotated[UUID, msgspec.Meta(description="A user's or a key's id.")] | None
Name = Annotated[str, msgspec.Meta(max_length=200)] | None
Since = Annotated[datetime, msgspec.Meta(tz=True, description="Entries of this time and later.")] | None
Until = Annotated[datetime, msgspec.Meta(tz=True, description="Entries before this time.")] | None


class Entries(msgspec.Struct, frozen=True):
    """One page of the audit; `count` is the number of entries in it."""

    entries: list[AuditEntry]
    count: int
    next_cursor: str | None


@get("/audit", scope="audit:read")
async def read_audit(
    audit: Audit,
    caller: Caller,
    actor: Actor = None,
    action: Name = None,
    service: Name = None,
    tool: Name = None,
    outcome: Outcome | None = None,
    since: Since = None,
    until: Until = None,
    limit: Limit = 50,
    cursor: Cursor = None,
) -> Entries:
    """What happened in the organization, the newest first: every tool call, refusal and administrative change."""
    filters = Filters(
        actor=actor,
        action=action,
        service=service,
        tool=tool,
        outcome=outcome,
        since=since,
        until=until,
        before=position_of(cursor, UUID),
        limit=limit,
    )
    page = await audit.read(caller, filters)
    return Entries(page.entries, len(page.entries), cursor_of(page.next) if page.next else None)


ROUTES = [read_audit]
