"""Change notices: what one process commits, the caches of all processes hear of within a second.

Each process notifies itself every 300 ms over the connection that it listens on. A notice is
delivered in commit order, so a heartbeat that came back proves that every notice committed before
it was sent has arrived. Caches are used only while such a proof is fresh (`Changes.fresh`).

Behind a transaction pooler there is no such proof: one's own notice may come back, over the session
that it was sent in, while those of other processes are dropped. So nothing is listened to there.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

from devmesh.db.pool import CONNECTION_LOST, Tx, pooled
from devmesh.ids import new_id

log = logging.getLogger(__name__)

_CHANNEL = "devmesh"
_BEAT = "beat"
BEAT_SECONDS = 0.3
FRESH_SECONDS = 0.9
_POOLER_SECONDS = 30.0


class Changes:
    """The process's ear: subscribe to a kind of change, announce one, ask whether nothing can have been missed."""

    def __init__(self, connect: Mapping[str, Any]) -> None:
        self._connect = dict(connect)
        self._subscribers: dict[str, list[Callable[[str], None]]] = {}
        self._forgetful: list[Callable[[], None]] = []
        self._name = new_id().hex
        self._proven = float("-inf")
        self._settled = asyncio.Event()
        self._told = False
        self._task: asyncio.Task[None] | None = None

    def subscribe(self, kind: str, heard: Callable[[str], None]) -> None:
        """Have `heard(text)` called for every announcement of `kind`, our own (at commit) and other processes'."""
        self._subscribers.setdefault(kind, []).append(heard)

    def missed(self, forget: Callable[[], None]) -> None:
        """Have `forget()` called whenever notices may have been missed: nothing read before then may be used again."""
        self._forgetful.append(forget)

    async def announce(self, tx: Tx, kind: str, text: str) -> None:
        """Tell every process at commit; our own caches before the committing call returns."""
        await tx.run("select pg_notify($1, $2)", _CHANNEL, f"{kind}:{text}")
        tx.after_commit(lambda: self._tell(kind, text))

    def fresh(self) -> bool:
        """Whether every change committed more than 900 ms ago has been heard of for sure."""
        return time.monotonic() - self._proven < FRESH_SECONDS

    async def open(self) -> None:
        """Listen from now on, reconnecting by itself; returns after the first heartbeat or, at most, two seconds."""
        self._task = asyncio.create_task(self._listen_for_good(), name="changes")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._settled.wait()

    async def close(self) -> None:
        """Stop listening."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _tell(self, kind: str, text: str) -> None:
        for heard in self._subscribers.get(kind, ()):
            heard(text)

    def _receive(self, _connection: object, _process: int, _channel: str, payload: str) -> None:
        kind, _, text = payload.partition(":")
        if kind != _BEAT:
            self._tell(kind, text)
            return
        name, _, sent = text.partition(":")
        if name == self._name:
            self._proven = float(sent)
            self._settled.set()

    async def _listen_for_good(self) -> None:
        while True:
            pause = BEAT_SECONDS
            try:
                if not await self._listen():
                    pause = _POOLER_SECONDS
            except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
                self._interrupted(f"change notices interrupted ({type(error).__name__})")
            await asyncio.sleep(pause)

    def _interrupted(self, why: str) -> None:
        if not self._told:
            log.warning("%s; caches are bypassed until they are back", why)
        self._told = True

    async def _listen(self) -> bool:
        """Listen until the connection is lost; False if a pooler stands between, so that nothing would be heard."""
        connection = await asyncpg.connect(**self._connect, timeout=5, command_timeout=5, statement_cache_size=0)
        try:
            if await pooled(connection):
                self._interrupted(
                    "no change notices: DEVMESH_DATABASE_DIRECT_URL (or DEVMESH_DATABASE_URL, if it is not set) leads "
                    "through a pooler; name the database itself there"
                )
                self._settled.set()
                return False
            await connection.add_listener(_CHANNEL, self._receive)
            for forget in self._forgetful:
                forget()
            self._told = False
            while True:
                await connection.execute(f"notify {_CHANNEL}, '{_BEAT}:{self._name}:{time.monotonic()!r}'")
                await asyncio.sleep(BEAT_SECONDS)
        finally:
            connection.terminate()
