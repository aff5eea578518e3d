"""A KMS that does as it is told, and the clock by which the vault measures how long ago it was asked."""

from __future__ import annotations

import asyncio

import pytest

from devmesh.crypto.kms import KmsError, LocalKms
from devmesh.crypto.sealing import new_key


class StandInKms:
    """A KMS elsewhere: it can be disabled, may wrap alone, gives back what it is told to, counts what it is asked."""

    name = "stand-in:one"
    local = False

    def __init__(self) -> None:
        self._kms = LocalKms(new_key())
        self.enabled = True
        self.opens = True
        self.silent = False
        self.gives: bytes | None = None
        self.unwrapped = 0

    async def wrap(self, key: bytes, context: str) -> bytes:
        self._check()
        return await self._kms.wrap(key, context)

    async def unwrap(self, wrapped: bytes, context: str) -> bytes:
        self.unwrapped += 1
        if self.silent:
            await asyncio.Event().wait()
        self._check()
        if not self.opens:
            raise KmsError("access denied")
        if self.gives is not None:
            return self.gives
        return await self._kms.unwrap(wrapped, context)

    async def close(self) -> None:
        pass

    def _check(self) -> None:
        if not self.enabled:
            raise KmsError("the key is disabled")


class Clock:
    """The monotonic clock of the vault, put on by hand."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        self._later = 0.0
        monkeypatch.setattr("devmesh.crypto.masters.time", self)
        monkeypatch.setattr("devmesh.crypto.datakeys.time", self)

    def monotonic(self) -> float:
        return self.now
