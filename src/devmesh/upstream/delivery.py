"""How often a request is sent: again where that is safe, and not at all to a service that keeps failing."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from uuid import UUID

from devmesh.access import Caller
from devmesh.errors import MeshError
from devmesh.metrics import UPSTREAM_RETRIES, UPSTREAM_SECONDS
from devmesh.upstream.breaker import Breakers
from devmesh.upstream.clients import TOTAL_SECONDS
from devmesh.upstream.errors import OutcomeUnknown, UpstreamTimeout, UpstreamUnreachable
from devmesh.upstream.send import Sender
from devmesh.upstream.wire import Reply, Request

# What a service says that has trouble and may answer in a moment (RFC 9110, 15.6; RFC 6585, 4).
_TOO_MANY = 429
_IN_TROUBLE = frozenset({502, 503, 504})
_MOST_TRIES = 3
_FIRST_PAUSE = 0.25
# An agent can wait as well as we can, and knows what else there is to do.
_LONGEST_PAUSE = 10.0
_LEAST_LEFT = 5.0


class Delivery:
    """Sends a call's request, up to three times within the time of one.

    A read is sent again after 429, 502, 503, 504 and broken connections; a write only where provably nothing was
    sent. The service's `Retry-After` is kept to if it is short, and otherwise told to the caller. Nothing is sent
    again for a key or with a credential that ended meanwhile.
    """

    def __init__(
        self,
        sender: Sender,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._sender = sender
        self._clock = clock
        self._sleep = sleep
        self._breakers = Breakers(clock)

    async def send(
        self,
        caller: Caller,
        service: str,
        request: Request,
        base_url: str,
        headers: Mapping[str, str],
        *,
        reads: bool,
        stands: Callable[[], bool],
    ) -> Reply:
        """Return the service's answer, whatever its status; raise what Sender.send raises, or ServiceResting.

        `stands` is asked before each later try: False leaves it at what came of the last one.
        """
        place = (caller.tenant_id, service, base_url)
        self._breakers.admit(place, service)
        until = self._clock() + TOTAL_SECONDS
        tries = 0
        while True:
            tries += 1
            try:
                reply = await self._once(caller, service, request, base_url, headers, until, reads=reads)
            except (UpstreamUnreachable, OutcomeUnknown) as error:
                pause = self._pause_after(error, tries, until, reads=reads)
                if pause is None or not await self._again(service, error.code, pause, stands):
                    self._breakers.failed(place, error.detail)
                    raise
            else:
                pause = self._pause(reply, tries, until) if reads else None
                if pause is None or not await self._again(service, str(reply.status), pause, stands):
                    self._judge(place, reply)
                    return reply

    async def _once(
        self,
        caller: Caller,
        service: str,
        request: Request,
        base_url: str,
        headers: Mapping[str, str],
        until: float,
        *,
        reads: bool,
    ) -> Reply:
        began = self._clock()
        try:
            return await self._sender.send(
                request,
                base_url=base_url,
                organization=caller.organization_slug,
                headers=headers,
                timeout=until - began,
                writes=not reads,
            )
        finally:
            UPSTREAM_SECONDS.observe(self._clock() - began, service)

    async def _again(self, service: str, after: str, pause: float, stands: Callable[[], bool]) -> bool:
        """Wait, then return whether it may be sent again."""
        await self._sleep(pause)
        if not stands():
            return False
        UPSTREAM_RETRIES.add(service, after)
        return True

    def _judge(self, place: tuple[UUID, str, str], reply: Reply) -> None:
        if reply.status in _IN_TROUBLE:
            self._breakers.failed(place, f"it answered {reply.status}.")
        else:
            self._breakers.succeeded(place)

    def _pause(self, reply: Reply, tries: int, until: float) -> float | None:
        """Return the seconds after which a read is sent again; None if the reply is the caller's."""
        if reply.status != _TOO_MANY and reply.status not in _IN_TROUBLE:
            return None
        return self._fits(max(_backoff(tries), reply.retry_after() or 0.0), tries, until)

    def _pause_after(self, error: MeshError, tries: int, until: float, *, reads: bool) -> float | None:
        """Return the seconds after which it is sent again; None where that would not be safe, or too late."""
        if not isinstance(error, UpstreamUnreachable) and (not reads or isinstance(error, UpstreamTimeout)):
            return None
        return self._fits(_backoff(tries), tries, until)

    def _fits(self, pause: float, tries: int, until: float) -> float | None:
        in_time = pause <= _LONGEST_PAUSE and self._clock() + pause + _LEAST_LEFT <= until
        return pause if tries < _MOST_TRIES and in_time else None


def _backoff(tries: int) -> float:
    """Return a pause that doubles with every try, half of it by chance: callers that failed together return apart."""
    pause = _FIRST_PAUSE * 2.0 ** (tries - 1)
    return pause / 2 + random.random() * pause / 2  # noqa: S311 - no secret
