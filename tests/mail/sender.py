"""A process that sends: `sender.py` with what to connect to, the master key and the settings on standard input."""

from __future__ import annotations

import asyncio
import base64
import json
import sys

from devmesh.crypto.kms import LocalKms
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.pool import Database
from devmesh.mail.outbox import Outbox
from devmesh.settings import Settings


async def main() -> None:
    given = json.loads(sys.stdin.readline())
    database = Database(given["connect"], size=6)
    await database.open()
    ring = KeyRing(MasterKeys(LocalKms(base64.b64decode(given["master_key"]))))
    await ring.open(database)
    outbox = Outbox(database, ring, Settings.load(given["environ"]))
    await outbox.open()
    await outbox.settled()
    sys.stdout.write("settled\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    await outbox.close()
    await database.close()


asyncio.run(main())
