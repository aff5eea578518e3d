"""Whether a person proves a second factor: the steps that login is made of, within its transaction."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from devmesh.crypto.datakeys import DataKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx


class Factors:
    """What a person can prove beside the password: `totp`, `passkey` and `recovery_code`."""

    def __init__(self, ring: KeyRing, data_keys: DataKeys, public_url: str) -> None:
        self._ring = ring
        self._data_keys = data_keys
        self._public_url = public_url

    async def methods(self, tx: Tx, organization_id: UUID, user_id: UUID) -> tuple[str, ...]:
        """Return how the user can prove a second factor; nothing if there is none."""
        del tx, organization_id, user_id
        return ()

    async def options(self, tx: Tx, organization_id: UUID, user_id: UUID, challenge: bytes) -> dict[str, Any] | None:
        """Return what the browser needs to ask for one of the user's passkeys; None if there is none."""
        del tx, organization_id, user_id, challenge
        return None

    async def check(
        self,
        tx: Tx,
        organization_id: UUID,
        user_id: UUID,
        *,
        code: str | None,
        passkey: Mapping[str, Any] | None,
        challenge: bytes,
    ) -> str | None:
        """Return the method that the code or the passkey's answer proves, spent at commit; None if it proves none."""
        del tx, organization_id, user_id, code, passkey, challenge
        return None
