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
_RESOLVE_SECONDS = 5.0
_REMEMBERED = 1024
_MOST_ADDRESSES = 16


@dataclass(frozen=True, slots=True)
class Target:
    """An origin with the addresses that were checked for it, in the order to try them, good until `until`."""

    origin: Origin
    addresses: tuple[str, ...]
    until: float


class Guard:
    """Checks every address of a name before anyone connects, and remembers the checked ones for 30 seconds.

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
        self._threads = ThreadPoolExecutor(max_workers=8, thread_name_prefix="resolve")
        self._resolve = resolve or self._ask_system
        self._clock = clock
        self._checked: OrderedDict[tuple[str, Origin], Target] = OrderedDict()
        self._asking: dict[tuple[str, int], asyncio.Task[Sequence[str]]] = {}

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
        found = [literal] if literal is not None else await self._addresses(origin)
        for address in found:
            self._check(origin, address, organization)
        target = Target(origin, tuple(str(address) for address in found), self._clock() + _FRESH_SECONDS)
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

    async def _addresses(self, origin: Origin) -> list[Address]:
        """Return the name's addresses; callers that ask for one name at once share one question."""
        key = (origin.host, origin.port)
        task = self._asking.get(key)
        if task is None:
            task = asyncio.create_task(self._ask(*key))
            self._asking[key] = task
            task.add_done_callback(lambda done: self._forget(key, done))
        try:
            answer = await asyncio.shield(task)
            found = [ip_address(text) for text in dict.fromkeys(answer)]
        except (OSError, ValueError) as error:
            raise NameNotResolved(f"{origin.host} could not be resolved.") from error
        if not found or len(found) > _MOST_ADDRESSES:
            raise NameNotResolved(f"{origin.host} has {'too many addresses' if found else 'no address'}.")
        return found

    def _forget(self, key: tuple[str, int], done: asyncio.Task[Sequence[str]]) -> None:
        del self._asking[key]
        if not done.cancelled():
            done.exception()  # read, for when everybody who asked has been cancelled

    async def _ask(self, host: str, port: int) -> Sequence[str]:
        async with asyncio.timeout(_RESOLVE_SECONDS):  # its TimeoutError is an OSError
            return await self._resolve(host, port)

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
