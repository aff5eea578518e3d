"""Group commit: rows that gather while one commit runs go into the next, in one statement over one connection."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from typing import Any

import asyncpg

from devmesh.audit import store
from devmesh.audit.model import AuditUnavailable
from devmesh.db.pool import CONNECTION_LOST

log = logging.getLogger(__name__)

# Nobody waits longer than twice this: for the commit that is under way, and for one's own.
COMMIT_SECONDS = 2.4
# A row that nobody waits for is written this late at the latest, most often with others that cannot wait.
LAZY_SECONDS = 0.05
# A commit costs a hundred microseconds whatever it holds: under load one begins no sooner than this after the last.
SPACING_SECONDS = 0.004
# So many rows, in a commit and the one before it, are load: two agents that call without a pause put fewer.
_CROWD = 9
_RETRY_SECONDS = 0.2
_MAX_ROWS = 10_000
_MAX_BATCH = 1_000
_FAILED = (*CONNECTION_LOST, asyncpg.PostgresError)


class Writer:
    """Makes rows durable; a row once put is written, however often that has to be tried, unless the process dies.

    While the store is known to be away nobody is made to wait: `check` and `durable` raise AuditUnavailable.
    """

    def __init__(self, connect: Mapping[str, Any]) -> None:
        self._connect = dict(connect)
        self._rows: list[bytes] = []
        self._waiting: list[asyncio.Future[None]] = []
        self._under_way: list[asyncio.Future[None]] | None = None
        self._wake = asyncio.Event()
        self._later: asyncio.TimerHandle | None = None
        self._away = True
        self._last_start = 0.0
        self._last_size = 0
        self._connection: asyncpg.Connection | None = None
        self._append: store.Append | None = None
        self._task: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Begin to write; returns at the first connection, or after the time that a caller would wait."""
        self._loop = asyncio.get_running_loop()
        with contextlib.suppress(*_FAILED):
            async with asyncio.timeout(COMMIT_SECONDS):
                await self._reconnect()
            self._away = False
        self._task = asyncio.create_task(self._run(), name="audit writer")
        self._task.add_done_callback(self._ended)
        self._wake.set()

    async def close(self, seconds: float = 5.0) -> None:
        """Write what was put, trying for at most so long, and stop; what is still missing then is logged by number."""
        if self._task is None:
            return
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._drain()
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self._disconnect()
        if self._rows:
            log.error("%d audit records could not be written before the end", len(self._rows))

    @property
    def accepting(self) -> bool:
        """Whether the store answered last time and the queue has room."""
        return not self._away and len(self._rows) < _MAX_ROWS

    def check(self) -> None:
        """Return if a row put now will soon be durable as far as is known; otherwise raise AuditUnavailable."""
        if self._away or len(self._rows) >= _MAX_ROWS:
            raise AuditUnavailable

    def put(self, row: bytes) -> None:
        """Take a row for writing; it is durable within about 50 ms, or sooner if somebody waits."""
        self._rows.append(row)
        if self._later is None:
            self._later = self._loop.call_later(LAZY_SECONDS, self._wake.set)

    def durable(self) -> asyncio.Future[None]:
        """Return what becomes done when every row put so far is durable, and fails within five seconds if not.

        The future is the caller's own: cancelling it disturbs nobody else.
        """
        if self._away:
            raise AuditUnavailable
        future: asyncio.Future[None] = self._loop.create_future()
        if self._rows:
            self._waiting.append(future)
            self._wake.set()
        elif self._under_way is not None:
            self._under_way.append(future)
        else:
            future.set_result(None)
        return future

    async def _drain(self) -> None:
        while self._rows or self._under_way is not None:
            try:
                await self.durable()
            except AuditUnavailable:
                await asyncio.sleep(_RETRY_SECONDS / 4)

    async def _run(self) -> None:
        while True:
            await self._gather()
            rows, waiting = self._take()
            try:
                async with asyncio.timeout(COMMIT_SECONDS):
                    await self._commit(rows)
            except _FAILED as error:
                self._failed(rows, waiting, error)
            except asyncio.CancelledError:
                self._rows[:0] = rows
                raise
            else:
                self._away = False
                _settle(waiting)
            self._under_way = None

    async def _gather(self) -> None:
        """Return when there is a reason to write: a waiting caller, rows that have lain long enough, a store to try."""
        if self._away:
            await asyncio.sleep(_RETRY_SECONDS)
            return
        await self._wake.wait()
        if self._last_size + len(self._rows) >= _CROWD:
            pause = self._last_start + SPACING_SECONDS - self._loop.time()
            if pause > 0:
                await asyncio.sleep(pause)

    def _take(self) -> tuple[list[bytes], list[asyncio.Future[None]]]:
        rows, self._rows = self._rows, []
        waiting, self._waiting = self._waiting, []
        self._under_way = waiting
        self._wake.clear()
        if self._later is not None:
            self._later.cancel()
            self._later = None
        self._last_start = self._loop.time()
        self._last_size = len(rows)
        return rows, waiting

    async def _commit(self, rows: list[bytes]) -> None:
        if self._append is not None:
            try:
                await _append_all(self._append, rows)
            except CONNECTION_LOST:
                # It may have been lost long ago, while nothing was written: only a new one tells.
                self._disconnect()
            else:
                return
        await _append_all(await self._reconnect(), rows)

    async def _reconnect(self) -> store.Append:
        self._disconnect()
        self._connection = await asyncpg.connect(**self._connect, timeout=COMMIT_SECONDS, statement_cache_size=0)
        self._append = await store.appender(self._connection)
        return self._append

    def _disconnect(self) -> None:
        self._append = None
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    def _failed(self, rows: list[bytes], waiting: list[asyncio.Future[None]], error: BaseException) -> None:
        """Keep the rows for the next attempt and send everybody away who waits."""
        self._disconnect()
        if not self._away:
            log.warning("the audit cannot be written (%s); tool calls are refused until it can", type(error).__name__)
        self._away = True
        self._rows[:0] = rows
        _settle(waiting, failed=True)
        gathered, self._waiting = self._waiting, []
        _settle(gathered, failed=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._away = True
        for waiting in (self._waiting, self._under_way or []):
            _settle(waiting, failed=True)
        self._under_way = None
        if not task.cancelled():
            log.critical("the audit writer ended; every tool call is refused", exc_info=task.exception())


async def _append_all(append: store.Append, rows: list[bytes]) -> None:
    for first in range(0, len(rows), _MAX_BATCH):
        await append(rows[first : first + _MAX_BATCH])


def _settle(waiting: list[asyncio.Future[None]], *, failed: bool = False) -> None:
    for future in waiting:
        if future.done():
            continue
        if failed:
            future.set_exception(AuditUnavailable())
        else:
            future.set_result(None)
