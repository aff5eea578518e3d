"""Argon2id password hashes (RFC 9106), computed in threads, few at a time: each takes its memory while it runs."""

from __future__ import annotations

import asyncio
import base64
import os
import re
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from devmesh.errors import Unavailable

_SALT_BYTES = 16
_HASH_BYTES = 32
_VERSION = 19  # of Argon2, in RFC 9106, section 3.1
_PARAMETERS = re.compile(r"\$argon2id\$v=(\d+)\$m=(\d+),t=(\d+),p=(\d+)\$[^$]+\$([^$]+)")
# The time that a hash takes, more or less, for telling those whom nobody can serve now when to come back.
_HASH_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Cost:
    """Argon2id parameters; `memory_kib` in KiB. The default is OWASP's first recommendation for Argon2id."""

    memory_kib: int = 19 * 1024
    iterations: int = 2
    lanes: int = 1


class TooManyHashes(Unavailable):
    """As many wait for a password to be hashed as may; the work for this one has not begun."""

    code = "login_busy"
    hint = "Too many passwords are being checked at once. Try again after retry_after seconds."


class Place:
    """One of the few places in which a hash is computed; good within the block that took it."""

    def __init__(self, cost: Cost, threads: ThreadPoolExecutor) -> None:
        self._cost = cost
        self._threads = threads

    async def hash(self, password: str) -> str:
        """Return the hash in PHC form, with its salt and parameters."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _hash, self._cost, password)

    async def matches(self, password: str, phc: str) -> bool:
        """Return whether `password` is the one that was hashed."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, _matches, password, phc)


class Passwords:
    """Hashes and checks passwords off the event loop, `at_once` of them in parallel, while at most `waiting` wait.

    By default half of the processors hash, so that the other half answers whoever is logged in already.
    """

    def __init__(self, cost: Cost | None = None, *, at_once: int | None = None, waiting: int = 256) -> None:
        self._cost = cost or Cost()
        self._at_once = at_once or max(1, (os.cpu_count() or 1) // 2)
        self._places = asyncio.Semaphore(self._at_once)
        # Threads of our own: whoever gives up waiting leaves a hash that runs on, and its memory with it.
        self._threads = ThreadPoolExecutor(self._at_once, "passwords")
        self._most_waiting = waiting
        self._waiting = 0

    @asynccontextmanager
    async def place(self) -> AsyncIterator[Place]:
        """Wait for a place, and hold it for the block; raise TooManyHashes if too many wait already."""
        if self._places.locked() and self._waiting >= self._most_waiting:
            retry_after = 1 + self._waiting / self._at_once * _HASH_SECONDS
            raise TooManyHashes("Too many passwords are being checked at the moment.", retry_after=retry_after)
        self._waiting += 1
        try:
            await self._places.acquire()
        finally:
            self._waiting -= 1
        try:
            yield Place(self._cost, self._threads)
        finally:
            self._places.release()

    async def hash(self, password: str) -> str:
        """Return the hash in PHC form, with its salt and parameters."""
        async with self.place() as place:
            return await place.hash(password)

    async def matches(self, password: str, phc: str) -> bool:
        """Return whether `password` is the one that was hashed."""
        async with self.place() as place:
            return await place.matches(password, phc)

    def decoy(self) -> str:
        """Return what looks like a hash of today's cost and is none: to check against it takes as long, in vain."""
        salt, digest = (base64.b64encode(os.urandom(n)).decode().rstrip("=") for n in (_SALT_BYTES, _HASH_BYTES))
        cost = self._cost
        return f"$argon2id$v={_VERSION}$m={cost.memory_kib},t={cost.iterations},p={cost.lanes}${salt}${digest}"

    def is_hash(self, phc: str) -> bool:
        """Return whether `phc` is a hash at all: what is kept for somebody without a password is not."""
        return _PARAMETERS.fullmatch(phc) is not None

    def is_current(self, phc: str) -> bool:
        """Return whether the hash was made at today's cost; otherwise it is made anew when the password is at hand."""
        found = _PARAMETERS.fullmatch(phc)
        if found is None:
            return False
        cost = (_VERSION, self._cost.memory_kib, self._cost.iterations, self._cost.lanes)
        size = len(base64.b64decode(found[5] + "=" * (-len(found[5]) % 4)))
        return (*map(int, found.groups()[:4]), size) == (*cost, _HASH_BYTES)


def _hash(cost: Cost, password: str) -> str:
    kdf = Argon2id(
        salt=os.urandom(_SALT_BYTES),
        length=_HASH_BYTES,
        iterations=cost.iterations,
        lanes=cost.lanes,
        memory_cost=cost.memory_kib,
    )
    return kdf.derive_phc_encoded(password.encode())


def _matches(password: str, phc: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True
