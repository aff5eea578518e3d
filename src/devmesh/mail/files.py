"""Mails as files in a folder: complete before they have their name, readable by their owner alone."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from devmesh.mail.message import made_at
from devmesh.mail.model import HandOver, Letter, Undelivered

log = logging.getLogger(__name__)

_SECONDS = 10.0


class Files:
    """Writes `<time>-<id>.eml` into a folder that is made at the first mail.

    A mail's name is made from its id alone: one that is written again, after a crash, is still one file.
    """

    def __init__(self, folder: Path, sender: str) -> None:
        self.sender = sender
        self.folder: str | None = str(folder)
        self.told = f"mails are written as files into {folder}: DEVMESH_SMTP_URL is not set"
        self.seconds = _SECONDS
        self._path = folder

    @asynccontextmanager
    async def route(self) -> AsyncIterator[Files]:
        """Return this: files need no connection."""
        yield self

    async def deliver(self, letter: Letter, hand_over: HandOver) -> None:
        """Have the file hold the mail, also if the machine loses power; raise Undelivered."""
        del hand_over  # to write it again does no harm
        path = self._path / f"{made_at(letter.id):%Y%m%dT%H%M%SZ}-{letter.id}.eml"
        try:
            await asyncio.to_thread(_write, path, letter.content.replace(b"\r\n", b"\n"))
        except OSError as error:
            raise Undelivered(f"cannot write to {self._path}: {error.strerror}") from error
        log.info("a mail is in the outbox: %s", path)


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "wb") as opened:
            opened.write(content)
            opened.flush()
            os.fsync(file)
        unfinished.rename(path)
    finally:
        unfinished.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
