"""Metrics in Prometheus's text form."""

from __future__ import annotations

import secrets

import pytest

from devmesh.metrics import Counter, Gauge, Histogram, exposition


@pytest.fixture
def name() -> str:
    return f"test_{secrets.token_hex(4)}"


def lines(name: str) -> list[str]:
    return [line for line in exposition().splitlines() if name in line]


def test_a_counter_grows_by_label(name):
    counter = Counter(name, "Things.", ("kind",))
    counter.add("a")
    counter.add("a", by=2)
    counter.add('b"\n\\')
    assert counter.value("a") == 3
    assert lines(name) == [
        f"# HELP {name} Things.",
        f"# TYPE {name} counter",
        f'{name}{{kind="a"}} 3',
        f'{name}{{kind="b\\"\\n\\\\"}} 1',
    ]


def test_a_gauge_holds_what_was_set_last(name):
    gauge = Gauge(name, "Level.")
    gauge.set(to=3)
    gauge.set(to=1.5)
    assert lines(name)[-1] == f"{name} 1.5"


def test_a_histogram_counts_up_to_each_bound(name):
    histogram = Histogram(name, "Time.", ("kind",), (0.1, 1.0))
    for value in (0.0625, 0.1, 0.5, 7):
        histogram.observe(value, "a")
    assert lines(name)[2:] == [
        f'{name}_bucket{{kind="a",le="0.1"}} 2',
        f'{name}_bucket{{kind="a",le="1"}} 3',
        f'{name}_bucket{{kind="a",le="+Inf"}} 4',
        f'{name}_sum{{kind="a"}} {0.0625 + 0.1 + 0.5 + 7}',
        f'{name}_count{{kind="a"}} 4',
    ]


def test_a_name_is_given_once(name):
    Counter(name, "Things.")
    with pytest.raises(ValueError, match="twice"):
        Gauge(name, "Things.")


def test_every_metric_of_ours_is_told_before_it_is_counted():
    assert "# TYPE devmesh_tool_calls_total counter" in exposition()
