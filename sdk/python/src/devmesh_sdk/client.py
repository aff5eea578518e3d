"""The two clients: one blocks and one awaits. What they decide is the core's; here its steps are taken."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any, Self, TypeVar

import httpx2

from devmesh_sdk.api import awaiting, blocking
from devmesh_sdk.core import Core
from devmesh_sdk.credentials import Auth, Session
from devmesh_sdk.sending import asend, send
from devmesh_sdk.steps import Alone, Outcome, Pause, Send, Steps

T = TypeVar("T")

TIMEOUT_SECONDS = 60.0  # longer than the gateway waits for a service, so that its answer comes first
RETRIES = 3
_LIMITS = httpx2.Limits(max_connections=100, max_keepalive_connections=100)


class Client(blocking.Groups):
    """Developer Mesh at `base_url`; each method blocks until the call is over. Any number of threads may share one.

    `auth` says who calls: an ApiKey, a Login or Tokens; without it only what needs no credential can be called.
    `tenant` is the id or slug of the tenant to act in. `timeout` is the seconds that a call has in all, and `retries`
    how often it is repeated where that is safe. `http` sends in place of a client of our own, and stays open after it.
    """

    def __init__(
        self,
        base_url: str,
        auth: Auth | None = None,
        *,
        tenant: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        http: httpx2.Client | None = None,
    ) -> None:
        self._core = Core(base_url, auth, tenant=tenant, timeout=timeout, retries=retries)
        self._http = http or httpx2.Client(limits=_LIMITS)
        self._owned = http is None
        self._lock = threading.Lock()
        super().__init__(self._core, self._drive)

    def __repr__(self) -> str:
        return f"Client({self._core.base_url!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def use(self, auth: Auth | None) -> None:
        """Call as somebody else from the next call on; one under way that is refused goes on under it too."""
        self._core.session = Session(auth)

    def close(self) -> None:
        """Close the connections."""
        if self._owned:
            self._http.close()

    def _drive(self, steps: Steps[T], /) -> T:
        done: Outcome | None = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                result: T = end.value
                return result
            done = self._take(step)

    def _take(self, step: Send | Pause | Alone) -> Outcome | None:
        if isinstance(step, Send):
            return send(self._http, step)
        if isinstance(step, Pause):
            time.sleep(step.seconds)
        else:
            with self._lock:
                self._drive(step.steps)
        return None


class AsyncClient(awaiting.Groups):
    """As Client, for asyncio: each method is awaited, and any number of tasks of one event loop may share a client."""

    def __init__(
        self,
        base_url: str,
        auth: Auth | None = None,
        *,
        tenant: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        http: httpx2.AsyncClient | None = None,
    ) -> None:
        self._core = Core(base_url, auth, tenant=tenant, timeout=timeout, retries=retries)
        self._http = http or httpx2.AsyncClient(limits=_LIMITS)
        self._owned = http is None
        self._lock = asyncio.Lock()
        self._begun: set[asyncio.Task[None]] = set()
        super().__init__(self._core, self._drive)

    def __repr__(self) -> str:
        return f"AsyncClient({self._core.base_url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    def use(self, auth: Auth | None) -> None:
        """Call as somebody else from the next call on; one under way that is refused goes on under it too."""
        self._core.session = Session(auth)

    async def aclose(self) -> None:
        """Close the connections, after a refresh that is under way."""
        await asyncio.gather(*self._begun, return_exceptions=True)
        if self._owned:
            await self._http.aclose()

    async def _drive(self, steps: Steps[T], /) -> T:
        done: Outcome | None = None
        while True:
            try:
                step = steps.send(done)
            except StopIteration as end:
                result: T = end.value
                return result
            done = await self._take(step)

    async def _take(self, step: Send | Pause | Alone) -> Outcome | None:
        if isinstance(step, Send):
            return await asend(self._http, step)
        if isinstance(step, Pause):
            await asyncio.sleep(step.seconds)
        else:
            # A caller that is cancelled must not take a refresh with it: a token would be spent, its successor lost.
            await asyncio.shield(self._begin(step))
        return None

    def _begin(self, step: Alone) -> asyncio.Task[None]:
        task = asyncio.create_task(self._alone(step))
        self._begun.add(task)
        task.add_done_callback(self._ended)
        return task

    async def _alone(self, step: Alone) -> None:
        async with self._lock:
            await self._drive(step.steps)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._begun.discard(task)
        if not task.cancelled():
            # Told to whoever waits; if nobody does any more, it is nobody's.
            task.exception()
