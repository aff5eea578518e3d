"""The Redis that holds the buckets of all processes: asked for many requests at once, and never waited for long."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from redis.exceptions import NoScriptError, RedisError

from devmesh.limits.wire import ANNOUNCE, SPEND, Answer, Command, Wire
from devmesh.metrics import LIMITS_BY_SHARE
from devmesh.settings import RedisUrl

log = logging.getLogger(__name__)

_PROCESSES = "devmesh:processes"
_ANSWER_SECONDS = 0.1
# A probe may take longer: it connects, perhaps over TLS, and nobody waits for it.
_PROBE_SECONDS = 1.0
_BEAT_SECONDS = 1.0
_RETRY_SECONDS = 0.2
# A process that has not announced itself for so long is gone.
_GONE_SECONDS = 15
_MOST_AT_ONCE = 128
# Of the event loop: to look at the socket, to read, to take the answer up.
_TURNS = 4
_LONGEST = 200


@dataclass(slots=True)
class _Asked:
    command: Command
    answer: asyncio.Future[Answer | None] = field(repr=False)


class Remote:
    """Asks Redis while it is `up`; between `open` and `close` this process announces itself, which is also the probe.

    One connection carries everything: what is asked while an answer is awaited goes out together after it.
    """

    def __init__(self, url: RedisUrl, workers: int) -> None:
        self.up = False
        self._url = url
        self._wire = Wire(url)
        self._name = uuid4().hex
        self._least = self._processes = workers
        self._heard_at = time.monotonic()
        self._waiting: list[_Asked] = []
        self._sending: asyncio.Task[None] | None = None
        self._beating: asyncio.Task[None] | None = None
        self._told = False

    @property
    def processes(self) -> int:
        """How many processes share the limits, as last heard; before anything was heard, this server's workers."""
        return self._processes

    async def open(self) -> None:
        """Connect, if Redis is there, and go on trying if it is not."""
        await self._beat()
        self._beating = asyncio.create_task(self._beat_for_good(), name="redis")

    async def close(self) -> None:
        """Take leave, and let the connection go."""
        if self._beating is not None:
            self._beating.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._beating
        if self.up:
            await self._ask(Command(("ZREM", _PROCESSES, self._name)))
        self.up = False
        self._give_up()
        await self._wire.close()

    async def spend(self, keys: Sequence[str], arguments: Sequence[int]) -> Answer | None:
        """Return what `spend.lua` answers; None if Redis is away, and then it may have counted or not."""
        return await self._ask(Command.script(SPEND, keys, arguments)) if self.up else None

    async def _ask(self, command: Command) -> Answer | None:
        asked = _Asked(command, asyncio.get_running_loop().create_future())
        self._waiting.append(asked)
        if self._sending is None:
            self._sending = asyncio.create_task(self._send_all(), name="redis pipeline")
        return await asked.answer

    async def _send_all(self) -> None:
        try:
            while self._waiting and self.up:
                batch, self._waiting = self._waiting[:_MOST_AT_ONCE], self._waiting[_MOST_AT_ONCE:]
                await self._send(batch)
        finally:
            self._sending = None
        self._give_up()

    async def _send(self, batch: list[_Asked]) -> None:
        answers = await self._run([asked.command for asked in batch], _ANSWER_SECONDS)
        for place, asked in enumerate(batch):
            if not asked.answer.done():
                asked.answer.set_result(answers[place] if answers else None)

    def _give_up(self) -> None:
        if self.up:
            return
        waiting, self._waiting = self._waiting, []
        for asked in waiting:
            if not asked.answer.done():
                asked.answer.set_result(None)

    async def _run(self, commands: Sequence[Command], seconds: float) -> list[Answer] | None:
        """Return the answers; None, and `up` is False, if one failed or did not come in time."""
        running = asyncio.ensure_future(_answers(self._wire, commands))
        try:
            await asyncio.wait({running}, timeout=seconds)
            # Where it was this process that stood still, the answer may lie there already: it is read first.
            for _ in range(_TURNS):
                if not running.done():
                    await asyncio.sleep(0)
        finally:
            running.cancel()
        if not running.done():
            with contextlib.suppress(asyncio.CancelledError, RedisError, OSError):
                await running
            self._away(f"no answer within {seconds * 1000:.0f} ms")
            return None
        try:
            return running.result()
        except (RedisError, OSError) as error:
            self._away(_told(error))
            return None

    def _away(self, why: str) -> None:
        self.up = False
        LIMITS_BY_SHARE.set(to=1)
        if not self._told:
            self._told = True
            log.warning(
                "the rate limits' Redis, %s, is away (%s): this process lets through one part in %d of each limit",
                self._url,
                why,
                self.processes,
            )
        self._wire.drop()

    async def _beat_for_good(self) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS if self.up else _RETRY_SECONDS)
            await self._beat()

    async def _beat(self) -> None:
        announce = Command.script(ANNOUNCE, [_PROCESSES], [self._name, _GONE_SECONDS])
        if self.up:
            self._hear(await self._ask(announce))
            return
        answers = await self._run([announce], _PROBE_SECONDS)
        if answers:
            self._hear(answers[0])
            self.up = True
            LIMITS_BY_SHARE.set(to=0)
            if self._told:
                self._told = False
                log.warning("the rate limits' Redis is back: all processes share each limit again")

    def _hear(self, answer: Answer | None) -> None:
        """Hold the number of processes; one that falls is believed only when the others had time to be heard."""
        now = time.monotonic()
        if answer is None:
            return
        found = max(int(answer), self._least)
        if found >= self._processes or now - self._heard_at > _GONE_SECONDS:
            self._processes, self._heard_at = found, now


async def fault(url: RedisUrl) -> str | None:
    """Return what keeps the limits from being counted there, None if nothing does."""
    wire = Wire(url)
    asked = Command.script(SPEND, ["devmesh:{doctor}"], [1, 1, 1, 0])
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            await _answers(wire, [asked])
    except TimeoutError:
        return f"no answer within {_PROBE_SECONDS:.0f} s"
    except (RedisError, OSError) as error:
        return _told(error)
    finally:
        await wire.close()
    return None


async def _answers(wire: Wire, commands: Sequence[Command]) -> list[Answer]:
    """Return the answers; a script that the server does not know is sent to it. Raises RedisError or OSError."""
    answers = await wire.run(commands)
    unknown = [place for place, answer in enumerate(answers) if isinstance(answer, NoScriptError)]
    if unknown:
        again = await wire.run([commands[place].in_full() for place in unknown])
        for place, answer in zip(unknown, again, strict=True):
            answers[place] = answer
    refused = next((answer for answer in answers if isinstance(answer, Exception)), None)
    if refused is not None:
        raise refused
    return answers


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:_LONGEST]
