"""A tool call through the gateway, divided by the same call through a proxy that does nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median

from figures import figure, note
from load import Job, Outcome, run
from mesh import CALLS, Mesh, mesh, to_upstream
from processes import Started, free_port, running, script

_CREATED = 201


@dataclass
class Rounds:
    """What the rounds of one server gave: CPU and PostgreSQL's CPU (microseconds a request), and the outcomes."""

    cpu: list[float] = field(default_factory=list)
    postgres: list[float] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)

    def add(self, started: Started, job: Job) -> None:
        """Run one round."""
        before = started.cpu()
        self.outcomes.append(run(job))
        after = started.cpu()
        self.cpu.append((after[0] - before[0]) / job.count * 1e6)
        self.postgres.append((after[1] - before[1]) / job.count * 1e6)

    def latency(self) -> str:
        """Return the medians of p50 and p99."""
        p50, p99 = (median(getattr(outcome, name) for outcome in self.outcomes) * 1000 for name in ("p50", "p99"))
        return f"p50 {p50:.1f} ms, p99 {p99:.1f} ms"


@contextmanager
def servers() -> Iterator[tuple[Mesh, Started]]:
    """Start the upstream, the proxy and the gateway."""
    upstream, proxy = free_port(), free_port()
    with (
        running(script("servers.py", "upstream", upstream), upstream),
        running(script("servers.py", "proxy", proxy, upstream), proxy) as forwarding,
        mesh(upstream) as gateway,
    ):
        yield gateway, forwarding


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure both calls at both concurrencies."""
    rounds, count = (3, 1000) if quick else (7, 3000)
    with servers() as (gateway, proxy):
        for name in CALLS:
            for concurrency in (16, 64):
                _one(gateway, proxy, name, concurrency, rounds, count)


def _one(gateway: Mesh, proxy: Started, name: str, concurrency: int, rounds: int, count: int) -> None:
    asked, port = gateway.call(name), proxy.port
    ours = Job(gateway.started.port, asked, count, concurrency)
    theirs = Job(port, asked, count, concurrency, _CREATED)
    bare = Job(port, to_upstream(name), count, concurrency, _CREATED if name == "create_issue" else 200)
    through, past, barely = Rounds(), Rounds(), Rounds()
    for warm_up in (bare, theirs, ours):
        run(warm_up)
    for _ in range(rounds):
        barely.add(proxy, bare)
        past.add(proxy, theirs)
        through.add(gateway.started, ours)
    cpu, nothing, least = (median(served.cpu) for served in (through, past, barely))
    figure(f"{name} at {concurrency}", cpu / nothing, 1.0, "x", f"aim 0.7x; {cpu:.0f} / {nothing:.0f} us")
    note(f"gateway: {through.latency()}; PostgreSQL beside it {median(through.postgres):.0f} us")
    note(f"proxy:   {past.latency()}")
    note(f"proxy of what the upstream is asked alone: {least:.0f} us ({cpu / least:.2f}x); {barely.latency()}")
