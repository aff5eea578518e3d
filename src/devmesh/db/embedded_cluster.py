"""The files of the embedded PostgreSQL: made whole or not at all, with two roles and no other way in."""

from __future__ import annotations

import base64
import os
import shutil
import signal
import subprocess
from pathlib import Path

from devmesh.db.data_dir import write_private
from devmesh.db.embedded_binaries import Binaries, EmbeddedError
from devmesh.db.embedded_child import User, bound

OWNER = "devmesh_owner"
APP = "devmesh_app"
DATABASE = "devmesh"
# The cluster's superuser has no password, and no line here lets it in: it exists in single-user mode alone.
_SUPERUSER = "postgres"
_HBA = f"""\
# Nobody but these two, over the socket alone.
local {DATABASE} {OWNER} scram-sha-256
local {DATABASE} {APP} scram-sha-256
"""
_CONF = """\
# Written once, when the cluster was made: change what you need, it is kept.
max_connections = 60
superuser_reserved_connections = 2
shared_buffers = 32MB
huge_pages = off
max_wal_size = 256MB
min_wal_size = 64MB
jit = off
max_parallel_workers_per_gather = 0
autovacuum_max_workers = 1
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
# A statement or a row may hold what must not be read in a log.
log_min_error_statement = panic
log_error_verbosity = terse
log_line_prefix = '%m [%p] '
"""
_SINCE_18 = "io_method = sync\n"
_IO_METHOD_MAJOR = 18
_INITDB_SECONDS = 120


def password(data_dir: Path, role: str) -> str:
    """Return the role's password, made at first use in a file that only we can read."""
    file = data_dir / f"{role}.password"
    if not file.exists():
        write_private(file, base64.urlsafe_b64encode(os.urandom(32)).decode())
    return file.read_text(encoding="ascii").strip()


def make_cluster(cluster: Path, binaries: Binaries, user: User | None, passwords: dict[str, str]) -> None:
    """Make the cluster at `cluster`, its database and its roles; nothing is there if this does not succeed."""
    unfinished = cluster.with_name(f"{cluster.name}.new")
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    if user:
        os.chown(unfinished, user.uid, user.gid)
    _run(
        [
            binaries.command("initdb"),
            *("--pgdata", str(unfinished)),
            *("--username", _SUPERUSER),
            *("--encoding", "UTF8"),
            "--no-locale",
            "--auth=reject",
        ],
        user,
    )
    configuration = _CONF + (_SINCE_18 if binaries.major >= _IO_METHOD_MAJOR else "")
    _write_as(unfinished / "postgresql.conf", configuration, user)
    _write_as(unfinished / "pg_hba.conf", _HBA, user)
    _single_user(unfinished, binaries, user, _roles(passwords))
    unfinished.rename(cluster)


def check_cluster(cluster: Path, binaries: Binaries) -> None:
    """Return if these programs can run the cluster; raise EmbeddedError otherwise."""
    try:
        made_by = (cluster / "PG_VERSION").read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError):
        raise EmbeddedError(
            f"{cluster} holds no whole database (its file PG_VERSION cannot be read): "
            "restore the data directory from a backup, or move this away if nothing in it is wanted."
        ) from None
    if made_by != str(binaries.major):
        raise EmbeddedError(
            f"The database in {cluster} was made by PostgreSQL {made_by}, the one installed is "
            f"{binaries.version}: install PostgreSQL {made_by}, or dump and load."
        )


def set_passwords(cluster: Path, binaries: Binaries, user: User | None, passwords: dict[str, str]) -> None:
    """Give the two roles these passwords; the server must not be running."""
    statements = [f"alter role {role} password '{secret}';" for role, secret in passwords.items()]
    _single_user(cluster, binaries, user, statements)


def _roles(passwords: dict[str, str]) -> list[str]:
    plain = "login nosuperuser nobypassrls nocreatedb nocreaterole noreplication"
    return [
        *(f"create role {role} {plain} password '{secret}';" for role, secret in passwords.items()),
        f"create database {DATABASE} owner {OWNER};",
        f"revoke all on database {DATABASE} from public;",
        f"grant connect on database {DATABASE} to {APP};",
    ]


def _single_user(cluster: Path, binaries: Binaries, user: User | None, statements: list[str]) -> None:
    # Over standard input: a command line can be read by every user of the machine.
    command = [binaries.command("postgres"), "--single", "-D", str(cluster), "-c", "log_min_messages=fatal", "postgres"]
    said = _run(command, user, "\n".join(statements) + "\n")
    if "ERROR:" in said:
        # Never the text itself: it may repeat a statement with a password.
        raise EmbeddedError(f"The roles of the embedded PostgreSQL could not be made in {cluster}.")


def _run(command: list[str], user: User | None, text: str = "") -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own programs, no shell
            bound(command, signal.SIGKILL, user),
            input=text,
            capture_output=True,
            text=True,
            check=False,
            timeout=_INITDB_SECONDS,
            cwd="/",
            env={"PATH": os.defpath, "LC_ALL": "C"},
        )
    except subprocess.TimeoutExpired as error:
        raise EmbeddedError(f"{command[0]} did not end within {_INITDB_SECONDS} seconds.") from error
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise EmbeddedError(f"{command[0]} failed: {last}")
    return done.stdout + done.stderr


def _write_as(file: Path, text: str, user: User | None) -> None:
    file.write_text(text, encoding="utf-8")
    if user:
        os.chown(file, user.uid, user.gid)
