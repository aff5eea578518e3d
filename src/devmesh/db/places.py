"""Who uses the pool's connections: every organization a part of them, so that none waits for another one's burst."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager

# Of so many connections one stays free of whoever has all the others, at least one.
_KEPT_FREE = 4


class Places:
    """`size` places, of which one owner has at most three in four; a free one goes to the waiting owner with fewest.

    Among equals it goes to the one that was given one the longest ago; requests of one owner are served in their order.
    """

    def __init__(self, size: int) -> None:
        self._free = size
        self._most = max(1, size - max(1, size // _KEPT_FREE))
        self._held: dict[Hashable, int] = {}
        # Only owners of whom somebody waits, so only while nothing is free, or who have their most.
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}

    async def take(self, owner: Hashable, seconds: float) -> float:
        """Take a place for the owner and return how much is left of the `seconds`; raise TimeoutError after them."""
        held = self._held.get(owner, 0)
        if self._free and held < self._most:
            self._free -= 1
            self._held[owner] = held + 1
            return seconds
        return await self._wait(owner, seconds)

    def give(self, owner: Hashable) -> None:
        """Give the owner's place back, to whoever waits and has fewest."""
        held = self._held[owner] - 1
        if held:
            self._held[owner] = held
        else:
            del self._held[owner]
        self._free += 1
        self._hand_on()

    @asynccontextmanager
    async def taken(self, owner: Hashable, seconds: float) -> AsyncIterator[None]:
        """Have a place of the owner's within the block; raise TimeoutError if there is none within the `seconds`."""
        await self.take(owner, seconds)
        try:
            yield
        finally:
            self.give(owner)

    async def _wait(self, owner: Hashable, seconds: float) -> float:
        loop = asyncio.get_running_loop()
        until = loop.time() + seconds
        place: asyncio.Future[None] = loop.create_future()
        queue = self._waiting.setdefault(owner, deque())
        queue.append(place)
        try:
            async with asyncio.timeout_at(until):
                await place
        except BaseException:
            if place.done() and not place.cancelled():
                self.give(owner)  # it came at the same moment
            elif place in queue:
                queue.remove(place)
                if not queue:
                    del self._waiting[owner]
            raise
        return until - loop.time()

    def _hand_on(self) -> None:
        while self._free and self._waiting:
            owner = min(self._waiting, key=self._count)
            held = self._count(owner)
            if held >= self._most:
                return
            queue = self._waiting.pop(owner)
            place = queue.popleft()
            if queue:
                self._waiting[owner] = queue  # behind all others
            if not place.done():
                self._free -= 1
                self._held[owner] = held + 1
                place.set_result(None)

    def _count(self, owner: Hashable) -> int:
        return self._held.get(owner, 0)
