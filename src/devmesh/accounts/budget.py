"""How many mails of a kind one address gets: whoever has them sent, nobody is buried in them."""

from __future__ import annotations

import logging

from devmesh.accounts import store
from devmesh.db.pool import Tx
from devmesh.directory.service import Directory

log = logging.getLogger(__name__)

AN_HOUR = 5


async def spend(tx: Tx, directory: Directory, email: str, kind: str) -> bool:
    """Count one more mail of that kind to the checked address; return False if it is to be withheld in silence."""
    if await store.spend_budget(tx, directory.digest_of(email), kind, AN_HOUR):
        return True
    log.info("a mail (%s) is withheld: its address had %d within an hour", kind, AN_HOUR)
    return False
