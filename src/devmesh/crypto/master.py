"""The master key, from wherever this installation keeps it."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from devmesh.db.data_dir import write_private
from devmesh.settings import Settings, SettingsError
from devmesh.settings.values import master_keys

_BYTES = 32


def key_file(settings: Settings) -> Path:
    """Return the file that the master key is in, unless the environment or a KMS has it."""
    return settings.master_key_file or settings.data_dir / "master.key"


def load_master_key(settings: Settings) -> bytes | None:
    """Return the 32 bytes given by the settings, else those in the data directory, made if it is still empty.

    None where a KMS keeps the master key. Raises SettingsError; never makes a new key beside a database that an older
    one has sealed.
    """
    if settings.kms_url is not None or settings.master_key is not None:
        return settings.master_key
    file = key_file(settings)
    if settings.master_key_file is None and not file.exists():
        if (settings.data_dir / "postgres").exists():
            lost = f"DEVMESH_MASTER_KEY: {file} is missing, and the database beside it is sealed with that key; "
            raise SettingsError([lost + "restore the file, or set DEVMESH_MASTER_KEY to what it held."])
        _write(file, os.urandom(_BYTES))
    try:
        return master_keys(file.read_text(encoding="ascii"))[0]
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not base64 of 32 bytes"
        raise SettingsError([f"DEVMESH_MASTER_KEY_FILE: {file} cannot be used ({reason}); correct it."]) from None


def begin_exchange(file: Path) -> None:
    """Have the file hold another key before the present one, which opens what it has wrapped until `end_exchange`.

    A run that was broken off has made that key already. Raises SettingsError.
    """
    keys = _own_keys(file)
    if len(keys) == 1:
        _write(file, os.urandom(_BYTES), *keys)


def end_exchange(file: Path) -> None:
    """Have the file hold the present key alone."""
    _write(file, _own_keys(file)[0])


def _own_keys(file: Path) -> tuple[bytes, ...]:
    try:
        if file.stat().st_uid != os.geteuid():
            raise SettingsError([f"{file} belongs to another user: run this as the user that serves."])
        return master_keys(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        raise SettingsError([f"{file} cannot be read, or holds no master key."]) from None


def _write(file: Path, *keys: bytes) -> None:
    write_private(file, "".join(f"{base64.b64encode(key).decode()}\n" for key in keys))
    # Or the former name might come back with a power cut, when nothing is wrapped by that key any more.
    directory = os.open(file.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
