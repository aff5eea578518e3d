"""The key ring: every pepper of the installation, wrapped by the master key and kept as rows.

One secret to guard and back up. Purposes: `keys` (digests of API keys), `mail` (digests of mailed
tokens), `slugs` (routing by slug), `emails` (routing by e-mail address), `arguments` (digests of tool
arguments in the audit), `outbox` (seals mails that wait), `refresh` (digests of refresh tokens), `recovery`
(digests of recovery codes), `logins` (digests of what login counts, and of its tokens), `idempotency`
(digests of Idempotency-Keys and of the requests under them), `jwt` (seeds of the Ed25519
keys that sign access tokens; the one purpose whose keys are rotated while others run).
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime

from devmesh.crypto import store
from devmesh.crypto.masters import MasterKeys, WrongMasterKey
from devmesh.crypto.sealing import SealBroken, new_key, place, seal, unseal
from devmesh.db.pool import Database, Tx

__all__ = ["PURPOSES", "ROTATING", "KeyRing", "RingKey", "WrongMasterKey"]

_BLOCK_BYTES = 64
_INNER, _OUTER = (bytes(byte ^ pad for byte in range(256)) for pad in (0x36, 0x5C))

PURPOSES = (
    "keys", "mail", "slugs", "emails", "arguments", "outbox", "refresh", "recovery", "logins", "idempotency", "jwt",
)  # fmt: skip

# Purposes that may get a new version while processes run: these read the ring again.
ROTATING = ("jwt",)


@dataclass(frozen=True, slots=True)
class RingKey:
    """One version of a purpose's key, and when it was added."""

    version: int
    since: datetime
    secret: bytes = field(repr=False)


class _Pepper:
    """HMAC-SHA-256 under one key, its blocks hashed beforehand (RFC 2104, 4): a fifth of hmac.digest's time."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = key.ljust(_BLOCK_BYTES, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER))
        self._outer = hashlib.sha256(block.translate(_OUTER))

    def digest(self, value: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(value)
        outer.update(inner.digest())
        return outer.digest()


class KeyRing:
    """The unwrapped peppers, for digests; wraps and unwraps data keys with the master key."""

    def __init__(self, masters: MasterKeys) -> None:
        self._masters = masters
        self._secrets: dict[str, dict[int, bytes]] = {}
        self._peppers: dict[str, dict[int, _Pepper]] = {}
        self._current: dict[str, _Pepper] = {}

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(self._peppers)})"

    async def open(self, db: Database, purposes: Iterable[str] = PURPOSES) -> None:
        """Read and unwrap every pepper, making those that do not exist yet; raise WrongMasterKey or KmsError."""
        await self._masters.open(db)
        for purpose in purposes:
            async with db.routing() as tx:
                rows = await store.ring(tx, purpose)
                if not rows:
                    await store.add_to_ring(tx, purpose, 1, await self.wrap(tx, new_key(), "ring", purpose, 1))
                    rows = await store.ring(tx, purpose)
            self._secrets[purpose] = {
                version: self.unwrap(wrapped, "ring", purpose, version)[0] for version, wrapped in rows
            }
            self._peppers[purpose] = {version: _Pepper(key) for version, key in self._secrets[purpose].items()}
            self._current[purpose] = self._peppers[purpose][max(self._peppers[purpose])]

    def digest(self, purpose: str, value: bytes) -> bytes:
        """Return HMAC-SHA-256 of `value` under the newest pepper of that purpose: 32 bytes."""
        return self._current[purpose].digest(value)

    def digests(self, purpose: str, value: bytes) -> list[bytes]:
        """Return the digests of `value` under every pepper of that purpose, the newest first."""
        versions = self._peppers[purpose]
        return [versions[version].digest(value) for version in sorted(versions, reverse=True)]

    def seal(self, purpose: str, plain: bytes, *where: object) -> bytes:
        """Return `plain` sealed for that place by the newest key of that purpose."""
        keys = self._secrets[purpose]
        return seal(keys[max(keys)], plain, place(purpose, *where))

    def unseal(self, purpose: str, sealed: bytes, *where: object) -> bytes:
        """Return what was sealed for that place by any key of that purpose; raise SealBroken."""
        for _, key in sorted(self._secrets[purpose].items(), reverse=True):
            with contextlib.suppress(SealBroken):
                return unseal(key, sealed, place(purpose, *where))
        raise SealBroken

    async def history(self, tx: Tx, purpose: str) -> list[RingKey]:
        """Return every version of that purpose as the database has them now, the oldest first."""
        rows = await store.ring_history(tx, purpose)
        return [
            RingKey(version, since, self.unwrap(wrapped, "ring", purpose, version)[0])
            for version, wrapped, since in rows
        ]

    async def newest(self, tx: Tx, purpose: str) -> int:
        """Return the newest version of that purpose in the database."""
        return await store.newest_in_ring(tx, purpose)

    async def rotate(self, tx: Tx, purpose: str) -> int:
        """Add a new version of that purpose, which is the newest from the commit on; return its number.

        ValueError for a purpose whose readers keep what they read when they started.
        """
        if purpose not in ROTATING:
            raise ValueError(f"there is no rotation of '{purpose}'")
        version = await store.newest_in_ring(tx, purpose) + 1
        await store.add_to_ring(tx, purpose, version, await self.wrap(tx, new_key(), "ring", purpose, version))
        return version

    async def wrap(self, tx: Tx, key: bytes, *where: object) -> bytes:
        """Return `key` sealed for that place by the newest master key, which is the newest until `tx` ends."""
        return self._masters.wrap(await self._masters.newest(tx), key, *where)

    async def prepare(self, tx: Tx, wrapped: Iterable[bytes]) -> None:
        """Be ready to unwrap these, whichever version of the master key they were wrapped by; raise VaultClosed."""
        await self._masters.prepare(tx, wrapped)

    def unwrap(self, wrapped: bytes, *where: object) -> tuple[bytes, float]:
        """Return the key that was wrapped for that place, and since when (monotonic) it counts as unwrapped.

        Raises WrongMasterKey or VaultClosed.
        """
        return self._masters.unwrap(wrapped, *where)
