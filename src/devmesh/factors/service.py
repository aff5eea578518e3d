"""Whether a person proves a second factor: the steps that login is made of, within its transaction."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import KeyRing, WrongMasterKey
from devmesh.crypto.sealing import SealBroken, unseal
from devmesh.db.pool import Tx
from devmesh.factors import ceremony, recovery, store, store_passkeys, totp
from devmesh.factors.ceremony import Refused, RelyingParty
from devmesh.factors.model import FactorDamaged, Method, Totp

log = logging.getLogger(__name__)

# More than any code has, with blanks and hyphens to spare.
_LONGEST_CODE = 64
RECOVERY = "recovery"


class Factors:
    """What a person can prove beside the password. How often one may try is the business of whoever asks."""

    def __init__(
        self, ring: KeyRing, data_keys: DataKeys, public_url: str, clock: Callable[[], float] = time.time
    ) -> None:
        self._ring = ring
        self._data_keys = data_keys
        self._party = RelyingParty(public_url)
        self._clock = clock

    async def methods(self, tx: Tx, organization_id: UUID, user_id: UUID) -> tuple[Method, ...]:
        """Return how the user can prove a second factor; nothing if the user has none."""
        found: list[Method] = []
        if await store.has_totp(tx, organization_id, user_id):
            found.append("totp")
        if await store_passkeys.passkeys(tx, organization_id, user_id):
            found.append("passkey")
        if await store.has_recovery_codes(tx, organization_id, user_id):
            found.append("recovery_code")
        return tuple(found)

    async def options(self, tx: Tx, organization_id: UUID, user_id: UUID, challenge: bytes) -> dict[str, Any] | None:
        """Return what the browser needs to ask for one of the user's passkeys (PublicKeyCredentialRequestOptionsJSON).

        None if the user has none, or if no passkey works at the public URL.
        """
        known = await store_passkeys.passkeys(tx, organization_id, user_id)
        return self._party.request(challenge, known) if known and self._party.available else None

    async def check(
        self,
        tx: Tx,
        organization_id: UUID,
        user_id: UUID,
        *,
        code: str | None,
        passkey: Mapping[str, Any] | None,
        challenge: bytes,
    ) -> Method | None:
        """Return the method that the code or the passkey's answer proves; None if it proves none, or both are given.

        What is proved is spent when `tx` commits: of many at once with one code, one succeeds. A passkey's answer
        is bound to `challenge`, which the caller takes for one answer alone. Raises FactorDamaged.
        """
        if passkey is not None:
            return await self._check_passkey(tx, organization_id, user_id, passkey, challenge) if code is None else None
        if code is None or len(code) > _LONGEST_CODE:
            return None
        given = "".join(code.split())
        if totp.is_code(given):
            return await self._check_totp(tx, organization_id, user_id, given)
        return await self._check_recovery(tx, organization_id, user_id, given)

    async def proved_step(self, tx: Tx, row: Totp, code: str) -> int | None:
        """Return the step, not used yet, whose code was given; raise FactorDamaged."""
        try:
            _, key = await self._data_keys.of(tx, row.organization_id, row.user_id)
            secret = unseal(key, row.secret, row.place)
        except (SealBroken, WrongMasterKey):
            log.error("one-time codes %s do not open in their place: the database was altered", row.id)  # noqa: TRY400 - no trace of keys
            raise FactorDamaged("The stored secret of the one-time codes does not open.") from None
        return totp.proved(secret, "".join(code.split()), self._clock(), row.last_step)

    async def _check_totp(self, tx: Tx, organization_id: UUID, user_id: UUID, code: str) -> Method | None:
        row = await store.lock_totp(tx, organization_id, user_id)
        step = await self.proved_step(tx, row, code) if row else None
        if row is None or step is None:
            return None
        await store.spend_step(tx, organization_id, row.id, step)
        return "totp"

    async def _check_recovery(self, tx: Tx, organization_id: UUID, user_id: UUID, given: str) -> Method | None:
        code = recovery.read(given)
        if code is None:
            return None
        digests = self._ring.digests(RECOVERY, recovery.content(user_id, code))
        spent = await store.spend_recovery_code(tx, organization_id, user_id, digests)
        return "recovery_code" if spent else None

    async def _check_passkey(
        self, tx: Tx, organization_id: UUID, user_id: UUID, answer: Mapping[str, Any], challenge: bytes
    ) -> Method | None:
        credential_id = ceremony.credential_id(answer)
        if credential_id is None:
            return None
        passkey = await store_passkeys.lock_passkey(tx, organization_id, user_id, credential_id)
        if passkey is None:
            return None
        try:
            sign_count, backed_up = self._party.used(answer, challenge, user_id, passkey)
        except Refused as refusal:
            log.info("passkey %s is refused: %s", passkey.id, refusal)
            return None
        await store_passkeys.note_use(tx, organization_id, passkey.id, sign_count, backed_up=backed_up)
        return "passkey"
