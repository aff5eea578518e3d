"""How many mails of a kind one address gets: whoever has them sent, nobody is buried in them.

They are counted for each organization, so that nobody who has mails sent to an address in an organization of their own
uses up what another one has for its people; and, with more room, for all of them together.
"""

from __future__ import annotations

import logging
from uuid import UUID

from devmesh.accounts import store
from devmesh.db.pool import Tx
from devmesh.directory.service import Directory
from devmesh.errors import RateLimited

log = logging.getLogger(__name__)

AN_HOUR = 5
AN_HOUR_OF_ALL = 20
AN_HOUR_OF_AN_ORGANIZATION = 100
_SECONDS = 3600


async def spend(tx: Tx, directory: Directory, organization_id: UUID, email: str, kind: str) -> bool:
    """Count one more mail of that kind, on the organization's behalf, to the checked address.

    Returns False if it is to be withheld in silence.
    """
    # In this order everywhere: two that wait for each other's counts would be a deadlock.
    for counted, most in ((f"{organization_id} {email}", AN_HOUR), (email, AN_HOUR_OF_ALL)):
        if not await store.spend_budget(tx, directory.digest_of(counted), kind, most):
            log.info("a mail (%s) is withheld: its address had %d within an hour", kind, most)
            return False
    return True


async def spend_of(tx: Tx, directory: Directory, organization_id: UUID, kind: str) -> None:
    """Count one more mail of that kind that the organization has sent, to whomever; raise RateLimited beyond its most.

    Our mails to strangers are worth something to spammers: one key must not send thousands of them.
    """
    # No address has this form, so an organization and a person never share a count.
    if not await store.spend_budget(tx, directory.digest_of(str(organization_id)), kind, AN_HOUR_OF_AN_ORGANIZATION):
        raise RateLimited(
            f"Your organization has had {AN_HOUR_OF_AN_ORGANIZATION} mails of this kind sent within an hour.",
            retry_after=_SECONDS,
        )
