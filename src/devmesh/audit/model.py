"""What is recorded, what a reader gets, and what can go wrong."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from msgspec import Struct

from devmesh.access import UNBOUND, Bounds, Caller, KeyType, Role
from devmesh.errors import Unavailable

NIL = UUID(int=0)
RETRY_AFTER = 1.0

Result = Literal["ok", "error", "refused", "unknown"]


class Visitor(Struct, frozen=True):
    """Somebody without a verified credential, or the installation itself; what is known of them is filled in.

    Without an organization the record is the operator's, whom no organization can read.
    """

    address: str = ""
    request_id: str = ""
    organization_id: UUID = NIL
    tenant_id: UUID = NIL
    user_id: UUID | None = None
    role: Role | None = None
    key_id: UUID | None = None
    key_type: KeyType | None = None
    bounds: ClassVar[Bounds] = UNBOUND


Actor = Caller | Visitor


class Record(Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The facts of one row. An intent holds the first part, an outcome the second, a single event both.

    The order of the fields is the order of the stored JSON. `arguments_digest` is keyed; arguments
    themselves are never recorded. `intent` is the hash of the intent's row, so that the hash of an
    outcome stands for both rows. `count` is how many refusals of one kind the row stands for. With `on_behalf_of`,
    the person whom a gateway key acted for, `user_id` is the key's owner and `role` the person's.
    """

    action: str = ""
    user_id: UUID | None = None
    role: Role | None = None
    key_id: UUID | None = None
    key_type: KeyType | None = None
    on_behalf_of: UUID | None = None
    tool: str | None = None
    service: str | None = None
    target: str | None = None
    arguments_digest: str | None = None
    address: str = ""
    request_id: str = ""
    intent: str | None = None
    outcome: Result | None = None
    code: str | None = None
    credential_source: str | None = None
    credential_id: UUID | None = None
    upstream_host: str | None = None
    upstream_status: int | None = None
    latency_ms: float | None = None
    count: int = 1
    details: Mapping[str, Any] | None = None


class EntryActor(Struct, frozen=True):
    """Who acted; all None for somebody unknown. `on_behalf_of` is the person whom a gateway key acted for."""

    user_id: UUID | None
    key_id: UUID | None
    key_type: KeyType | None
    on_behalf_of: UUID | None


class EntryUpstream(Struct, frozen=True):
    """Where a call went and the HTTP status that came back; None if none did."""

    host: str | None
    status: int | None


class EntryCredential(Struct, frozen=True):
    """Which credential was used: `user`, `passthrough` or `organization`, and its id if it is a stored one."""

    source: str | None
    id: UUID | None


class Receipt(Struct, frozen=True):
    """The entry's id and the hash (hex) of its last row: of the outcome, which covers the intent, once there is one."""

    id: UUID
    row_hash: str


class AuditEntry(Struct, frozen=True, kw_only=True):
    """Intent and outcome as one: `pending` until the outcome is there, `unknown` if it never came.

    `count` is more than 1 where repeated refusals of one kind were counted in one row. `altered`: a row of it was
    changed in the database, and no longer has the hash that was written with it.
    """

    id: UUID
    at: datetime
    action: str
    actor: EntryActor
    tenant_id: UUID | None
    tool: str | None
    service: str | None
    target: str | None
    outcome: str
    code: str | None
    upstream: EntryUpstream
    credential: EntryCredential
    latency_ms: float | None
    arguments_digest: str | None
    address: str
    request_id: str
    count: int
    details: Mapping[str, Any]
    receipt: Receipt
    altered: bool


class AuditPage(Struct, frozen=True):
    """Entries, the newest first; `next` is the last one's id if there are more."""

    entries: list[AuditEntry]
    next: UUID | None


class AuditUnavailable(Unavailable):
    """The record cannot be made durable now, so what it would record must not be done."""

    code = "audit_unavailable"
    error = "Audit Unavailable"
    hint = "Nothing was sent. Try again after retry_after seconds."

    def __init__(self, detail: str = "The audit record cannot be stored at the moment.", **more: Any) -> None:
        super().__init__(detail, retry_after=RETRY_AFTER, **more)


class OutcomeUnrecorded(AuditUnavailable):
    """The call was made and its outcome is not durable yet; it is kept and written as soon as possible."""

    hint = "The call was made: look at its effect before you repeat it."
    may_have_happened = True

    def __init__(self) -> None:
        super().__init__("The call was made, but the record of its outcome cannot be stored at the moment.")
