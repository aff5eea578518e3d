"""`devmesh keys rotate-master`."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import AsyncIterator
from functools import partial
from uuid import UUID

from devmesh.audit.model import Visitor
from devmesh.audit.service import Audit
from devmesh.cli import people
from devmesh.cli.connected import CommandFailed, connected, failed
from devmesh.client.asking import said_yes, somebody
from devmesh.client.failure import Exit, Failed
from devmesh.crypto.master import begin_exchange, end_exchange, key_file, load_master_key
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.crypto.rotation import Progress, Rotation
from devmesh.db.changes import Changes
from devmesh.db.pool import Database, Tx
from devmesh.directory.service import Directory
from devmesh.kms.choice import masters_of
from devmesh.serve.connections import Connections
from devmesh.settings import Settings, SettingsError

_PAGE = 200
_UNFINISHED = "The rotation is not finished; every key opens all the same, and the next run continues it"
_QUESTION = "The older versions of the master key cannot be had back: backups of before need them. Destroy them?"


def run(options: argparse.Namespace) -> int:
    """Rotate, telling how far it is; 1 if that cannot be done or is not wanted, with the reason."""
    return people.told(_agreed, options)


def _agreed(options: argparse.Namespace) -> Exit:
    if options.destroy_old and not options.yes and somebody() and not said_yes(_QUESTION):
        raise Failed("Nothing was rotated and nothing destroyed.")
    return _run(options)


def _run(options: argparse.Namespace) -> Exit:
    try:
        settings = Settings.load(os.environ)
        with connected(settings) as (to, masters):
            own = _is_own(settings) and options.destroy_old
            if own:
                # The file is ours: what opens backups of before is exchanged too.
                begin_exchange(key_file(settings))
                masters = masters_of(settings, load_master_key(settings))  # noqa: PLW2901 - with the new key in it
            version = asyncio.run(_rotate(to, masters, destroy_old=options.destroy_old))
            if own:
                end_exchange(key_file(settings))
    except (CommandFailed, SettingsError) as error:
        return Exit(failed(_UNFINISHED, CommandFailed(str(error))))
    print(f"Version {version} of the master key has wrapped every key.")
    if options.destroy_old:
        print(f"The older versions are destroyed. {_what_remains(settings)}")
    else:
        print("The older versions still open what they opened: --destroy-old ends that.")
    return Exit.OK


def _is_own(settings: Settings) -> bool:
    return settings.kms_url is None and settings.master_key is None and settings.master_key_file is None


def _what_remains(settings: Settings) -> str:
    if _is_own(settings):
        return (
            f"{key_file(settings)} holds another key now: keep a copy of it. "
            "A backup of before opens with a copy of the former one: destroy those copies."
        )
    place = "DEVMESH_KMS_URL" if settings.kms_url else "DEVMESH_MASTER_KEY"
    if settings.master_key_former is not None:
        return "Nothing needs DEVMESH_MASTER_KEY_FORMER any more: remove it, and destroy the key that it names."
    return (
        f"A backup of before opens as long as there is the key that {place} names: to end that, name another one there "
        "and this one in DEVMESH_MASTER_KEY_FORMER, restart the servers, and run this again."
    )


async def _rotate(to: Connections, masters: MasterKeys, *, destroy_old: bool) -> int:
    ring, changes = KeyRing(masters), Changes(to.direct)
    database = Database(to.owner, size=2)
    audit = Audit(database, to.direct, partial(ring.digest, "arguments"))

    async def closing(tx: Tx, version: int) -> None:
        await audit.record_in(tx, Visitor(), "key-ring.rotate", "master", version=version, destroyed=destroy_old)

    await database.open()
    try:
        organizations = partial(_organizations, database, Directory(ring))
        return await Rotation(database, masters, changes, organizations, _say).run(closing, destroy_old=destroy_old)
    finally:
        await database.close()
        await masters.close()


async def _organizations(database: Database, directory: Directory) -> AsyncIterator[UUID]:
    after = None
    while True:
        async with database.routing() as tx:
            found = await directory.organizations(tx, after, _PAGE)
        for organization_id in found:
            yield organization_id
        if len(found) < _PAGE:
            return
        after = found[-1]


def _say(progress: Progress) -> None:
    print(f"version {progress.version}: {progress.done} of {progress.total} keys, {progress.percent} %", flush=True)
