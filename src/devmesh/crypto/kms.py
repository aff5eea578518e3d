"""Who keeps the master key: a key management service, or this installation's own file or environment."""

from __future__ import annotations

import base64
import hashlib
import hmac
from pathlib import Path
from typing import Protocol

from devmesh.crypto.sealing import SealBroken, place, seal, unseal
from devmesh.settings.values import master_keys


class KmsError(RuntimeError):
    """What keeps the master key did not wrap or unwrap; the text says who and why, and holds no secret.

    `passing`: the same may succeed in a moment, as nobody said no.
    """

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


class Kms(Protocol):
    """Wraps and unwraps keys under one that never leaves it.

    `name` stands beside what it wrapped and is no secret. `local`: the key that wraps is in this process's memory.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - the class says it

    @property
    def local(self) -> bool: ...  # noqa: D102 - the class says it

    async def wrap(self, key: bytes, context: str) -> bytes:
        """Return `key` wrapped for that context; raise KmsError."""

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return the key that was wrapped for that context; raise KmsError."""

    async def close(self) -> None:
        """Let connections go."""


class LocalKms:
    """A key of 32 bytes from a file or the environment."""

    local = True

    def __init__(self, key: bytes) -> None:
        self.key = key
        digest = hmac.digest(key, b"devmesh master key name", hashlib.sha256)
        self.name = f"local:{base64.b32encode(digest[:10]).decode().lower()}"

    def __repr__(self) -> str:
        return f"LocalKms({self.name})"

    async def wrap(self, key: bytes, context: str) -> bytes:
        """Return `key` sealed for that context."""
        return seal(self.key, key, place("master", context))

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        """Return the key that was sealed for that context; raise KmsError."""
        try:
            return unseal(self.key, wrapped, place("master", context))
        except SealBroken:
            raise KmsError(f"{self.name} does not open what it is said to have wrapped") from None

    async def close(self) -> None:
        """Hold nothing."""


def kept_in(file: Path) -> list[Kms]:
    """Return the keys that the file holds now, the present one first; none if it cannot be read."""
    try:
        return [LocalKms(key) for key in master_keys(file.read_text(encoding="ascii"))]
    except (OSError, ValueError):
        return []
