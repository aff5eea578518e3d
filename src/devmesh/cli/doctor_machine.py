"""What the doctor looks at on this machine: files and their rights, programs, port, disk, clock."""

from __future__ import annotations

import os
import shutil
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from devmesh.cli.answering import answers
from devmesh.cli.doctor_finding import Finding, good, wrong
from devmesh.crypto.master import key_file, load_master_key
from devmesh.db.embedded_binaries import EmbeddedError, find_binaries, unprivileged_user
from devmesh.db.embedded_cluster import check_cluster
from devmesh.directory.plans import Plans
from devmesh.serve.listener import PortError, listen
from devmesh.serve.tls import check_tls
from devmesh.settings import Settings, SettingsError

_OTHERS = 0o077
_OTHERS_OF_ROOT = 0o067
_LEAST_FREE = 500_000_000
# When this was written: a clock that says less is wrong for sure.
_NOT_BEFORE = 1_767_225_600


def look(settings: Settings) -> Iterator[Finding]:
    """Look at everything that needs no database."""
    try:
        yield _data_dir(settings.data_dir)
    except PermissionError as error:
        yield wrong(
            f"data directory: no way to {error.filename}", "set DEVMESH_DATA_DIR to a directory of this user's."
        )
        return
    yield from _plans(settings)
    yield _master_key(settings)
    if settings.embedded:
        yield from _binaries(settings.data_dir / "postgres")
    if settings.tls_cert:
        yield _tls(settings)
    yield _port(settings)
    yield _disk(settings.data_dir)
    if time.time() < _NOT_BEFORE:
        yield wrong(f"clock: {time.strftime('%Y-%m-%d')}", "set the machine's clock, or keys and links never expire.")
    else:
        yield good("clock")


def _data_dir(path: Path) -> Finding:
    what = f"data directory {path}"
    parent = _existing(path)
    if not parent.is_dir():
        return wrong(f"{what}: {parent} is no directory", "set DEVMESH_DATA_DIR to a directory of this user's.")
    if parent != path:
        if os.access(parent, os.W_OK | os.X_OK):
            return good(f"{what}: made at first start")
        return wrong(f"{what} cannot be made", f"give this user the right to write {parent}, or set DEVMESH_DATA_DIR.")
    found = path.stat()
    if found.st_uid != os.geteuid():
        return wrong(f"{what} belongs to another user", f"run as its owner, or 'chown -R {os.geteuid()} {path}'.")
    if stat.S_IMODE(found.st_mode) & (_OTHERS_OF_ROOT if os.geteuid() == 0 else _OTHERS):
        return wrong(f"{what} can be read by others", f"chmod {'710' if os.geteuid() == 0 else '700'} {path}")
    return good(what)


def _plans(settings: Settings) -> Iterator[Finding]:
    try:
        Plans.load(settings.plans_file, settings.default_plan)
    except SettingsError as error:
        for problem in error.problems:
            yield wrong("plans", problem)
    else:
        yield good(f"plans: new organizations have '{settings.default_plan}'")


def _master_key(settings: Settings) -> Finding:
    if settings.master_key is not None:
        return good("master key: given by DEVMESH_MASTER_KEY")
    if settings.kms_url is not None:
        return good(f"master key: kept by {settings.kms_url}")
    file = key_file(settings)
    if not settings.master_key_file and not file.exists() and not (settings.data_dir / "postgres").exists():
        return good(f"master key {file}: made at first start")
    try:
        load_master_key(settings)
    except SettingsError as error:
        return wrong(f"master key {file}", error.problems[0])
    if stat.S_IMODE(file.stat().st_mode) & _OTHERS:
        return wrong(f"master key {file} can be read by others", f"chmod 600 {file}")
    return good(f"master key {file}: keep a copy in a safe place")


def _binaries(cluster: Path) -> Iterator[Finding]:
    try:
        found = find_binaries()
        user = unprivileged_user(cluster)
    except EmbeddedError as error:
        yield wrong("PostgreSQL's programs", str(error))
        return
    yield good(f"PostgreSQL {found.version} in {found.directory}" + (f", run as {user.name}" if user else ""))
    if cluster.exists():
        try:
            check_cluster(cluster, found)
        except EmbeddedError as error:
            yield wrong(f"database in {cluster}", str(error))


def _tls(settings: Settings) -> Finding:
    try:
        check_tls(settings)
    except SettingsError as error:
        return wrong("https", error.problems[0])
    return good(f"https with the certificate {settings.tls_cert}")


def _port(settings: Settings) -> Finding:
    where = f"port {settings.port} on {settings.host}"
    try:
        listen(settings.host, settings.port, patience=0).close()
    except PortError as error:
        if answers(settings):
            return good(f"{where}: Developer Mesh answers there")
        return wrong(where, str(error))
    return good(f"{where}: free")


def _disk(path: Path) -> Finding:
    free = shutil.disk_usage(_existing(path)).free
    what = f"disk: {free // 1_000_000} MB free for {path}"
    return good(what) if free >= _LEAST_FREE else wrong(what, f"leave {_LEAST_FREE // 1_000_000} MB free.")


def _existing(path: Path) -> Path:
    return next(parent for parent in (path, *path.parents) if parent.exists())
