"""When a commit begins: by a clock of the tests' own, in seconds."""

import asyncio

import pytest

from devmesh.audit import writer as writing
from devmesh.audit.pace import LONGEST_SECONDS, SETTLING_SECONDS, SPACING_SECONDS, Pace
from devmesh.audit.writer import Writer


class Clock:
    """The time of a writer; `comes` says how many rows come in during each of its pauses."""

    def __init__(self, *comes):
        self.now = 100.0
        self.pauses = []
        self.writer = Writer({})
        self.writer._loop = self
        self.writer._away = False
        self.writer._wake.set()
        self._comes = list(comes)

    def time(self):
        return self.now

    async def sleep(self, seconds):
        self.pauses.append(round(seconds, 6))
        self.now += seconds
        self.writer._rows += [b"row"] * (self._comes.pop(0) if self._comes else 0)

    async def gather(self, monkeypatch, *, there):
        self.writer._rows = [b"row"] * there
        monkeypatch.setattr(writing.asyncio, "sleep", self.sleep)
        async with asyncio.timeout(60):
            await self.writer._gather()
        return self.pauses


def paced(rows):
    pace = Pace()
    pace.began(100.0, rows)
    return pace


def test_a_commit_without_load_begins_at_once():
    assert paced(rows=1).pause(100.0, 2) == 0


def test_a_commit_under_load_begins_no_sooner_than_the_spacing_after_the_last():
    assert paced(rows=2).pause(100.001, 2) == pytest.approx(SPACING_SECONDS - 0.001)
    assert paced(rows=2).pause(100.0 + SPACING_SECONDS, 2) <= 0


def test_those_whom_a_large_commit_let_go_are_waited_for_even_if_it_took_long():
    assert paced(rows=16).pause(100.0 + SPACING_SECONDS, 1) == pytest.approx(SETTLING_SECONDS)


def test_nobody_is_waited_for_longer_than_the_bound():
    pace = paced(rows=16)
    pace.pause(200.0, 1)
    assert pace.further(200.0 + LONGEST_SECONDS - 0.001) == pytest.approx(0.001)
    assert pace.further(200.0 + LONGEST_SECONDS) <= 0


async def test_a_writer_puts_its_commit_off_while_rows_come_in(monkeypatch):
    clock = Clock(3, 2, 0)
    clock.writer._pace.began(100.0, 4)
    assert await clock.gather(monkeypatch, there=1) == [SPACING_SECONDS, SETTLING_SECONDS, SETTLING_SECONDS]


async def test_a_writer_does_not_put_it_off_for_rows_that_do_not_come(monkeypatch):
    clock = Clock()
    clock.writer._pace.began(100.0, 2)
    assert await clock.gather(monkeypatch, there=2) == [SPACING_SECONDS]


async def test_rows_that_never_end_are_committed_within_the_bound(monkeypatch):
    clock = Clock(*[5] * 100)
    clock.writer._pace.began(100.0, 4)
    pauses = await clock.gather(monkeypatch, there=1)
    assert sum(pauses) == pytest.approx(LONGEST_SECONDS)
