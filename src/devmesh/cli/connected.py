"""The database for a command that works beside a running server, or without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from devmesh.crypto.kms import KmsError
from devmesh.crypto.master import load_master_key
from devmesh.crypto.masters import MasterKeys, WrongMasterKey
from devmesh.db.embedded import Embedded, EmbeddedError
from devmesh.db.pool import CONNECTION_LOST, DatabaseAway
from devmesh.db.trouble import explain
from devmesh.kms.choice import masters_of
from devmesh.serve.connections import Connections, connections, direct_setting
from devmesh.serve.handover import Handover
from devmesh.settings import Settings, SettingsError


class CommandFailed(Exception):
    """The command changed nothing; the text says why, for whoever typed it."""


@contextmanager
def connected(settings: Settings) -> Iterator[tuple[Connections, MasterKeys]]:
    """Lend how to connect, and the master keys; the embedded PostgreSQL is started if no server runs it.

    Whatever makes that, or what is then done with it, impossible becomes CommandFailed.
    """
    try:
        if not settings.embedded:
            yield _lent(settings, None)
            return
        embedded = Embedded(settings.data_dir)
        if not embedded.cluster.exists():
            raise CommandFailed(f"there is no database in {settings.data_dir}: run 'devmesh serve' first.")
        if embedded.ready():
            yield _lent(settings, embedded)
        else:
            with embedded:
                yield _lent(settings, embedded)
    except (SettingsError, EmbeddedError, WrongMasterKey, KmsError) as error:
        raise CommandFailed(str(error)) from error
    except DatabaseAway as error:
        raise CommandFailed(error.detail) from error
    except asyncpg.UndefinedTableError as error:
        raise CommandFailed("the database is not up to date: run 'devmesh migrate'.") from error
    except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
        raise CommandFailed(explain(error, direct_setting(settings))) from error


def failed(what: str, why: CommandFailed) -> int:
    """Say what was not done and why; return the exit code for that."""
    print(f"{what}: {why}", file=sys.stderr)
    return 1


def _lent(settings: Settings, embedded: Embedded | None) -> tuple[Connections, MasterKeys]:
    master_key = load_master_key(settings)
    owner, app = (embedded.owner_dsn, embedded.app_dsn) if embedded else (None, None)
    handed = Handover(settings.host, settings.port, 1, master_key, owner, app)
    return connections(settings, handed), masters_of(settings, master_key)
