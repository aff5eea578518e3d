"""`devmesh keys rotate jwt`."""

from __future__ import annotations

import argparse
import asyncio
import os
from functools import partial

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.cli.connected import CommandFailed, connected, failed
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.changes import Changes
from devmesh.db.pool import Database
from devmesh.serve.connections import Connections
from devmesh.sessions.model import RING_CHANGED
from devmesh.settings import Settings, SettingsError


def run(options: argparse.Namespace) -> int:
    """Rotate, and say which version signs now; 1 if that cannot be done, with the reason."""
    try:
        with connected(Settings.load(os.environ)) as (to, masters):
            version = asyncio.run(_rotate(to, masters, options.which))
    except (CommandFailed, SettingsError) as error:
        return failed("No key was rotated", CommandFailed(str(error)))
    print(f"Version {version} of the key '{options.which}' is in use from now on; nobody was logged out.")
    return 0


async def _rotate(to: Connections, masters: MasterKeys, purpose: str) -> int:
    ring, database = KeyRing(masters), Database(to.app, size=1)
    audit = Audit(database, to.direct, partial(ring.digest, "arguments"))
    await database.open()
    try:
        async with database.routing() as tx:
            await masters.check(tx)
            version = await ring.rotate(tx, purpose)
            await audit.record_in(tx, Visitor(), "key-ring.rotate", purpose, version=version)
            await Changes(to.direct).announce(tx, RING_CHANGED, purpose)
    finally:
        await database.close()
        await masters.close()
    return version
