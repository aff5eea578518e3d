"""`devmesh migrate`."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

import asyncpg

from devmesh.crypto.kms import KmsError
from devmesh.crypto.master import load_master_key
from devmesh.crypto.masters import MasterKeys, WrongMasterKey
from devmesh.db.data_dir import make_data_dir
from devmesh.db.embedded import Embedded, EmbeddedError
from devmesh.db.migrate import MigrationError, migrate
from devmesh.db.pool import CONNECTION_LOST
from devmesh.db.trouble import explain
from devmesh.kms.choice import masters_of
from devmesh.serve.connections import Connections, connections, direct_setting
from devmesh.serve.handover import Handover
from devmesh.settings import Settings, SettingsError


def arguments(_: argparse.ArgumentParser) -> None:
    """Declare nothing: the settings say which database."""


def run(_: argparse.Namespace) -> int:
    """Bring the database up to date and name what was applied; 1 if it cannot be done, with the reason."""
    try:
        settings = Settings.load(os.environ)
        applied = _embedded(settings) if settings.embedded else _external(settings)
    except (SettingsError, EmbeddedError, MigrationError, WrongMasterKey, KmsError) as error:
        return _failed(str(error))
    except (*CONNECTION_LOST, asyncpg.PostgresError) as error:
        return _failed(explain(error, direct_setting(settings)))
    for name in applied:
        print(f"applied {name}")
    print("The database is up to date.")
    return 0


def _failed(why: str) -> int:
    print(f"The database was not brought up to date: {why}", file=sys.stderr)
    return 1


def _embedded(settings: Settings) -> list[str]:
    embedded = Embedded(settings.data_dir)
    embedded.hold()
    try:
        master_key = load_master_key(settings)
        with embedded:
            return _migrate(settings, master_key, embedded)
    finally:
        embedded.release()


def _external(settings: Settings) -> list[str]:
    make_data_dir(settings.data_dir)
    return _migrate(settings, load_master_key(settings), None)


def _migrate(settings: Settings, master_key: bytes | None, embedded: Embedded | None) -> list[str]:
    owner, app = (embedded.owner_dsn, embedded.app_dsn) if embedded else (None, None)
    handed = Handover(settings.host, settings.port, settings.workers, master_key, owner, app)
    to = connections(settings, handed)
    return asyncio.run(_migrated(to, masters_of(settings, master_key)))


async def _migrated(to: Connections, masters: MasterKeys) -> list[str]:
    try:
        return await migrate(to.owner, to.app_role, to.app_password, check=masters.check)
    finally:
        await masters.close()
