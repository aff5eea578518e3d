"""The data directory: made private, refused if it is somebody else's, held by one server at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from devmesh.db.embedded_binaries import EmbeddedError
from devmesh.db.embedded_child import User

LOCK = "lock"
# Any of these marks a directory as ours; the rights of another's are not for us to change.
_OURS = (LOCK, "postgres", "master.key", "outbox")
_ANYBODY_ENTERS = 0o001


def make_data_dir(path: Path, server: User | None = None) -> None:
    """Leave a directory that we alone may read; the user `server`, if any, may pass through it to its own."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        _check_owner(path)
        names = os.listdir(path)  # noqa: PTH208 - names alone are wanted
        if names and not any(name in _OURS for name in names):
            raise EmbeddedError(
                f"The data directory {path} holds other things: set DEVMESH_DATA_DIR to a new or empty directory."
            )
        if server is not None:
            os.chown(path, 0, server.gid)
        path.chmod(0o700 if server is None else 0o710)
    except OSError as error:
        raise EmbeddedError(
            f"The data directory {path} cannot be used ({error.strerror}): "
            "set DEVMESH_DATA_DIR to a directory that this user owns."
        ) from error
    if server is not None:
        _check_way(path, server)


def take_data_dir(path: Path) -> int:
    """Hold the directory for this process until the descriptor returned is closed, or the process is no more."""
    try:
        lock = os.open(path / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise _unusable(path / LOCK, error) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(lock, 20, 0).decode("ascii", "replace").strip()
        os.close(lock)
        raise EmbeddedError(
            f"The data directory {path} is in use by the running server with process id {holder}: "
            "stop that one first, or set DEVMESH_DATA_DIR to another directory."
        ) from None
    try:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)
    except OSError as error:  # a disk that is full
        os.close(lock)
        raise _unusable(path / LOCK, error) from error
    return lock


def write_private(file: Path, text: str) -> None:
    """Write a new file, readable by its owner alone, whole or not at all."""
    unfinished = file.with_name(f".{file.name}.new")
    unfinished.unlink(missing_ok=True)
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    unfinished.rename(file)


def _unusable(path: Path, error: OSError) -> EmbeddedError:
    return EmbeddedError(
        f"{path} in the data directory cannot be used ({error.strerror}): "
        "mend that, or set DEVMESH_DATA_DIR to a directory that this user owns."
    )


def _check_owner(path: Path) -> None:
    # Root could take any directory over, with a master key and a database in it that somebody else has put there.
    owner = path.stat().st_uid
    if owner != os.geteuid():
        raise EmbeddedError(
            f"The data directory {path} belongs to another user (id {owner}): "
            "set DEVMESH_DATA_DIR to a new directory, or give this one to the user that serves."
        )


def _check_way(path: Path, server: User) -> None:
    for parent in path.resolve().parents:
        if not parent.stat().st_mode & _ANYBODY_ENTERS:
            raise EmbeddedError(
                f"PostgreSQL runs as the user {server.name}, who cannot enter {parent}: "
                "set DEVMESH_DATA_DIR to a directory that everybody may pass through, like /var/lib/devmesh."
            )
