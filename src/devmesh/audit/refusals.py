"""Refusals: the first of a kind is written at once, those that follow are counted in one row a minute."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

import msgspec

from devmesh.audit.model import Actor, Record, Visitor
from devmesh.http.address import network

WINDOW_SECONDS = 60.0
_SWEEP_SECONDS = 5.0
_MAX_KINDS = 10_000

Kind = tuple[UUID, object, str, str | None]


@dataclass(slots=True)
class _Window:
    actor: Actor
    record: Record
    since: float
    unwritten: int


class Refusals:
    """Refusals by organization, key or person or address, action and code; memory is bounded.

    Visitors and known callers have a bound each, so that no flood of addresses hides who of the known was refused.
    `write` appends one row at once and says False if the store takes none now: then it is counted
    and written when the store is back.
    """

    def __init__(self, write: Callable[[Actor, Record], bool]) -> None:
        self._write = write
        self._visitors: dict[Kind, _Window] = {}
        self._known: dict[Kind, _Window] = {}
        self._sweeping: asyncio.TimerHandle | None = None

    def add(self, actor: Actor, record: Record) -> None:
        """Record one refusal, on its own or in its kind's count."""
        person = actor.key_id or actor.user_id
        windows = self._visitors if person is None else self._known
        kind: Kind = (actor.organization_id, person or network(actor.address), record.action, record.code)
        if kind not in windows and len(windows) >= _MAX_KINDS:
            # Too many to tell apart: one count for the rest, so that a flood fills neither memory nor table.
            kind = (actor.organization_id, None, record.action, record.code)
            actor = Visitor(organization_id=actor.organization_id)
            record = Record(action=record.action, outcome=record.outcome, code=record.code)
        window = windows.get(kind)
        if window is not None:
            window.unwritten += 1
            window.record = record
            return
        loop = asyncio.get_running_loop()
        written = self._write(actor, record)
        windows[kind] = _Window(actor, record, loop.time(), 0 if written else 1)
        if self._sweeping is None:
            self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep, loop)

    def flush(self) -> None:
        """Write every count now, however young, and forget the windows that the store took."""
        if self._sweeping is not None:
            self._sweeping.cancel()
            self._sweeping = None
        self._close(until=float("inf"), now=0.0)

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        self._close(until=loop.time() - WINDOW_SECONDS, now=loop.time())
        self._sweeping = loop.call_later(_SWEEP_SECONDS, self._sweep, loop) if self._visitors or self._known else None

    def _close(self, until: float, now: float) -> None:
        for windows in (self._known, self._visitors):
            for kind, window in list(windows.items()):
                if window.since > until:
                    continue
                if window.unwritten == 0:
                    del windows[kind]
                elif self._write(window.actor, msgspec.structs.replace(window.record, count=window.unwritten)):
                    window.unwritten, window.since = 0, now
