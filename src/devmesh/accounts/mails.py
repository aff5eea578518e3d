"""The mails of accounts: what they say, and how many of a kind one address gets."""

from __future__ import annotations

import logging
from datetime import timedelta

from devmesh.accounts import store
from devmesh.accounts.links import Links
from devmesh.accounts.model import VERIFY
from devmesh.db.pool import Tx
from devmesh.directory.model import User
from devmesh.directory.service import Directory
from devmesh.mail.message import Mail
from devmesh.mail.outbox import Outbox

log = logging.getLogger(__name__)

AN_HOUR = 5
VERIFY_WITHIN = timedelta(hours=24)


class Mails:
    """Writes to people; each link's token exists only in the mail and, as a digest, in the database."""

    def __init__(self, directory: Directory, links: Links, outbox: Outbox, public_url: str) -> None:
        self._directory = directory
        self._links = links
        self._outbox = outbox
        self._public_url = public_url

    async def verification(self, tx: Tx, user: User, organization_slug: str) -> None:
        """Have a mail sent, and its link valid, once `tx` is committed; or withhold it in silence."""
        if not await store.spend_budget(tx, self._directory.digest_of(user.email), VERIFY, AN_HOUR):
            log.info("a verification mail is withheld: its address had %d within an hour", AN_HOUR)
            return
        minted = await self._links.mint(tx, user.organization_id, user.id, VERIFY, VERIFY_WITHIN)
        # Only the slug, no name: text of strangers' choosing in a mail from us would be a gift to phishers.
        mail = Mail(
            to=user.email,
            subject="Verify your e-mail address",
            before=(
                f"This address was registered for the organization '{organization_slug}' at {self._public_url}.",
                "To confirm that the address is yours, open this link within 24 hours and press the button:",
            ),
            link=f"{self._public_url}/verify#token={minted.token}",
            action="Verify this address",
            after=("If it was not you, do nothing: without the link the address stays unconfirmed.",),
        )
        await self._outbox.put(tx, mail, event=f"{VERIFY}:{minted.id}", lifetime=VERIFY_WITHIN)
