"""A breaker for each service of each tenant: one that keeps failing is left alone, and then tried by one call."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from devmesh.errors import BadGateway

# Failures in a row before it opens: a service that answers now and then goes on being asked.
_ENOUGH = 5
_FIRST_SECONDS = 5.0
_LONGEST_SECONDS = 60.0
_MOST = 10_000


class ServiceResting(BadGateway):
    """The service failed several times in a row and is left alone for a while; nothing was sent."""

    code = "upstream_resting"
    status = 503
    error = "Upstream Resting"
    may_have_happened = False
    hint = "Nothing was sent. Wait as long as retry_after says, then call again; other services are not concerned."


@dataclass(slots=True)
class _Failing:
    failures: int = 0
    last: str = ""
    rests_until: float = 0.0
    tried: bool = False


class Breakers:
    """Counts failures in a row by place (whatever tells tenant and service apart); a success forgets them.

    While a place rests, `admit` refuses. When the rest is over one call is let through to try, and the others wait
    for what comes of it; each failed try doubles the rest, up to a minute.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failing: OrderedDict[Hashable, _Failing] = OrderedDict()

    def admit(self, place: Hashable, name: str) -> None:
        """Return if the place, called `name`, may be called; raise ServiceResting with the seconds until it may."""
        failing = self._failing.get(place)
        if failing is None or failing.failures < _ENOUGH:
            return
        now = self._clock()
        if now < failing.rests_until:
            raise ServiceResting(
                f"{name} failed {failing.failures} times in a row. The last time: {failing.last}",
                retry_after=round(failing.rests_until - now, 3),
            )
        # This call tries; the next may after as long again, whatever becomes of this one.
        failing.rests_until = now + _rest(failing.failures)
        failing.tried = True

    def succeeded(self, place: Hashable) -> None:
        """Forget the place's failures."""
        if self._failing:
            self._failing.pop(place, None)

    def failed(self, place: Hashable, said: str) -> None:
        """Count a failure, `said` in words; while the place rests, those of calls that began before say nothing new."""
        failing = self._failing.get(place)
        if failing is None:
            failing = self._failing[place] = _Failing()
            while len(self._failing) > _MOST:
                self._failing.popitem(last=False)
        if failing.failures >= _ENOUGH and not failing.tried:
            return
        self._failing.move_to_end(place)
        failing.failures += 1
        failing.last = said
        failing.tried = False
        if failing.failures >= _ENOUGH:
            failing.rests_until = self._clock() + _rest(failing.failures)


def _rest(failures: int) -> float:
    """Return for how long a place rests after so many failures in a row."""
    doublings = min(failures - _ENOUGH, 10)
    return min(_FIRST_SECONDS * 2.0**doublings, _LONGEST_SECONDS)
