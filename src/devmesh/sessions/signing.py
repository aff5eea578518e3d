"""The keys that sign access tokens: versions of one purpose of the key ring, followed while they are rotated."""

from __future__ import annotations

import asyncio
import base64
import time
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc.jwk import OKPKey

from devmesh.crypto.ring import KeyRing, RingKey
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.sessions.model import ACCESS_LIFETIME, RING_CHANGED

PURPOSE = "jwt"
# For clocks that differ, and for a token signed while the next key was being committed.
SKEW_SECONDS = 60
# Anybody can make up a key's name: so many looks at the ring in a second, whoever asks, and all who wait share one.
_LOOKS_A_SECOND = 5
# The published list is read again at least so often where change notices do not arrive.
_LISTED_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One version: signs from `since` on and until `until`, when the next one came (None: it is the newest)."""

    kid: str
    version: int
    until: float | None
    public: dict[str, Any]
    key: OKPKey = field(repr=False)


class SigningKeys:
    """The signing keys of this process, read again when one is met that it does not know."""

    def __init__(self, db: Database, ring: KeyRing, changes: Changes) -> None:
        self._db = db
        self._ring = ring
        self._changes = changes
        self._keys: dict[str, SigningKey] = {}
        self._newest: SigningKey | None = None
        self._looked = float("-inf")
        self._stale = True
        self._looking = asyncio.Lock()
        changes.subscribe(RING_CHANGED, self._heard)
        changes.missed(self._missed)

    def __repr__(self) -> str:
        return f"SigningKeys({', '.join(self._keys)})"

    async def newest(self, tx: Tx) -> SigningKey:
        """Return the key that signs now: the newest that is committed, whichever process added it."""
        if self._newest is None or self._newest.version != await self._ring.newest(tx, PURPOSE):
            self._keep(await self._ring.history(tx, PURPOSE))
        if self._newest is None:
            raise RuntimeError("the key ring holds no signing key: it was not opened")
        return self._newest

    async def of(self, kid: str) -> SigningKey | None:
        """Return the key of that name; an unknown one is looked for in the ring by a read that begins after now."""
        found = self._keys.get(kid)
        if found is None:
            await self._look(time.monotonic())
            found = self._keys.get(kid)
        return found

    async def published(self) -> list[dict[str, Any]]:
        """Return the public keys (JWK, RFC 8037) of every version that a live token may be signed by."""
        if self._stale or not self._changes.fresh():
            await self._look(time.monotonic() - _LISTED_SECONDS * (not self._stale))
        late = time.time() - ACCESS_LIFETIME.total_seconds() - SKEW_SECONDS
        return [key.public for key in self._keys.values() if key.until is None or key.until > late]

    async def _look(self, since: float) -> None:
        """Return when the ring was read by a read that began at `since` or later."""
        async with self._looking:
            if self._looked >= since:
                return
            await asyncio.sleep(max(0.0, self._looked + 1 / _LOOKS_A_SECOND - time.monotonic()))
            self._looked = time.monotonic()
            self._stale = False
            async with self._db.routing() as tx:
                self._keep(await self._ring.history(tx, PURPOSE))

    def _keep(self, versions: list[RingKey]) -> None:
        ends = [later.since.timestamp() for later in versions[1:]]
        keys = [_signing(*entry) for entry in zip(versions, [*ends, None], strict=True)]
        self._keys = {key.kid: key for key in keys}
        self._newest = keys[-1] if keys else None

    def _heard(self, purpose: str) -> None:
        if purpose == PURPOSE:
            self._missed()

    def _missed(self) -> None:
        self._stale = True


def _signing(version: RingKey, until: float | None) -> SigningKey:
    public = Ed25519PrivateKey.from_private_bytes(version.secret).public_key().public_bytes_raw()
    halves = {"kty": "OKP", "crv": "Ed25519", "x": _text(public)}
    key = OKPKey.import_key({**halves, "d": _text(version.secret)})
    kid = key.thumbprint()
    return SigningKey(kid, version.version, until, {**halves, "kid": kid, "alg": "EdDSA", "use": "sig"}, key)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")
