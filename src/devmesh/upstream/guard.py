"""The address guard: which addresses this server connects to, and to nothing else.

By default that is https to public addresses, on any port. `DEVMESH_UPSTREAM_ALLOW` opens named
exceptions, and only those may be spoken to in plain http. Metadata services stay closed whatever it says.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from ipaddress import ip_address

from devmesh.settings import AllowEntry
from devmesh.upstream.addresses import Address, carried, is_metadata, is_metadata_name, is_public
from devmesh.upstream.errors import AddressRefused, NameNotResolved
from devmesh.upstream.origin import Origin

# The addresses of a name, in the order to try them; raises OSError when there is none.
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]

_FRESH_SECONDS = 30.0
_KEPT_SECONDS = 300.0
_RESOLVE_SECONDS = 5.0
# Only the resolver's own patience, tens of seconds, ends a look-up that gets no answer, and whoever names a service
# chooses its zone: so an organization holds at most an eighth of the threads, whether or not it still waits.
_THREADS = 32
_MOST_ASKED = 4
_REMEMBERED = 1024
_MOST_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class Target:
    """An origin with the addresses that were checked for it, in the order to try them, good until `until`.

    Until `kept` they may serve on, if the name cannot be resolved anew.
    """

    origin: Origin
    addresses: tuple[str, ...]
    until: float
    kept: float


class Guard:
    """Checks every address of a name before anyone connects, and remembers the checked ones for 30 seconds.

    When the name cannot be resolved after that, they serve on for five minutes: what they were checked for stands.
    Whoever connects uses an address of the Target and never the name: an answer that changes
    in between changes nothing.
    """

    def __init__(
        self,
        allow: Sequence[AllowEntry] = (),
        *,
        resolve: Resolve | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow = tuple(allow)
        # Threads of its own: names that are slow to resolve must not hold up password hashing or file work.
        self._threads = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="resolve")
        self._resolve = resolve or self._ask_system
        self._clock = clock
        self._checked: OrderedDict[tuple[str, Origin], Target] = OrderedDict()
        self._asking: dict[tuple[str, int], asyncio.Future[Sequence[str]]] = {}
        self._running: dict[str, set[asyncio.Future[Sequence[str]]]] = {}

    def known(self, origin: Origin, organization: str) -> Target | None:
        """Return the organization's Target if it was checked a short time ago."""
        key = (organization, origin)
        target = self._checked.get(key)
        if target is None or target.until <= self._clock():
            return None
        self._checked.move_to_end(key)
        return target

    async def admit(self, origin: Origin, organization: str) -> Target:
        """Return the origin's addresses, every one checked; raises AddressRefused or NameNotResolved."""
        if is_metadata_name(origin.host):
            raise AddressRefused(f"{origin.host} is a metadata service.", hint="It cannot be opened.")
        literal = origin.address
        try:
            found = [literal] if literal is not None else await self._addresses(origin, organization)
        except NameNotResolved:
            kept = self._checked.get((organization, origin))
            if kept is None or kept.kept <= self._clock():
                raise
            target = replace(kept, until=min(self._clock() + _FRESH_SECONDS, kept.kept))
        else:
            for address in found:
                self._check(origin, address, organization)
            until = self._clock() + _FRESH_SECONDS
            target = Target(origin, tuple(str(address) for address in found), until, until + _KEPT_SECONDS)
        self._remember(organization, target)
        return target

    def prefer(self, target: Target, organization: str, address: str) -> None:
        """From now on try this address of the Target first: it just answered where others did not."""
        others = (other for other in target.addresses if other != address)
        self._remember(organization, replace(target, addresses=(address, *others)))

    def close(self) -> None:
        """Let the resolver's threads end."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _check(self, origin: Origin, address: Address, organization: str) -> None:
        named = origin.host if origin.address is not None else f"{origin.host} resolves to an address that"
        if is_metadata(address):
            raise AddressRefused(f"{named} is one of a cloud's metadata services.", hint="It cannot be opened.")
        if self._opened(origin, address, organization):
            return
        entry = f"{organization}={origin.place}"
        if not is_public(address):
            raise AddressRefused.openable(f"{named} is not public.", entry)
        if origin.scheme != "https":
            raise AddressRefused.openable(f"{origin.place} would be spoken to in plain http; use https.", entry)

    def _opened(self, origin: Origin, address: Address, organization: str) -> bool:
        if not any(_covers(entry, origin, address, organization) for entry in self._allow):
            return False
        inner = carried(address)
        return inner is None or is_public(inner) or self._opened(origin, inner, organization)

    def _remember(self, organization: str, target: Target) -> None:
        key = (organization, target.origin)
        self._checked[key] = target
        self._checked.move_to_end(key)
        if len(self._checked) > _REMEMBERED:
            self._checked.popitem(last=False)

    async def _addresses(self, origin: Origin, organization: str) -> list[Address]:
        """Return the name's addresses; callers that ask for one name at once share one question."""
        question = None
        try:
            async with asyncio.timeout(_RESOLVE_SECONDS):  # its TimeoutError is an OSError
                question = await self._ask(origin, organization)
                answer = await asyncio.shield(question)
            found = [ip_address(text) for text in dict.fromkeys(answer)]
        except (OSError, ValueError) as error:
            if question is None:
                busy = f"{_MOST_ASKED} other names of your organization are still not answered"
                raise NameNotResolved(f"{origin.host} was not looked up: {busy}.") from error
            raise NameNotResolved(f"{origin.host} could not be resolved.") from error
        if not found or len(found) > _MOST_ADDRESSES:
            raise NameNotResolved(f"{origin.host} has {'too many addresses' if found else 'no address'}.")
        return found

    async def _ask(self, origin: Origin, organization: str) -> asyncio.Future[Sequence[str]]:
        """Return the look-up of the name, begun when the organization has room for it; it has till the look-up ends."""
        key = (origin.host, origin.port)
        while (question := self._asking.get(key)) is None:
            running = self._running.setdefault(organization, set())
            if len(running) < _MOST_ASKED:
                return self._begin(key, organization, running)
            await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        return question

    def _begin(
        self, key: tuple[str, int], organization: str, running: set[asyncio.Future[Sequence[str]]]
    ) -> asyncio.Future[Sequence[str]]:
        question = self._asking[key] = asyncio.ensure_future(self._resolve(*key))
        running.add(question)

        def ended(done: asyncio.Future[Sequence[str]]) -> None:
            del self._asking[key]
            running.discard(done)
            if not running:
                self._running.pop(organization, None)
            if not done.cancelled():
                done.exception()  # read, for when everybody who asked has been cancelled

        question.add_done_callback(ended)
        return question

    async def _ask_system(self, host: str, port: int) -> Sequence[str]:
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(
            self._threads, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
        )
        return [str(sockaddr[0]) for *_, sockaddr in found]


def _covers(entry: AllowEntry, origin: Origin, address: Address, organization: str) -> bool:
    if entry.organization not in (None, organization) or entry.port not in (None, origin.port):
        return False
    if entry.network is not None:
        return address in entry.network
    return entry.host is not None and entry.host in (origin.host, str(address))
