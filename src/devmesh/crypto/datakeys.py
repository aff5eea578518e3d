"""Data keys: one per user and one per organization; unwrapped they live in memory for ten minutes at most."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Iterable
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devmesh.crypto import store
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.sealing import new_key
from devmesh.db.pool import Tx
from devmesh.ids import new_id

_SECONDS = 600
_MOST = 10_000

# (since when, the key, the key ready for use, whose it is: the organization's id and the user's)
_Opened = tuple[float, bytes, AESGCM, tuple[UUID, UUID | None]]


class DataKeys:
    """Finds, makes and forgets data keys."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring
        self._unwrapped: OrderedDict[UUID, _Opened] = OrderedDict()

    def __repr__(self) -> str:
        return f"DataKeys({len(self._unwrapped)} unwrapped)"

    async def of(self, tx: Tx, organization_id: UUID, user_id: UUID | None) -> tuple[UUID, bytes]:
        """Return (id, key) of the user's data key, or the organization's own for None; it is made if need be."""
        found = await store.data_key(tx, organization_id, user_id)
        if found is None:
            key_id = new_id()
            wrapped = await self._ring.wrap(tx, new_key(), "data", organization_id, user_id, key_id)
            await store.add_data_key(tx, organization_id, user_id, key_id, wrapped)
            found = await store.data_key(tx, organization_id, user_id)
        if found is None:
            message = "a data key vanished while it was made"
            raise RuntimeError(message)
        await self._ring.prepare(tx, (found[1],))
        return found[0], self.unwrap(organization_id, user_id, *found)

    async def prepare(self, tx: Tx, wrapped: Iterable[bytes]) -> None:
        """Be ready to unwrap these keys that `tx` has read; raise VaultClosed."""
        await self._ring.prepare(tx, wrapped)

    def unwrap(self, organization_id: UUID, user_id: UUID | None, key_id: UUID, wrapped: bytes) -> bytes:
        """Return the key that `wrapped` holds."""
        return self._opened(organization_id, user_id, key_id, wrapped)[1]

    def cipher(self, organization_id: UUID, user_id: UUID | None, key_id: UUID, wrapped: bytes) -> AESGCM:
        """Return the key that `wrapped` holds, ready for `unseal`: setting it up takes twice as long as using it."""
        return self._opened(organization_id, user_id, key_id, wrapped)[2]

    def _opened(self, organization_id: UUID, user_id: UUID | None, key_id: UUID, wrapped: bytes) -> _Opened:
        known = self._unwrapped.get(key_id)
        if known is not None and time.monotonic() - known[0] < _SECONDS:
            return known
        # Held no longer than the master key is without being confirmed: that key's ten minutes are not prolonged here.
        key, since = self._ring.unwrap(wrapped, "data", organization_id, user_id, key_id)
        opened = self._unwrapped[key_id] = (since, key, AESGCM(key), (organization_id, user_id))
        self._unwrapped.move_to_end(key_id)
        while len(self._unwrapped) > _MOST:
            self._unwrapped.popitem(last=False)
        return opened

    async def destroy(self, tx: Tx, organization_id: UUID, user_id: UUID | None) -> bool:
        """Destroy the user's data key, or the organization's own: from the commit on nothing sealed by it opens."""
        key_id = await store.remove_data_key(tx, organization_id, user_id)
        if key_id is not None:
            tx.after_commit(lambda: self._drop(key_id))
        return key_id is not None

    def forget(self, owner_id: str) -> None:
        """Drop what is in memory of this user's keys, or of all this organization's; what still exists is read anew."""
        owner = UUID(owner_id)
        for key_id in [key_id for key_id, opened in self._unwrapped.items() if owner in opened[3]]:
            self._drop(key_id)

    def forget_all(self) -> None:
        """Drop every key from memory: what is destroyed may have been missed."""
        self._unwrapped.clear()

    def _drop(self, key_id: UUID) -> None:
        self._unwrapped.pop(key_id, None)

    def forget_old(self) -> None:
        """Drop what has been in memory for ten minutes; called every minute."""
        oldest = time.monotonic() - _SECONDS
        for key_id in [key_id for key_id, (since, *_) in self._unwrapped.items() if since <= oldest]:
            del self._unwrapped[key_id]
