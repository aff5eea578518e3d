"""The audit: opens entries, records events, and reads both back as one list."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from devmesh.access import Caller
from devmesh.audit import store
from devmesh.audit.entry import Digest, Entry, described
from devmesh.audit.filters import Filters
from devmesh.audit.model import Actor, AuditPage, AuditUnavailable, Record, Result
from devmesh.audit.reading import Reading
from devmesh.audit.refusals import Refusals
from devmesh.audit.rows import single
from devmesh.audit.writer import Writer
from devmesh.db import pool
from devmesh.db.pool import Database, Tx

# Longer than any call can take: an intent of that age without an outcome gets none any more.
# Age alone decides, so that the answer is the same in every process, whichever of them wrote and died.
LONGEST_CALL = timedelta(seconds=120)
# A read may take as long as a statement may: so few at once that the pool has connections left for everything else.
_MOST_READS = 2


class Audit:
    """Intents, outcomes and events of this process, written by group commit; read by whoever may.

    `connect` is of the direct database URL: the writer's prepared statement does not survive a transaction pooler.
    """

    def __init__(self, database: Database, connect: Mapping[str, Any], digest: Digest) -> None:
        self._database = database
        self._digest = digest
        self._writer = Writer(connect)
        self._refusals = Refusals(self._write)
        self._reads = asyncio.Semaphore(_MOST_READS)
        self._reading = Reading()

    async def open(self) -> None:
        """Begin to write."""
        await self._writer.open()

    async def close(self) -> None:
        """Make everything durable, counts of refusals too, and stop; at most about five seconds."""
        self._refusals.flush()
        await self._writer.close()

    async def flush(self) -> None:
        """Return when everything that happened so far is durable; raise AuditUnavailable if it cannot be."""
        self._refusals.flush()
        await self._writer.durable()

    def entry(self, caller: Actor, action: str, tool: str | None = None, target: str | None = None) -> Entry:
        """Return an entry for `async with`; its intent is written by `await entry.open(…)`, before anything is sent.

        An error that leaves the block before that is one row, `refused`.
        """
        return Entry(self._writer, self._refusals, self._digest, caller, action, tool, target)

    def refused(
        self, caller: Actor, action: str, code: str, *, tool: str | None = None, target: str | None = None
    ) -> None:
        """Record a refusal: the first of its kind at once, those that follow as one count a minute."""
        facts = Record(outcome="refused", code=code)
        self._refusals.add(caller, described(caller, action, facts, tool, target))

    async def record(
        self,
        caller: Actor,
        action: str,
        target: str | None = None,
        *,
        service: str | None = None,
        outcome: Result = "ok",
        code: str | None = None,
        **details: Any,
    ) -> None:
        """Return when the event is durable; `details` are JSON values and hold no secret."""
        self._writer.check()
        facts = Record(service=service, outcome=outcome, code=code, details=details or None)
        self._writer.put(single(caller, described(caller, action, facts, target=target)))
        await self._writer.durable()

    async def record_in(
        self,
        tx: Tx,
        caller: Actor,
        action: str,
        target: str | None = None,
        *,
        service: str | None = None,
        **details: Any,
    ) -> None:
        """Append the event within `tx`, so that neither it nor the change that it tells of exists alone."""
        facts = Record(service=service, outcome="ok", details=details or None)
        await store.append(tx, [single(caller, described(caller, action, facts, target=target))])

    async def read(self, caller: Caller, filters: Filters) -> AuditPage:
        """Return the organization's entries that match, the newest first; what this process knows is among them.

        An entry that is not as it was written is `altered`; it is listed also where its record cannot be read any more.
        """
        caller.require("audit:read")
        # Where nothing can be written, what was written can still be read.
        with contextlib.suppress(AuditUnavailable):
            await self._writer.durable()
        async with self._reads:
            try:
                rows = await self._page(caller, filters, store.page)
            except store.RecordsDamaged:
                rows = await self._page(caller, filters, store.damaged_page)
        entries = list(map(self._reading.entry, rows[: filters.limit]))
        return AuditPage(entries, entries[-1].id if len(rows) > filters.limit else None)

    async def _page(self, caller: Caller, filters: Filters, page: store.Page) -> list[pool.Record]:
        given_up = datetime.now(UTC) - LONGEST_CALL
        async with self._database.acting(caller.organization_id) as tx:
            asked = (*filters.texts(), filters.limit + 1)
            return await page(tx, caller.organization_id, given_up, filters.bounds(), asked)

    def _write(self, actor: Actor, record: Record) -> bool:
        if not self._writer.accepting:
            return False
        self._writer.put(single(actor, record))
        return True
