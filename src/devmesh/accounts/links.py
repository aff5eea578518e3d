"""Mailed links: a token that works once and for a while, kept as a keyed digest and found before anybody is known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from devmesh.accounts import store
from devmesh.accounts.model import LinkInvalid
from devmesh.crypto import tokens
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Tx
from devmesh.ids import new_id

_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(frozen=True, slots=True)
class Minted:
    """A token, which only its mail will hold, and its id, by which logs and the outbox may name it."""

    id: UUID
    token: str = field(repr=False)


class Links:
    """Makes and spends the tokens of mailed links, each for one `purpose`."""

    def __init__(self, ring: KeyRing) -> None:
        self._ring = ring

    async def mint(self, tx: Tx, organization_id: UUID, user_id: UUID, purpose: str, lifetime: timedelta) -> Minted:
        """Return a new token for the user, valid from the commit on; earlier ones stay valid, a mail may be late."""
        minted = Minted(new_id(), tokens.new_mail_token())
        digest = self._ring.digest("mail", minted.token.encode())
        # Added first: that holds the user, whom whoever removes the user locks before the tokens.
        await store.add_token(tx, organization_id, user_id, minted.id, digest, purpose, lifetime)
        await store.forget_tokens(tx, organization_id, user_id, purpose, expired_only=True)
        return minted

    async def find(self, tx: Tx, token: str) -> tuple[UUID, UUID]:
        """Return (organization, token id) of a token that was minted; raise LinkInvalid."""
        digests = self._ring.digests("mail", token.encode()) if _FORM.fullmatch(token) else []
        found = await store.token_of(tx, digests) if digests else None
        if found is None:
            raise LinkInvalid
        return found

    async def peek(self, tx: Tx, organization_id: UUID, token_id: UUID, purpose: str) -> UUID:
        """Return the user of a token that is still good, and leave it so; raise LinkInvalid."""
        user_id = await store.user_of_token(tx, organization_id, token_id, purpose)
        if user_id is None:
            raise LinkInvalid
        return user_id

    async def forget(self, tx: Tx, organization_id: UUID, user_id: UUID, purpose: str) -> None:
        """Remove every token of the user and purpose."""
        await store.forget_tokens(tx, organization_id, user_id, purpose, expired_only=False)

    async def spend(self, tx: Tx, organization_id: UUID, token_id: UUID, purpose: str) -> UUID:
        """Remove the token, and every other of its user and purpose; return the user; raise LinkInvalid."""
        user_id = await self.peek(tx, organization_id, token_id, purpose)
        await self.forget(tx, organization_id, user_id, purpose)
        return user_id
