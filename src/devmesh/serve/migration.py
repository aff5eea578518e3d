"""The short-lived child that brings the database up to date, so that the parent needs no driver."""

from __future__ import annotations

import asyncio
import logging
import os
import sys

import asyncpg

from devmesh.db.migrate import MigrationError, migrate
from devmesh.db.pool import CONNECTION_LOST
from devmesh.serve.connections import Connections, connections
from devmesh.serve.handover import Handover
from devmesh.serve.worker_log import log_to_stderr

log = logging.getLogger(__name__)

TRY_AGAIN = os.EX_TEMPFAIL


def main() -> int:
    """Migrate as the parent hands over; return the exit code."""
    log_to_stderr()
    handed = Handover.read(sys.stdin.buffer)
    if handed is None:
        return 0
    return asyncio.run(_migrate(connections(handed.settings(os.environ), handed)))


async def _migrate(to: Connections) -> int:
    try:
        await migrate(to.owner, to.app_role, to.app_password)
    except MigrationError as error:
        log.error("%s", error)  # noqa: TRY400 - the text says it all
        return 1
    except CONNECTION_LOST as error:
        log.error("the database cannot be reached (%s)", type(error).__name__)  # noqa: TRY400 - an operator's matter
        return TRY_AGAIN
    except asyncpg.PostgresError as error:
        log.error("the database refused to be set up: %s", error)  # noqa: TRY400 - an operator's matter
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
