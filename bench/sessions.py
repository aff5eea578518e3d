"""A request by a person's access token, divided by the same request by an API key."""

from __future__ import annotations

from dataclasses import replace
from statistics import median

from calls import Rounds
from figures import figure
from load import Job, run
from mesh import LOGIN, mesh, post
from processes import free_port, running, script

_CONCURRENCY = 16


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure the profile and tools/list by both."""
    rounds, count = (5, 2000) if quick else (11, 5000)
    upstream = free_port()
    with running(script("servers.py", "least", upstream), upstream), mesh(upstream) as by_key:
        port = by_key.started.port
        token = post(f"http://127.0.0.1:{port}/api/v1/auth/login", LOGIN)["access_token"]
        by_token = replace(by_key, key=token)
        jobs = {
            (name, how): Job(port, request, count, _CONCURRENCY)
            for how, one in (("key", by_key), ("token", by_token))
            for name, request in (
                ("GET /auth/profile", one.get("/api/v1/auth/profile")),
                ("tools/list", one.mcp("tools/list", {})),
            )
        }
        found = {which: Rounds() for which in jobs}
        for job in jobs.values():
            run(job)
        for _ in range(rounds):
            for which, job in jobs.items():
                found[which].add(by_key.started, job)
    for name in ("GET /auth/profile", "tools/list"):
        token_cpu, key_cpu = (median(found[name, how].cpu) for how in ("token", "key"))
        figure(f"{name} by access token", token_cpu / key_cpu, 1.2, "x", f"{token_cpu:.0f} / {key_cpu:.0f} us")
