"""What keeps unwrapped keys in memory no longer than they may be, and the master key's versions as they are."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.masters import MASTER_CHANGED, MasterKeys
from devmesh.db.changes import Changes
from devmesh.db.pool import Database

_FORGET_SECONDS = 60


class Keeping:
    """Works between `open` and `close`; `owners` are the kinds of change after which someone's keys may be gone."""

    def __init__(
        self, db: Database, masters: MasterKeys, data_keys: DataKeys, changes: Changes, owners: Sequence[str]
    ) -> None:
        self._db = db
        self._masters = masters
        self._data_keys = data_keys
        self._tasks: list[asyncio.Task[None]] = []
        for kind in owners:
            changes.subscribe(kind, data_keys.forget)
        changes.missed(data_keys.forget_all)
        changes.subscribe(MASTER_CHANGED, masters.ask)
        changes.missed(masters.ask)

    def open(self) -> None:
        """Begin."""
        self._tasks = [
            asyncio.create_task(self._forget(), name="forget data keys"),
            asyncio.create_task(self._masters.watch(self._db), name="confirm the master key"),
        ]

    async def close(self) -> None:
        """Stop."""
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task

    async def _forget(self) -> None:
        while True:
            await asyncio.sleep(_FORGET_SECONDS)
            self._data_keys.forget_old()
