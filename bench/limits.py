"""Rate limits: what made-up keys leave in memory, how exact a burst is, and what two processes over one Redis admit."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from figures import figure, note
from load import Job, run
from mesh import LOGIN, PLANS, post, request, serving
from processes import Started, free_port, resident, running

_CLIENTS = 64
_CAPACITY = 2000
# So slow that nothing is refilled while a burst lasts.
_WINDOW = 86_400
_KEY = b"usr_000000000000000000000000000000000000"
_NUMBER = b"000000000000"
_REFUSED = 429


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure one process by itself, then two with a Redis."""
    with _serving() as started:
        _made_up_keys(started, 50_000 if quick else 1_000_000)
        admitted = _burst(started)
        figure("burst of 64 clients, over", max(admitted - _CAPACITY, 0), 0, "")
        figure("burst of 64 clients, under", max(_CAPACITY - admitted, 0), 1, "")
    if shutil.which("redis-server") is None:
        note("two processes over one Redis: not measured, for there is no redis-server")
        return
    port = free_port()
    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
    with running(command, port, health=None), _serving(2, DEVMESH_REDIS_URL=f"redis://127.0.0.1:{port}") as started:
        admitted = _burst(started)
        over = max(admitted - _CAPACITY, 0) / _CAPACITY * 100
        figure("two processes over one Redis, over", over, 1, "%", f"{admitted} of {_CAPACITY} admitted")


@contextmanager
def _serving(workers: int = 1, **settings: str) -> Iterator[Started]:
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        plans = directory / "plans.json"
        plans.write_text(json.dumps(PLANS))
        with serving(directory / "data", workers, DEVMESH_PLANS_FILE=str(plans), **settings) as started:
            yield started


def _made_up_keys(started: Started, count: int) -> None:
    asked = request("GET", "/api/v1/profile", {"X-API-Key": _KEY.decode()})
    run(Job(started.port, asked, 20_000, _CLIENTS, 401, number=_NUMBER))
    before = resident(started.worker())
    run(Job(started.port, asked, count, _CLIENTS, 401, number=_NUMBER))
    figure(f"growth by {count:,} made-up keys", resident(started.worker()) - before, 20, "MB")


def _burst(started: Started) -> int:
    """Return how many of three times as many requests as a new key's bucket holds are admitted."""
    api = f"http://127.0.0.1:{started.port}/api/v1"
    organization = {
        "organization_name": "Acme",
        "organization_slug": "acme",
        "admin_email": LOGIN["email"],
        "admin_name": "Ada Admin",
        "admin_password": LOGIN["password"],
    }
    admin = post(f"{api}/auth/register/organization", organization)["api_key"]
    limit = {"rate_limit": _CAPACITY, "rate_window": _WINDOW}
    key = post(f"{api}/api-keys", {"name": "burst", "key_type": "user", **limit}, admin)["api_key"]
    asked = request("GET", "/api/v1/health", {"X-API-Key": key})
    return run(Job(started.port, asked, 3 * _CAPACITY, _CLIENTS, or_status=_REFUSED)).count_of_status
