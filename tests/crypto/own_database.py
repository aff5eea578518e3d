"""A database without any key in it yet, as tests of the keys need it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Any

from devmesh.db.pool import Database


@contextlib.asynccontextmanager
async def opened(connect: dict[str, Any]) -> AsyncIterator[Database]:
    database = Database(connect, size=4)
    await database.open()
    try:
        yield database
    finally:
        await database.close()


async def happens(true: Callable[[], object]) -> None:
    """Return as soon as it is true."""
    async with asyncio.timeout(30):
        while not true():  # noqa: ASYNC110 - what is waited for tells nobody
            await asyncio.sleep(0.01)
