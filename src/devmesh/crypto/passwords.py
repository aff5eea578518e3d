"""Argon2id password hashes (RFC 9106), computed in threads, few at a time: each takes its memory while it runs."""

from __future__ import annotations

import asyncio
import os
from dataclasses import dataclass

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id


@dataclass(frozen=True, slots=True)
class Cost:
    """Argon2id parameters; `memory_kib` in KiB. The default is OWASP's first recommendation for Argon2id."""

    memory_kib: int = 19 * 1024
    iterations: int = 2
    lanes: int = 1


class Passwords:
    """Hashes and checks passwords off the event loop, `at_once` of them in parallel."""

    def __init__(self, cost: Cost | None = None, *, at_once: int = 2) -> None:
        self._cost = cost or Cost()
        self._places = asyncio.Semaphore(at_once)

    async def hash(self, password: str) -> str:
        """Return the hash in PHC form, with its salt and parameters."""
        async with self._places:
            return await asyncio.to_thread(self._hash, password)

    async def matches(self, password: str, phc: str) -> bool:
        """Return whether `password` is the one that was hashed."""
        async with self._places:
            return await asyncio.to_thread(_matches, password, phc)

    def _hash(self, password: str) -> str:
        cost = self._cost
        kdf = Argon2id(
            salt=os.urandom(16), length=32, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory_kib
        )
        return kdf.derive_phc_encoded(password.encode())


def _matches(password: str, phc: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password.encode(), phc)
    except InvalidKey:
        return False
    return True
