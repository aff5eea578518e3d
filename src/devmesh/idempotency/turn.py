"""One request's turn: it acts under a claim that no second one can hold, or learns what became of the first."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta

import asyncpg
import msgspec

from devmesh.access import Caller
from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import WrongMasterKey
from devmesh.crypto.sealing import SealBroken, place, seal, unseal
from devmesh.db.pool import Database, DatabaseAway, Tx, before_commit
from devmesh.directory.users import Users
from devmesh.errors import MeshError
from devmesh.http.repeat import Answer
from devmesh.idempotency import store
from devmesh.idempotency.bounds import Bounds
from devmesh.idempotency.model import AlreadyDone, First, IdempotencyKeyReused, OutcomeUnknown, RequestInProgress, State

log = logging.getLogger(__name__)

# What is larger is told to be done, and not told again.
LARGEST_REPLY = 1024 * 1024
_RENEWALS = 3

_Reply = tuple[int, list[tuple[bytes, bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Records:
    """Where replies are kept, by whose keys, and how many; whoever has not renewed its claim in `lease` is dead."""

    db: Database
    data_keys: DataKeys
    users: Users
    lease: timedelta
    bounds: Bounds


class Turn:
    """What `Idempotency.begin` returns: `found` is the first request if that was another one, None if it is this."""

    __slots__ = ("_caller", "_found", "_is_over", "_mine", "_outside", "_records")

    def __init__(self, records: Records, caller: Caller, mine: First, found: First | None, *, outside: bool) -> None:
        self._records = records
        self._caller = caller
        self._mine = mine
        self._found = found
        self._outside = outside
        self._is_over = False

    @property
    def ours(self) -> bool:
        """Whether this request is the one that acts."""
        return self._found is None

    async def act(self, act: Callable[[], Awaitable[Answer]], *, keep: bool) -> Answer:
        """Return what `act` returns; it is kept for repeats, or, unless `keep`, only that it was.

        If `act` fails, the key is free again, unless something may have happened all the same.
        """
        renewing = asyncio.create_task(self._renew(), name="lease of an idempotency key")
        answer: Answer | None = None
        error: MeshError | None = None
        try:
            # What acts outside leaves nothing in our transactions that would say so.
            with contextlib.nullcontext() if self._outside else before_commit(self._mark):
                answer = await act()
        except MeshError as refusal:
            error = refusal
            raise
        finally:
            self._is_over = True
            renewing.cancel()
            if answer is None:
                await self._failed(error)
        await self._done(answer, keep=keep)
        return answer

    async def again(self, hint: str | None) -> Answer:
        """Return the first reply; raise what stands against it, with this hint if the reply was not kept."""
        first = self._found or self._mine
        if first.request != self._mine.request:
            raise IdempotencyKeyReused("This Idempotency-Key was sent before, with another request.")
        if first.state in ("running", "acted") and first.is_alive:
            raise RequestInProgress
        if first.state == "unknown":
            raise OutcomeUnknown("The first request with this Idempotency-Key ended without an answer.")
        if first.state == "kept":
            reply = await self._opened(first)
            if reply is not None:
                return reply
        if first.state == "acted":
            raise AlreadyDone("The first request was carried out, and its reply was lost.", None)
        told = hint.replace("{id}", first.object_id or "{id}") if hint else None
        raise AlreadyDone("The first request was carried out; its reply is not kept.", first.object_id, told)

    async def _mark(self, tx: Tx) -> None:
        if self._is_over:
            return  # a task that the request has left behind
        if not await store.mark(tx, self._caller.organization_id, self._mine.digest, self._mine.attempt):
            raise RequestInProgress  # somebody took us for dead, and acts

    async def _renew(self) -> None:
        records, caller, mine = self._records, self._caller, self._mine
        while True:
            await asyncio.sleep(records.lease.total_seconds() / _RENEWALS)
            with contextlib.suppress(DatabaseAway, asyncpg.PostgresError):
                async with records.db.acting(caller.organization_id, caller.tenant_id) as tx:
                    await store.renew(tx, caller.organization_id, mine.digest, mine.attempt, records.lease)

    async def _done(self, answer: Answer, *, keep: bool) -> None:
        caller, records = self._caller, self._records
        organization_id = caller.organization_id
        state: State = "told"
        sealed = None
        try:
            async with records.db.acting(organization_id, caller.tenant_id) as tx:
                if not await records.users.hold(tx, organization_id, caller.user_id):
                    return
                if keep and len(answer.body) <= LARGEST_REPLY:
                    _, key = await records.data_keys.of(tx, organization_id, caller.user_id)
                    plain = msgspec.msgpack.encode((answer.status, answer.headers, answer.body))
                    state, sealed = "kept", seal(key, plain, self._place())
                await store.conclude(tx, organization_id, self._mine, state, answer.object_id, sealed)
                if sealed is not None:
                    await records.bounds.kept(tx, caller, len(sealed))
        except (DatabaseAway, asyncpg.PostgresError, WrongMasterKey) as error:
            # It happened all the same; a repeat is told so.
            log.warning("the reply to a request with an Idempotency-Key is not kept (%s)", type(error).__name__)

    async def _failed(self, error: MeshError | None) -> None:
        caller, records, mine = self._caller, self._records, self._mine
        organization_id = caller.organization_id
        try:
            async with records.db.acting(organization_id, caller.tenant_id) as tx:
                if self._outside and (error is None or error.may_have_happened):
                    await store.conclude(tx, organization_id, mine, "unknown")
                    return
                refused = error is not None and error.status < MeshError.status
                if not await store.let_go(tx, organization_id, mine, acted=refused):
                    await store.end_lease(tx, organization_id, mine)
        except (DatabaseAway, asyncpg.PostgresError) as away:
            log.warning("an Idempotency-Key is held until its lease ends (%s)", type(away).__name__)

    async def _opened(self, first: First) -> Answer | None:
        """Return the kept reply; None if it does not open any more."""
        caller, records = self._caller, self._records
        async with records.db.acting(caller.organization_id, caller.tenant_id) as tx:
            if not await records.users.hold(tx, caller.organization_id, caller.user_id):
                return None
            _, key = await records.data_keys.of(tx, caller.organization_id, caller.user_id)
        try:
            plain = unseal(key, first.sealed or b"", self._place())
        except SealBroken:
            log.error("a kept reply does not open in its place: the database was altered")  # noqa: TRY400 - no trace of keys
            return None
        status, headers, body = msgspec.msgpack.decode(plain, type=_Reply)
        return Answer(status, headers, body, first.object_id)

    def _place(self) -> bytes:
        caller = self._caller
        return place("reply", caller.organization_id, caller.tenant_id, caller.user_id, self._mine.digest.hex())
