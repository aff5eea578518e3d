"""What the doctor asks the database: that it answers, is new enough, and keeps organizations apart."""

from __future__ import annotations

import time

import asyncpg

from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.crypto.master import load_master_key
from devmesh.db.embedded import Embedded
from devmesh.db.embedded_binaries import OLDEST_MAJOR
from devmesh.db.examination import Examination, examine
from devmesh.db.pool import CONNECTION_LOST
from devmesh.serve.connections import Connections, connections
from devmesh.serve.handover import Handover
from devmesh.settings import Settings, SettingsError

_SKEW_SECONDS = 5
_FAILED = (*CONNECTION_LOST, asyncpg.PostgresError)


async def look(settings: Settings) -> list[Finding]:
    """Look at the database; an embedded one that is not running is nothing wrong."""
    embedded = Embedded(settings.data_dir) if settings.embedded else None
    if embedded and not embedded.ready():
        return [good("database: the embedded PostgreSQL is not running; 'devmesh serve' starts it")]
    try:
        to = _connections(settings, embedded)
    except SettingsError:
        return []  # The machine's part has said it.
    try:
        seen = await examine(to.app)
    except _FAILED as error:
        return [await _unreachable(to, type(error).__name__)]
    version = f"database: PostgreSQL {seen.major}"
    return [
        good(version) if seen.major >= OLDEST_MAJOR else wrong(version, f"version {OLDEST_MAJOR} or newer is needed."),
        _role(to.app_role, seen),
        _tables(to.app_role, seen),
        _clock(seen.clock),
    ]


def _connections(settings: Settings, embedded: Embedded | None) -> Connections:
    owner, app = (embedded.owner_dsn, embedded.app_dsn) if embedded else (None, None)
    handed = Handover(settings.host, settings.port, settings.workers, load_master_key(settings), owner, app)
    return connections(settings, handed)


async def _unreachable(to: Connections, why: str) -> Finding:
    try:
        await examine(to.owner)
    except _FAILED as error:
        return wrong(f"database ({type(error).__name__})", "start it, or correct DEVMESH_DATABASE_URL.")
    return wrong(
        f"database: the role {to.app_role} cannot connect ({why})",
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
