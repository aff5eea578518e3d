"""Readiness: what anybody may ask costs the database one question a second."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from devmesh.db.pool import Database, Tx
from devmesh.http import health
from devmesh.http.health import NotReady, Readiness


class Counted(Database):
    """A database that counts its transactions."""

    opened = 0

    @asynccontextmanager
    async def routing(self) -> AsyncIterator[Tx]:
        self.opened += 1
        async with super().routing() as tx:
            yield tx


async def test_many_probes_share_one_question_a_second(postgres, monkeypatch: pytest.MonkeyPatch):
    # A busy machine may take longer than a second for what follows.
    monkeypatch.setattr(health, "_SHARED_SECONDS", 60.0)
    database = Counted(postgres.app_dsn, size=1)
    await database.open()
    readiness = Readiness(database)
    await asyncio.gather(*(readiness.check() for _ in range(50)))
    assert database.opened == 1
    await database.close()
    await readiness.check()
    monkeypatch.setattr(health, "_SHARED_SECONDS", 0.0)
    with pytest.raises(NotReady):
        await readiness.check()
    assert database.opened == 2


async def test_many_probes_share_the_answer_that_the_database_is_away(postgres):
    database = Counted(postgres.app_dsn, size=1)
    readiness = Readiness(database)
    answers = await asyncio.gather(*(readiness.check() for _ in range(50)), return_exceptions=True)
    assert {type(answer) for answer in answers} == {NotReady}
    assert database.opened == 1
