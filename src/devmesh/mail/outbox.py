"""The outbox: a mail is put into the transaction of what it tells of, and leaves once, however often that fails."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Mapping
from datetime import timedelta

import asyncpg
import msgspec

from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database, DatabaseAway, Tx
from devmesh.ids import new_id
from devmesh.mail import store
from devmesh.mail.files import Files
from devmesh.mail.message import Mail, mail_host
from devmesh.mail.model import Delivery
from devmesh.mail.sending import SEAL, UNKNOWN, Sending
from devmesh.mail.smtp import Smtp
from devmesh.metrics import MAILS, MAILS_WAITING
from devmesh.settings import Settings

log = logging.getLogger(__name__)

# At most so many routes, which are connections to a mail server, are open at once in one process.
_MOST_ROUTES = 4
# How long a mail can lie that another process has put and not lived to send.
_LOOK_SECONDS = 30.0
_TIDY_SECONDS = 30.0
_RETRY_SECONDS = 2.0


class Outbox:
    """Where mail waits, sealed, from the commit on; between `open` and `close` it is sent in the background.

    Any number of processes share it. Each mail goes out once: to a mail server at most once, even if a process dies
    just then, and into a file exactly once.
    """

    def __init__(self, database: Database, ring: KeyRing, settings: Settings) -> None:
        self._database = database
        self._ring = ring
        self._links = f"{settings.public_url}/"
        self._delivery = delivery_of(settings)
        self._sending = Sending(database, ring, self._delivery, settings.public_url)
        self._production = settings.production
        self._wake = asyncio.Event()
        self._still = asyncio.Event()
        self._lanes: set[asyncio.Task[None]] = set()
        self._tidy_at = float("-inf")
        self._task: asyncio.Task[None] | None = None

    async def put(self, tx: Tx, mail: Mail, *, event: str, lifetime: timedelta) -> None:
        """Have the mail sent once `tx` is committed, within `lifetime`; for one event there is one mail.

        `event` says which row the mail tells of (`verify:<token id>`); it is stored and logged as it is, so it holds
        neither secret nor address.
        """
        await self.put_all(tx, {event: mail}, lifetime=lifetime)

    async def put_all(self, tx: Tx, mails: Mapping[str, Mail], *, lifetime: timedelta) -> None:
        """Do as `put` for every event and its mail, with one statement however many there are, even none."""
        if not all(mail.link is None or mail.link.startswith(self._links) for mail in mails.values()):
            raise ValueError("a mail's link leads to the public URL")
        ids = [new_id() for _ in mails]
        sealed = [
            self._ring.seal(SEAL, msgspec.json.encode(mail), mail_id)
            for mail_id, mail in zip(ids, mails.values(), strict=True)
        ]
        if await store.add(tx, self._delivery.folder, lifetime, ids, list(mails), sealed):
            tx.after_commit(self._wake.set)

    async def open(self) -> None:
        """Begin to send, what an earlier process has left first."""
        if self._production:
            log.info("%s", self._delivery.told)
        self._task = asyncio.create_task(self._run(), name="outbox")
        self._task.add_done_callback(_ended)

    async def close(self, seconds: float = 1.0) -> None:
        """Take no more mails; let those under way end and give back those that do not: at most three times so long."""
        if self._task is None:
            return
        task, self._task = self._task, None
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        self._sending.stop()
        await self._lanes_end(seconds)
        # What is handed over cannot be given back: its server is waited for a little longer.
        self._sending.interrupt(handed_over=False)
        await self._lanes_end(seconds)
        self._sending.interrupt(handed_over=True)
        await self._lanes_end(seconds)
        for lane in self._lanes:
            lane.cancel()

    async def _lanes_end(self, seconds: float) -> None:
        if self._lanes:
            await asyncio.wait(self._lanes, timeout=seconds)

    async def settled(self) -> None:
        """Wait until nothing that was put is due or under way in this process; what waits to be tried again is not."""
        self._still.clear()
        self._wake.set()
        await self._still.wait()

    async def _run(self) -> None:
        told = False
        while True:
            self._wake.clear()
            try:
                pause = await self._round()
                told = False
            except (DatabaseAway, asyncpg.PostgresError) as error:
                if not told:
                    log.warning("mails wait: the database does not serve the outbox (%s)", type(error).__name__)
                told, pause = True, _RETRY_SECONDS
                await asyncio.sleep(pause)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._wake.wait()

    async def _round(self) -> float:
        """Start as many lanes as there are mails, within bounds; return in how many seconds to look again."""
        async with self._database.routing() as tx:
            if asyncio.get_running_loop().time() >= self._tidy_at:
                await self._tidy(tx)
            found = await store.queue(tx, self._delivery.folder)
        MAILS_WAITING.set(to=found.waiting)
        for _ in range(min(found.due, _MOST_ROUTES) - len(self._lanes)):
            lane = asyncio.create_task(self._sending.run(), name="mails")
            self._lanes.add(lane)
            lane.add_done_callback(self._lane_ended)
        if not self._lanes and not self._wake.is_set():
            self._still.set()
        if found.next_seconds is None:
            return _LOOK_SECONDS
        return min(max(found.next_seconds, _RETRY_SECONDS), _LOOK_SECONDS)

    async def _tidy(self, tx: Tx) -> None:
        self._tidy_at = asyncio.get_running_loop().time() + _TIDY_SECONDS
        for mail_id, event in await store.conclude_lost(tx):
            MAILS.add("unknown")
            log.error(UNKNOWN, mail_id, event, "its sender died")
        for mail_id, event in await store.remove_expired(tx):
            MAILS.add("expired")
            log.error("mail %s (%s) is given up: it could not be sent before it expired", mail_id, event)

    def _lane_ended(self, lane: asyncio.Task[None]) -> None:
        self._lanes.discard(lane)
        self._wake.set()
        error = None if lane.cancelled() else lane.exception()
        if error is not None:
            log.error("a sender of mails failed: %s", type(error).__name__)


def _ended(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.critical("no mail is sent any more: the outbox failed", exc_info=task.exception())


def delivery_of(settings: Settings) -> Delivery:
    """Return how mails leave this installation."""
    if settings.smtp_url is not None:
        return Smtp(settings.smtp_url, settings.public_url)
    return Files(settings.data_dir / "outbox", f"Developer Mesh <no-reply@{mail_host(settings.public_url)}>")
