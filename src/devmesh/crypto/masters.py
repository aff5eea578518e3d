"""The master key: versions of it, each wrapped by a KMS, of which this process holds those that wrap anything.

What a KMS has unwrapped is held for ten minutes and confirmed by asking again; so whoever disables the key there
closes the vault within ten minutes. A key of the installation's own is in memory anyway.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import asyncpg
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from devmesh.crypto import store, store_master
from devmesh.crypto.kms import Kms, KmsError, LocalKms
from devmesh.crypto.sealing import KEY_BYTES, SealBroken, new_key, place, seal, unseal
from devmesh.crypto.store_master import Version
from devmesh.db.pool import Database, DatabaseAway, Tx
from devmesh.errors import Unavailable

log = logging.getLogger(__name__)

# Kind of change: the master key has a version more, or fewer; the text is the newest.
MASTER_CHANGED = "master-key"
HELD_SECONDS = 600.0
_CONFIRM_SECONDS = 180.0
_RETRY_SECONDS = 15.0
_LEAST_SECONDS = 1.0
# How long a call waits for the KMS, which answers within a tenth of it.
_CALL_SECONDS = 2.0
# Nonce, key and tag: what was wrapped before there were versions.
_UNVERSIONED_BYTES = 60
_VERSION_BYTES = 4


class WrongMasterKey(RuntimeError):
    """The master key given is not the one that this database was set up with."""

    def __init__(self) -> None:
        super().__init__(
            "the master key does not open this database's key ring: give the one it was set up with "
            "(DEVMESH_MASTER_KEY, DEVMESH_MASTER_KEY_FILE, DEVMESH_KMS_URL, or master.key in the data directory)"
        )


class VaultClosed(Unavailable):
    """What keeps the master key has not confirmed it for ten minutes: nothing that is sealed can be opened."""

    code = "vault_closed"
    hint = "Try again in a moment; if it persists, have the operator look at the master key ('devmesh doctor')."

    def __init__(self) -> None:
        super().__init__("The vault is closed: its master key is not available at the moment.", retry_after=1.0)


@dataclass(frozen=True, slots=True)
class _Held:
    """One version, ready for use; `since` is when it was last confirmed, None where that is not needed."""

    cipher: AESGCM
    since: float | None

    def good(self) -> bool:
        return self.since is None or time.monotonic() - self.since < HELD_SECONDS


class MasterKeys:
    """The versions of the master key that this process holds. New ones are wrapped by `kms`.

    `former` are others that versions may still be wrapped by; `more` is asked for further ones when a version names
    one that is not known.
    """

    def __init__(self, kms: Kms, *former: Kms, more: Callable[[], Iterable[Kms]] = tuple) -> None:
        self.kms = kms
        self._known = {each.name: each for each in (*former, kms)}
        self._more = more
        self._held: dict[int, _Held] = {}
        self._asked = asyncio.Event()
        self._quiet_until = 0.0

    def __repr__(self) -> str:
        return f"MasterKeys({self.kms.name}, {sorted(self._held)})"

    async def open(self, db: Database) -> None:
        """Hold every version, making the first if there is none; raise WrongMasterKey or KmsError."""
        async with db.routing() as tx:
            rows = await store_master.versions(tx)
        if not rows:
            await self._make_first(db)
        await self.refresh(db)

    async def refresh(self, db: Database) -> None:
        """Ask for every version that there is now; raise WrongMasterKey or KmsError, and keep what was held."""
        async with db.routing() as tx:
            rows = await store_master.versions(tx)
        await self._hold(rows)

    async def check(self, tx: Tx) -> None:
        """Raise WrongMasterKey or KmsError if these do not open the database's key ring; an empty one fits any."""
        rows = await store_master.versions(tx) if await store_master.known(tx) else []
        ring = await store.whole_ring(tx)
        await self._hold(rows or ([self._unversioned(ring)] if ring else []))
        for purpose, version, wrapped in ring:
            self.unwrap(wrapped, "ring", purpose, version)

    async def newest(self, tx: Tx) -> int:
        """Return the newest version, held ready; until `tx` ends nothing is wrapped by a newer one."""
        version = await store_master.newest(tx)
        if version not in self._held:
            # In the moment after a rotation began, before this process has heard of it.
            await self._hold_now(tx)
        return version

    async def prepare(self, tx: Tx, wrapped: Iterable[bytes]) -> None:
        """Hold the versions that these were wrapped by: another process may know of a rotation a moment earlier.

        Raises VaultClosed.
        """
        if {_parted(each)[0] for each in wrapped} - self._held.keys():
            await self._hold_now(tx)

    def wrap(self, version: int, key: bytes, *where: object) -> bytes:
        """Return `key` sealed for that place by that version; raise VaultClosed."""
        return version.to_bytes(_VERSION_BYTES, "big") + seal(self._ready(version).cipher, key, place("wrap", *where))

    def unwrap(self, wrapped: bytes, *where: object) -> tuple[bytes, float]:
        """Return the key that was wrapped for that place, and since when (monotonic) it counts as unwrapped.

        Raises VaultClosed, or WrongMasterKey if it was wrapped by another key or for another place.
        """
        version, sealed = _parted(wrapped)
        held = self._ready(version)
        try:
            key = unseal(held.cipher, sealed, place("wrap", *where))
        except SealBroken:
            raise WrongMasterKey from None
        return key, time.monotonic() if held.since is None else held.since

    def ask(self, _: object = None) -> None:
        """Have `watch` look at the versions now: there may be others."""
        self._asked.set()

    async def watch(self, db: Database) -> None:
        """Confirm what is held every few minutes, and learn of other versions, until cancelled."""
        pause = _CONFIRM_SECONDS
        while True:
            await asyncio.sleep(_LEAST_SECONDS)
            try:
                async with asyncio.timeout(pause):
                    await self._asked.wait()
            except TimeoutError:
                pass
            self._asked.clear()
            try:
                await self.refresh(db)
                pause = _CONFIRM_SECONDS
            except (KmsError, WrongMasterKey, DatabaseAway, asyncpg.PostgresError) as error:
                log.error("the master key could not be confirmed: %s", error)  # noqa: TRY400 - the text says it all
                pause = _RETRY_SECONDS
            self.forget_old()

    def forget_old(self) -> None:
        """Drop what was not confirmed for ten minutes."""
        for version in [version for version, held in self._held.items() if not held.good()]:
            del self._held[version]

    async def make(self, version: int) -> Version:
        """Return a new version, wrapped and held by nobody yet; raise KmsError.

        The KMS has opened it once: one that may only wrap would close the vault as soon as the version is there.
        """
        key = new_key()
        wrapped = await self.kms.wrap(key, _context(version))
        if await self.kms.unwrap(wrapped, _context(version)) != key:
            raise KmsError(f"{self.kms.name} gives back another key than it was given")
        return Version(version, self.kms.name, wrapped, finished=False)

    async def close(self) -> None:
        """Forget every version and let connections go."""
        self._held.clear()
        for kms in self._known.values():
            await kms.close()

    def _ready(self, version: int) -> _Held:
        held = self._held.get(version)
        if held is None or not held.good():
            self.ask()
            raise VaultClosed
        return held

    async def _hold_now(self, tx: Tx) -> None:
        """Hold the versions that `tx` sees, for a call that waits; raise VaultClosed, and `watch` says why.

        A session of the database waits with it: a KMS that is slow or away is asked by one call in a while, briefly.
        """
        if time.monotonic() < self._quiet_until:
            raise VaultClosed
        rows = await store_master.versions(tx)
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await self._hold(rows)
        except (KmsError, WrongMasterKey, TimeoutError):
            self._quiet_until = time.monotonic() + _RETRY_SECONDS
            self.ask()
            raise VaultClosed from None

    async def _hold(self, rows: Sequence[Version]) -> None:
        """Hold these versions; one that is gone is held on until its time is over, as somebody may just use it."""
        began, needed = time.monotonic(), _needed(rows)
        for row in needed:
            kms = self._keeper(row.kms)
            held = self._held.get(row.version)
            if held is not None and held.since is None:
                continue
            key = await kms.unwrap(row.wrapped, _context(row.version)) if row.wrapped is not None else _own(kms)
            if len(key) != KEY_BYTES:
                raise KmsError(f"{kms.name} gave back what is no key of {KEY_BYTES} bytes", passing=True)
            self._held[row.version] = _Held(AESGCM(key), None if kms.local else began)
        gone = self._held.keys() - {row.version for row in needed}
        for version in gone:
            held = self._held[version]
            self._held[version] = _Held(held.cipher, began if held.since is None else held.since)

    def _keeper(self, name: str) -> Kms:
        if name not in self._known:
            self._known |= {each.name: each for each in self._more()}
        if name not in self._known:
            log.error("the master key of this database is kept by %s, which is not given here", name)
            raise WrongMasterKey
        return self._known[name]

    def _unversioned(self, ring: Sequence[tuple[str, int, bytes]]) -> Version:
        """Return the version that wrapped the ring before there were versions: a local key itself."""
        purpose, version, wrapped = ring[0]
        for kms in [*self._known.values(), *self._more()]:
            if isinstance(kms, LocalKms) and _opens(kms.key, wrapped, purpose, version):
                self._known[kms.name] = kms
                return Version(1, kms.name, None, finished=True)
        raise WrongMasterKey

    async def _make_first(self, db: Database) -> None:
        made = await self.make(1)
        async with db.routing() as tx:
            await store_master.lock(tx)
            if await store_master.versions(tx):
                return
            ring = await store.whole_ring(tx)
            first = self._unversioned(ring) if ring else made
            await store_master.add(tx, first.version, first.kms, first.wrapped)


def _needed(rows: Sequence[Version]) -> Sequence[Version]:
    """Return the versions that may have wrapped anything: the last one that was finished, and what came after it."""
    finished = [place for place, row in enumerate(rows) if row.finished]
    return rows[finished[-1] :] if finished else rows


def _opens(key: bytes, wrapped: bytes, purpose: str, version: int) -> bool:
    try:
        unseal(key, wrapped, place("wrap", "ring", purpose, version))
    except SealBroken:
        return False
    return True


def _own(kms: Kms) -> bytes:
    if not isinstance(kms, LocalKms):
        raise WrongMasterKey
    return kms.key


def _parted(wrapped: bytes) -> tuple[int, bytes]:
    """Return which version has wrapped this, and what it made of it."""
    if len(wrapped) == _UNVERSIONED_BYTES:
        return 1, wrapped
    return int.from_bytes(wrapped[:_VERSION_BYTES], "big"), wrapped[_VERSION_BYTES:]


def _context(version: int) -> str:
    return f"devmesh master key, version {version}"
