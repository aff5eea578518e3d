"""The master key, from wherever this installation keeps it."""

from __future__ import annotations

import base64
import os

from devmesh.db.data_dir import write_private
from devmesh.settings import Settings, SettingsError
from devmesh.settings.values import master_key

_BYTES = 32


def load_master_key(settings: Settings) -> bytes:
    """Return the 32 bytes given by the settings, else those in the data directory, made if it is still empty.

    Raises SettingsError; never makes a new key beside a database that an older one has sealed.
    """
    if settings.master_key is not None:
        return settings.master_key
    file = settings.master_key_file or settings.data_dir / "master.key"
    if settings.master_key_file is None and not file.exists():
        if (settings.data_dir / "postgres").exists():
            lost = f"DEVMESH_MASTER_KEY: {file} is missing, and the database beside it is sealed with that key; "
            raise SettingsError([lost + "restore the file, or set DEVMESH_MASTER_KEY to what it held."])
        write_private(file, base64.b64encode(os.urandom(_BYTES)).decode() + "\n")
    try:
        return master_key(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not base64 of 32 bytes"
        raise SettingsError([f"DEVMESH_MASTER_KEY_FILE: {file} cannot be used ({reason}); correct it."]) from None
