"""Replies of our own, divided by the smallest reply that raw ASGI on Granian can give."""

from __future__ import annotations

from statistics import median

from calls import Rounds
from figures import figure
from load import Job, run
from mesh import mesh, request
from processes import free_port, running, script

_CONCURRENCY = 16


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure tools/list and the profile."""
    rounds, count = (3, 2000) if quick else (7, 5000)
    least = free_port()
    with running(script("servers.py", "least", least), least) as smallest, mesh(least) as gateway:
        jobs = {
            "least": Job(least, request("GET", "/", {}), count, _CONCURRENCY),
            "tools/list": Job(gateway.started.port, gateway.mcp("tools/list", {}), count, _CONCURRENCY),
            "GET /auth/profile": Job(gateway.started.port, gateway.get("/api/v1/auth/profile"), count, _CONCURRENCY),
        }
        found = {name: Rounds() for name in jobs}
        for job in jobs.values():
            run(job)
        for _ in range(rounds):
            for name, job in jobs.items():
                found[name].add(smallest if name == "least" else gateway.started, job)
    floor = median(found["least"].cpu)
    for name, asked in (("tools/list", 2.0), ("GET /auth/profile", 5.0)):
        cpu = median(found[name].cpu)
        figure(name, cpu / floor, asked, "x", f"{cpu:.0f} / {floor:.0f} us; {found[name].latency()}")
