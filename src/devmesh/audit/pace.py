"""When a commit begins: those whom one commit lets go come back together, and the next one is to serve them all."""

from __future__ import annotations

# A commit costs a hundred microseconds whatever it holds: under load one begins no sooner than this after the last.
SPACING_SECONDS = 0.004
# Nor while rows still come in: parts of a crowd that each have a commit of their own would stay apart for good.
SETTLING_SECONDS = 0.002
LONGEST_SECONDS = 0.008
_LOAD = 4
_CROWD = 16


class Pace:
    """Tells how long a commit is put off; times are the loop's, in seconds."""

    __slots__ = ("_began", "_latest", "_rows")

    def __init__(self) -> None:
        self._began = self._latest = 0.0
        self._rows = 0

    def began(self, now: float, rows: int) -> None:
        """Note that a commit of so many rows begins."""
        self._began = now
        self._rows = rows

    def pause(self, now: float, rows: int) -> float:
        """Return for how long to put off a commit of the `rows` that are there; 0 or less: not at all."""
        self._latest = now + LONGEST_SECONDS
        if self._rows + rows < _LOAD:
            return 0.0
        pause = self._began + SPACING_SECONDS - now
        return pause if self._rows < _CROWD else max(pause, SETTLING_SECONDS)

    def further(self, now: float) -> float:
        """Return for how much longer, as rows came in during the pause."""
        return min(SETTLING_SECONDS, self._latest - now)
