"""What the doctor asks the database: that it answers, is new enough, and keeps organizations apart."""

from __future__ import annotations

import time

import asyncpg

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.crypto.kms import KmsError
from devmesh.crypto.master import load_master_key
from devmesh.crypto.masters import MasterKeys, WrongMasterKey
from devmesh.db.embedded import Embedded
from devmesh.db.embedded_binaries import OLDEST_MAJOR
from devmesh.db.examination import Examination, examine
from devmesh.db.pool import CONNECTION_LOST, Database, DatabaseAway
from devmesh.db.trouble import explain
from devmesh.kms.choice import masters_of
from devmesh.serve.connections import Connections, connections, direct_setting
from devmesh.serve.handover import Handover
from devmesh.settings import Settings, SettingsError

_SKEW_SECONDS = 5
_FAILED = (*CONNECTION_LOST, asyncpg.PostgresError)


async def look(settings: Settings) -> list[Finding]:
    """Look at the database; an embedded one that is not running is nothing wrong."""
    embedded = Embedded(settings.data_dir) if settings.embedded else None
    if embedded and not embedded.ready():
        unread = "what is in it, and whether the master key opens it, is not checked"
        return [good(f"database: the embedded PostgreSQL is not running; {unread}")]
    try:
        to = _connections(settings, embedded)
    except SettingsError:
        return []  # The machine's part has said it.
    try:
        seen = await examine(to.app)
    except _FAILED as error:
        return [await _unreachable(to, settings, error)]
    version = f"database: PostgreSQL {seen.major}"
    findings = [
        good(version) if seen.major >= OLDEST_MAJOR else wrong(version, f"version {OLDEST_MAJOR} or newer is needed."),
        _role(to.app_role, seen),
        _tables(to.app_role, seen),
        _clock(seen.clock),
    ]
    if seen.tables:
        findings.append(await _ring(to, masters_of(settings, load_master_key(settings))))
    if embedded is None:
        findings.append(await _notices(to, settings))
    return findings


async def _ring(to: Connections, masters: MasterKeys) -> Finding:
    database = Database(to.app, size=1)
    try:
        await database.open()
        async with database.routing() as tx:
            await masters.check(tx)
    except WrongMasterKey as error:
        return wrong("key ring: sealed with another master key", f"{error}.")
    except KmsError as error:
        return wrong(
            f"key ring: {error}", "see to the KMS that DEVMESH_KMS_URL names, and to this server's rights there."
        )
    except (DatabaseAway, asyncpg.PostgresError) as error:
        return wrong(f"key ring: it cannot be read ({error})", "run 'devmesh migrate'.")
    finally:
        await database.close()
        await masters.close()
    return good(f"key ring: the master key opens it ({masters.kms.name})")


async def _notices(to: Connections, settings: Settings) -> Finding:
    """Look whether what one server revokes can be heard by others."""
    setting = direct_setting(settings)
    try:
        through_pooler = (await examine(to.direct)).pooled
    except _FAILED as error:
        return wrong("change notices: nothing is heard", explain(error, setting))
    if through_pooler:
        return wrong(
            f"change notices: {setting} leads through a pooler, so every call reads the database",
            "set DEVMESH_DATABASE_DIRECT_URL to the database itself.",
        )
    return good("change notices: heard from the database itself")


def _connections(settings: Settings, embedded: Embedded | None) -> Connections:
    owner, app = (embedded.owner_dsn, embedded.app_dsn) if embedded else (None, None)
    handed = Handover(settings.host, settings.port, settings.workers, load_master_key(settings), owner, app)
    return connections(settings, handed)


async def _unreachable(to: Connections, settings: Settings, why: Exception) -> Finding:
    try:
        await examine(to.owner)
    except _FAILED as error:
        return wrong("database: no connection", explain(error, direct_setting(settings)))
    if settings.database_direct_url and not isinstance(why, asyncpg.InvalidPasswordError):
        return wrong("database: no connection through the pooler", explain(why))
    return wrong(
        f"database: the role {to.app_role} cannot connect ({type(why).__name__})",
        "run 'devmesh migrate' with the master key of this installation.",
    )


def _role(role: str, seen: Examination) -> Finding:
    if seen.unbound:
        return wrong(f"role {role} is above row security", "as a superuser, make it nosuperuser and nobypassrls.")
    return good(f"role {role} is bound by row security")


def _tables(role: str, seen: Examination) -> Finding:
    if not seen.tables:
        return wrong("tables: there are none", "run 'devmesh migrate'.")
    if seen.own:
        return wrong(f"tables owned by {role}: {', '.join(seen.own)}", "give them to the role of DEVMESH_DATABASE_URL.")
    if seen.loose:
        return wrong(
            f"row security is not forced on {', '.join(seen.loose)}",
            "as their owner, enable and force row level security on each.",
        )
    return good(f"tables: {seen.bound} of {seen.tables} under forced row security")


def _clock(theirs: float) -> Finding:
    apart = abs(time.time() - theirs)
    if apart > _SKEW_SECONDS:
        return wrong(
            f"clocks: the database's is {apart:.0f} s apart", "let both machines keep time (chrony, timesyncd)."
        )
    return good("clocks: this machine's and the database's agree")
