"""Counters, gauges and histograms: an addition to a dict on the way, text when somebody asks.

One event loop writes them, so nothing is locked. Label values must come from a closed set (a service, a status, an
error code), never from a caller: each distinct one stays in memory.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

Labels = tuple[str, ...]

_ALL: dict[str, Metric] = {}
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metric:
    """One named metric; made once, when the module that names it is imported."""

    kind = ""

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        if name in _ALL:
            raise ValueError(f"The metric {name} is named twice.")
        self.name = name
        self.meaning = meaning
        self.labels = tuple(labels)
        _ALL[name] = self

    def lines(self) -> Iterator[str]:
        """Yield its samples as text."""
        raise NotImplementedError

    def _sample(self, suffix: str, values: Labels, value: float, more: str = "") -> str:
        told = [f'{label}="{text.translate(_ESCAPES)}"' for label, text in zip(self.labels, values, strict=True)]
        if more:
            told.append(more)
        return f"{self.name}{suffix}{{{','.join(told)}}} {value}" if told else f"{self.name}{suffix} {value}"


class Counter(Metric):
    """A number by labels that only grows."""

    kind = "counter"

    def __init__(self, name: str, meaning: str, labels: Sequence[str] = ()) -> None:
        super().__init__(name, meaning, labels)
        self._values: dict[Labels, float] = {}

    def add(self, *labels: str, by: float = 1) -> None:
        """Add one, or `by`."""
        self._values[labels] = self._values.get(labels, 0) + by

    def value(self, *labels: str) -> float:
        """Return what has been counted."""
        return self._values.get(labels, 0)

    def lines(self) -> Iterator[str]:
        """Yield its samples as text."""
        for labels, value in sorted(self._values.items()):
            yield self._sample("", labels, value)


class Gauge(Counter):
    """A number by labels that is set."""

    kind = "gauge"

    def set(self, *labels: str, to: float) -> None:
        """Hold this value from now on."""
        self._values[labels] = to


class Histogram(Metric):
    """How often a value was at most each of `bounds`, by labels."""

    kind = "histogram"

    def __init__(self, name: str, meaning: str, labels: Sequence[str], bounds: Iterable[float]) -> None:
        super().__init__(name, meaning, labels)
        self._bounds = tuple(sorted(bounds))
        # For each bound, and beyond the last, how many; at the end the sum.
        self._cells: dict[Labels, list[float]] = {}

    def observe(self, value: float, *labels: str) -> None:
        """Count one value."""
        cells = self._cells.get(labels)
        if cells is None:
            cells = self._cells[labels] = [*[0] * (len(self._bounds) + 1), 0.0]
        cells[bisect_left(self._bounds, value)] += 1
        cells[-1] += value

    def lines(self) -> Iterator[str]:
        """Yield its samples as text."""
        for labels, (*counts, total) in sorted(self._cells.items()):
            bounds = [f"{bound:g}" for bound in self._bounds]
            for bound, count in zip([*bounds, "+Inf"], accumulate(counts), strict=True):
                yield self._sample("_bucket", labels, count, f'le="{bound}"')
            yield self._sample("_sum", labels, total)
            yield self._sample("_count", labels, sum(counts))


def exposition() -> str:
    """Return every metric in Prometheus's text format 0.0.4."""
    told: list[str] = []
    for _, metric in sorted(_ALL.items()):
        told += [f"# HELP {metric.name} {metric.meaning}", f"# TYPE {metric.name} {metric.kind}", *metric.lines()]
    return "\n".join(told) + "\n"
