"""What the parent hands each child over a pipe, so that no secret stands on a command line."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import IO, Any, Self

from devmesh.settings import Settings


@dataclass(frozen=True, slots=True)
class Handover:
    """Where we listen, the master key (None: a KMS keeps it), and how the embedded database is reached, if it is."""

    host: str
    port: int
    workers: int
    master_key: bytes | None = field(repr=False)
    owner: dict[str, Any] | None = field(default=None, repr=False)
    app: dict[str, Any] | None = field(default=None, repr=False)

    def to_bytes(self) -> bytes:
        """Return what `read` reads."""
        key = base64.b64encode(self.master_key).decode() if self.master_key else None
        return json.dumps([self.host, self.port, self.workers, key, self.owner, self.app]).encode()

    @classmethod
    def read(cls, pipe: IO[bytes]) -> Self | None:
        """Wait for the parent and return what it hands over; None if it gave the start up."""
        text = pipe.read()
        if not text:
            return None
        host, port, workers, key, owner, app = json.loads(text)
        return cls(host, port, workers, base64.b64decode(key) if key else None, owner, app)

    def settings(self, environ: Mapping[str, str]) -> Settings:
        """Return the settings as the parent has them."""
        return Settings.load(environ, host=self.host, port=self.port, workers=self.workers)
