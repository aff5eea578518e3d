"""One lane of the outbox: mails one after the other over one route, each with an end that is written down."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from functools import partial

import asyncpg
import msgspec

from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import SealBroken
from devmesh.db.pool import Database, DatabaseAway, Tx
from devmesh.mail import store
from devmesh.mail.message import Mail, compose, mail_host
from devmesh.mail.model import Delivery, GivenUp, Interrupted, Letter, Route, Undelivered
from devmesh.mail.store import Taken
from devmesh.metrics import MAILS

log = logging.getLogger(__name__)

SEAL = "outbox"
UNKNOWN = "whether mail %s (%s) was sent is not known: %s; it is not repeated"
FIRST_PAUSE = 60.0
LONGEST_PAUSE = 3600.0
# An attempt ends well before another process may take the mail, and so does the wait for the server's last word.
_LAST_WORD_SECONDS = 120.0
_MARGIN_SECONDS = 10.0
_AWAY = (DatabaseAway, asyncpg.PostgresError)
_WRITE_PAUSES = (0.2, 1.0, 3.0)


class _Elsewhere(Undelivered):
    """Another sender has taken the mail meanwhile: it is none of ours any more."""


class Sending:
    """Takes mails and sends them until there is none that is due."""

    def __init__(self, database: Database, ring: KeyRing, delivery: Delivery, public_url: str) -> None:
        self._database = database
        self._ring = ring
        self._delivery = delivery
        self._host = mail_host(public_url)
        self._stopping = False
        self._under_way: set[_HandOver] = set()

    async def run(self) -> None:
        """Send mails until none is due, or `stop`."""
        async with self._delivery.route() as route:
            while not self._stopping and (mail := await self._take()):
                await self._send(route, mail)

    def stop(self) -> None:
        """Have no lane take another mail."""
        self._stopping = True

    def interrupt(self, *, handed_over: bool) -> None:
        """Have every attempt end now, as if its time were over; those that were handed over only if told so."""
        for over in self._under_way:
            if over.limit is not None and not over.limit.expired() and (handed_over or not over.done):
                over.limit.reschedule(asyncio.get_running_loop().time())

    async def _take(self) -> Taken | None:
        try:
            async with self._database.routing() as tx:
                return await store.take(tx, self._delivery.folder, self._delivery.seconds + _MARGIN_SECONDS)
        except _AWAY:
            await asyncio.sleep(_WRITE_PAUSES[-1])
            return None

    async def _send(self, route: Route, mail: Taken) -> None:
        """Make one attempt, and have the row say how it ended."""
        over = _HandOver(self._database, mail)
        try:
            await self._attempt(route, mail, over)
        except _Elsewhere:
            return
        except GivenUp as failure:
            MAILS.add("refused")
            log.error("mail %s (%s) is given up: %s", mail.id, mail.event, failure)  # noqa: TRY400 - no fault of ours
        except Undelivered as failure:
            if not (over.done and isinstance(failure, Interrupted)):
                await self._put_off(mail, failure)
                return
            MAILS.add("unknown")
            log.error(UNKNOWN, mail.id, mail.event, failure)  # noqa: TRY400 - no fault of ours
        else:
            MAILS.add("sent")
            log.info("mail %s (%s) is sent", mail.id, mail.event)
        await self._write(partial(store.conclude, mail=mail))

    async def _attempt(self, route: Route, mail: Taken, over: _HandOver) -> None:
        letter = self._opened(mail)
        self._under_way.add(over)
        try:
            async with asyncio.timeout(self._delivery.seconds) as over.limit:
                await route.deliver(letter, over)
        except TimeoutError:
            raise Interrupted("the mail server took too long") from None
        except _AWAY as error:
            raise Undelivered(f"the database does not answer ({type(error).__name__})") from error
        finally:
            self._under_way.discard(over)

    def _opened(self, mail: Taken) -> Letter:
        try:
            found = msgspec.json.decode(self._ring.unseal(SEAL, mail.sealed, mail.id), type=Mail)
        except SealBroken:
            raise GivenUp("its row was altered, or sealed by another installation") from None
        return Letter(mail.id, found.to, compose(found, mail.id, self._delivery.sender, self._host))

    async def _put_off(self, mail: Taken, failure: Undelivered) -> None:
        MAILS.add("retried")
        seconds = 0.0 if self._stopping else pause(mail.attempt)
        log.warning("mail %s (%s) is tried again in %d s: %s", mail.id, mail.event, seconds, failure)
        await self._write(partial(store.put_off, mail=mail, seconds=seconds))

    async def _write(self, statement: Callable[[Tx], Awaitable[None]]) -> None:
        """Have the row say it; if the database stays away, the row tells by its own time that nobody cares for it."""
        for wait in _WRITE_PAUSES:
            try:
                async with self._database.routing() as tx:
                    await statement(tx)
            except _AWAY:
                await asyncio.sleep(wait)
            else:
                return


class _HandOver:
    """The step after which a mail is not sent again; `done` once it is known to be written down."""

    def __init__(self, database: Database, mail: Taken) -> None:
        self.done = False
        self.limit: asyncio.Timeout | None = None
        self._database = database
        self._mail = mail

    async def __call__(self) -> None:
        """Have the row say that the mail may have been sent, and the time start anew for the server's last word."""
        async with self._database.routing() as tx:
            if not await store.hand_over(tx, self._mail, _LAST_WORD_SECONDS + _MARGIN_SECONDS):
                raise _Elsewhere
        self.done = True
        if self.limit is not None:
            self.limit.reschedule(asyncio.get_running_loop().time() + _LAST_WORD_SECONDS)


def pause(attempt: int) -> float:
    """Return the seconds to wait after that attempt: twice as long each time, up to an hour, no two alike."""
    longest: float = min(FIRST_PAUSE * 4 / 3 * 2 ** min(attempt - 1, 10), LONGEST_PAUSE)
    return longest * (0.75 + secrets.randbelow(1000) / 4000)
