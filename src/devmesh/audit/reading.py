"""Stored rows as the entries that a reader gets, each held against the hashes that were written with it."""

from __future__ import annotations

import logging
from uuid import UUID

from devmesh import metrics
from devmesh.audit.model import NIL, AuditEntry, EntryActor, EntryCredential, EntryUpstream, Receipt, Record
from devmesh.audit.rows import OUTCOME, Damaged, decode, row_hash
from devmesh.db import pool

log = logging.getLogger(__name__)

# What of an outcome's row is its own; the rest it has in common with the row of its intent.
_OF_AN_OUTCOME = ("id", "tenant_id", "at", "record", "row_hash")
_UNREADABLE = Record()
_MOST_TOLD = 10_000


class Reading:
    """Makes entries of rows; each altered one that it meets is told once, in the log and as a count."""

    def __init__(self) -> None:
        self._told: dict[UUID, None] = {}

    def entry(self, row: pool.Record) -> AuditEntry:
        """Return the entry of a row of `store.page`; what of it is not a record any more is empty and `unknown`."""
        did = _decoded(row["record"])
        came = did if row["outcome_record"] is None else _decoded(row["outcome_record"])
        is_altered = did is None or came is None or not _is_as_written(row, came)
        if is_altered:
            self._tell(row["entry_id"])
        outcome = row["outcome"] if came else "unknown"
        return _entry(row, did or _UNREADABLE, came or _UNREADABLE, outcome, is_altered=is_altered)

    def _tell(self, entry_id: UUID) -> None:
        if entry_id in self._told:
            return
        while len(self._told) >= _MOST_TOLD:
            self._told.pop(next(iter(self._told)))
        self._told[entry_id] = None
        metrics.AUDIT_ALTERED.add()
        log.error("audit entry %s does not have the hash that was written with it: the database was altered", entry_id)


def _decoded(record: str) -> Record | None:
    try:
        return decode(record)
    except Damaged:
        return None


def _is_as_written(row: pool.Record, came: Record) -> bool:
    """Whether each row has the hash that stands beside it, and the outcome's record the hash of its intent."""
    if row_hash({**row, "id": row["row_id"]}) != row["row_hash"]:
        return False
    if row["outcome_record"] is None:
        return True
    outcome = {**row, **{name: row[f"outcome_{name}"] for name in _OF_AN_OUTCOME}, "phase": OUTCOME}
    written: bytes = row["row_hash"]
    return came.intent == written.hex() and row_hash(outcome) == outcome["row_hash"]


def _entry(row: pool.Record, did: Record, came: Record, outcome: str, *, is_altered: bool) -> AuditEntry:
    return AuditEntry(
        id=row["entry_id"],
        at=row["at"],
        action=did.action,
        actor=EntryActor(did.user_id, did.key_id, did.key_type, did.on_behalf_of),
        tenant_id=None if row["tenant_id"] == NIL else row["tenant_id"],
        tool=did.tool,
        service=did.service,
        target=did.target,
        outcome=outcome,
        code=came.code,
        upstream=EntryUpstream(came.upstream_host, came.upstream_status),
        credential=EntryCredential(came.credential_source, came.credential_id),
        latency_ms=came.latency_ms,
        arguments_digest=did.arguments_digest,
        address=did.address,
        request_id=did.request_id,
        count=did.count,
        details=did.details or {},
        receipt=Receipt(row["entry_id"], (row["outcome_row_hash"] or row["row_hash"]).hex()),
        altered=is_altered,
    )
