"""Work that comes round: a failure is told of, and ends nothing but that one round."""

from __future__ import annotations

import asyncio
import logging

import pytest

from devmesh.directory import round as module
from devmesh.directory.round import Round


async def test_a_round_that_fails_is_told_of_and_the_next_one_comes(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(module, "_SECONDS", 0.0)
    rounds, third = 0, asyncio.Event()

    async def work() -> int:
        nonlocal rounds
        rounds += 1
        if rounds < 3:
            raise OverflowError("a number that no calendar holds")
        third.set()
        await asyncio.Event().wait()
        return 0

    going = Round("things looked at", work)
    going.open()
    with caplog.at_level(logging.ERROR):
        async with asyncio.timeout(10):
            await third.wait()
    await going.close()
    told = [record.getMessage() for record in caplog.records if record.name == module.__name__]
    assert told == ["things looked at: the round failed"] * 2
    await asyncio.sleep(0)
    assert rounds == 3, "closed, it does not begin anew"
