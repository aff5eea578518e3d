"""Work that is done behind the reply, so that the time of the reply tells nothing of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine

log = logging.getLogger(__name__)

# Mails under way behind replies; beyond it they are withheld, as the mail server would be drowned anyway.
_MOST_PENDING = 100


class Later:
    """Pieces of work under way behind replies; at most a hundred of them."""

    def __init__(self) -> None:
        self._pending: set[asyncio.Task[None]] = set()

    def do(self, what: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Have `work()` run after the reply; if too much is under way, it is left undone in silence."""
        if len(self._pending) >= _MOST_PENDING:
            log.warning("%s is left undone: %d are under way", what, len(self._pending))
            return
        task = asyncio.create_task(work(), name=what)
        self._pending.add(task)
        task.add_done_callback(self._ended)

    async def settle(self) -> None:
        """Wait until nothing is under way any more; before the database closes."""
        while self._pending:
            await asyncio.wait(self._pending)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._pending.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("%s failed: %s", task.get_name(), type(error).__name__)
