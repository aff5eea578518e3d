"""Which calls are sent again, and when: those of which a repeat provably does nothing twice."""

from __future__ import annotations

import random
from dataclasses import dataclass

from devmesh_sdk.calls import Call
from devmesh_sdk.errors import DeveloperMeshError
from devmesh_sdk.steps import Lost, Outcome

_PASSING = frozenset((429, 502, 503, 504))
_REFUSED = 429
_IN_PROGRESS = "request_in_progress"
_FIRST_SECONDS = 0.25
_LONGEST_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Retries:
    """At most `most` further attempts, each after twice the wait, less up to a half of it: clients come one by one."""

    most: int = 3

    def wait(self, call: Call, outcome: Outcome, error: DeveloperMeshError, attempt: int) -> float | None:
        """Return the seconds to wait before the call is sent again after that outcome; None: it is not."""
        if attempt >= self.most or not self._worth(outcome, error):
            return None
        if not (_undone(outcome, error) or call.safe or call.once):
            return None
        backoff: float = min(_FIRST_SECONDS * 2**attempt, _LONGEST_SECONDS)
        spread = backoff * random.uniform(0.5, 1)  # noqa: S311 - spreads clients, guards nothing
        return max(spread, (error.retry_after or 0) + spread * 0.1)

    def _worth(self, outcome: Outcome, error: DeveloperMeshError) -> bool:
        if isinstance(outcome, Lost):
            return outcome.unsent or outcome.kind == "connection_failed"
        return outcome.status in _PASSING or error.code == _IN_PROGRESS


def _undone(outcome: Outcome, error: DeveloperMeshError) -> bool:
    """Return whether it is certain that this very attempt did nothing."""
    return outcome.unsent if isinstance(outcome, Lost) else outcome.status == _REFUSED or error.code == _IN_PROGRESS
