"""The short-lived child that brings the database up to date, so that the parent needs no driver."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
import time

import asyncpg

from devmesh.crypto.kms import KmsError
from devmesh.crypto.masters import MasterKeys, WrongMasterKey
from devmesh.db.migrate import MigrationError, migrate
from devmesh.db.pool import CONNECTION_LOST
from devmesh.db.trouble import explain, may_pass
from devmesh.kms.choice import masters_of
from devmesh.serve.connections import connections, direct_setting
from devmesh.serve.handover import Handover
from devmesh.serve.worker_log import log_to_stderr
from devmesh.settings import Settings, SettingsError

# Run as a program, its name would be __main__.
log = logging.getLogger("devmesh.serve.migration")

# A database that is started together with us may need so long.
PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.5


def main() -> int:
    """Migrate as the parent hands over; return the exit code."""
    log_to_stderr()
    handed = Handover.read(sys.stdin.buffer)
    return 0 if handed is None else asyncio.run(_migrate(handed))


async def _migrate(handed: Handover) -> int:
    settings = handed.settings(os.environ)
    try:
        masters = masters_of(settings, handed.master_key)
    except SettingsError as error:
        log.error("%s", error)  # noqa: TRY400 - the text says it all
        return 1
    try:
        return await _until_done(settings, handed, masters)
    finally:
        await masters.close()


async def _until_done(settings: Settings, handed: Handover, masters: MasterKeys) -> int:
    to = connections(settings, handed)
    until = time.monotonic() + PATIENCE_SECONDS
    waiting = False
    while True:
        try:
            await migrate(to.owner, to.app_role, to.app_password, check=masters.check)
        except (MigrationError, WrongMasterKey, KmsError) as error:
            log.error("%s", error)  # noqa: TRY400 - the text says it all
            return 1
        except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
            why = explain(error, direct_setting(settings))
            lost = isinstance(error, CONNECTION_LOST) and may_pass(error)
            if not lost or time.monotonic() > until:
                log.error("%s", why)  # noqa: TRY400 - an operator's matter
                return 1
            if not waiting:
                log.warning("%s Trying again for %d s.", why, PATIENCE_SECONDS)
            waiting = True
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return 0


if __name__ == "__main__":
    sys.exit(main())
