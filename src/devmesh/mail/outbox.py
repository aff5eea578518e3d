"""The outbox: a folder in which every mail is a file, complete before it has its name, readable by its owner alone."""

from __future__ import annotations

import asyncio
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from devmesh.errors import Unavailable
from devmesh.ids import new_id
from devmesh.mail.message import Mail, compose

log = logging.getLogger(__name__)


class OutboxFailed(Unavailable):
    """The mail could not be written down, so that what it belongs to was not done either."""

    code = "mail_unavailable"
    hint = "Try again in a moment; the server's log says what is wrong with its outbox."


class Outbox:
    """Where mail waits: `<time>-<id>.eml` in a folder that is made at the first mail."""

    def __init__(self, folder: Path, public_url: str) -> None:
        self._folder = folder
        self._public_url = public_url

    async def put(self, mail: Mail) -> Path:
        """Return the file that now holds the mail, also if the machine loses power; raise OutboxFailed."""
        mail_id = new_id()
        path = self._folder / f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{mail_id}.eml"
        content = compose(mail, mail_id, self._public_url)
        try:
            await asyncio.to_thread(_write, path, content)
        except OSError as error:
            log.exception("a mail could not be written to %s", self._folder)
            raise OutboxFailed from error
        log.info("a mail is in the outbox: %s", path)
        return path


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    try:
        file = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
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
