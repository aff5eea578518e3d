"""Logging in: what a hundred at once cost everybody else, and that a known address takes as long as an unknown one."""

from __future__ import annotations

import http.client
import json
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

from devmesh.crypto.passwords import Cost, Passwords
from figures import figure, note
from load import Job, run
from mesh import PLANS, request, serving
from processes import Started, peak, resident

_PASSWORD = "SecurePass123!"  # noqa: S105 - made up
_AT_ONCE = 100
_LOGIN = "/api/v1/auth/login"
# What each account's strangers may fail with before they are slowed down, less a few.
_FAILURES = 25
# What is not the hashes': connections, buffers and sessions of a hundred clients, in MB.
_BESIDE = 15.0
_MEBIBYTE = 1.048576


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure health while a hundred log in, the memory that takes, and logins that fail."""
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        plans = directory / "plans.json"
        plans.write_text(json.dumps(PLANS))
        settings = {"DEVMESH_PLANS_FILE": str(plans), "DEVMESH_TRUSTED_PROXIES": "127.0.0.0/8"}
        with serving(directory / "data", **settings) as started:
            emails = [_register(started, number) for number in range(4 if quick else 10)]
            _parallel(started, emails[0], 1 if quick else 3)
            _alike(started, emails)


def _parallel(started: Started, email: str, rounds: int) -> None:
    body = {"email": email, "password": _PASSWORD}
    logins = Job(started.port, request("POST", _LOGIN, {}, body), _AT_ONCE, _AT_ONCE)
    run(Job(started.port, logins.request, 4, 2))
    idle, busy = [], []
    before = resident(started.worker())
    with ThreadPoolExecutor(1) as beside:
        for _ in range(rounds):
            idle += [_health(started) for _ in range(200)]
            under_way = beside.submit(run, logins)
            time.sleep(0.3)  # until the load generator has begun
            while not under_way.done():
                busy.append(_health(started))
            note(f"{_AT_ONCE} logins at once: {under_way.result().seconds:.2f} s")
    slower = median(busy) / median(idle)
    told = f"{median(busy) * 1000:.2f} / {median(idle) * 1000:.2f} ms, {len(busy)} samples"
    figure("health during 100 logins", slower, 5, "x", told)
    at_once = Passwords()._at_once  # noqa: SLF001 - as the worker has it
    allowed = at_once * Cost().memory_kib / 1024 * _MEBIBYTE + _BESIDE
    grown = peak(started.worker()) - before
    figure("memory during 100 logins", grown, allowed, "MB", f"{at_once} hashed at once")


def _alike(started: Started, emails: list[str]) -> None:
    """Fail with known and unknown addresses in turn, each time from another network: nothing is slowed down."""
    known, unknown = [], []
    networks = _networks()
    for number in range(_FAILURES):
        for email in emails:
            known.append(_failed(started, email, next(networks)))
            unknown.append(_failed(started, f"{number}.{email}", next(networks)))
    slower, faster = sorted((median(known), median(unknown)), reverse=True)
    told = f"{median(known) * 1000:.2f} known, {median(unknown) * 1000:.2f} unknown ms, {len(known)} each"
    figure("a known against an unknown address", slower / faster, 1.1, "x", told)


def _failed(started: Started, email: str, network: str) -> float:
    body = {"email": email, "password": "WrongPass123!"}
    began = time.perf_counter()
    status = _ask(started, "POST", _LOGIN, body, {"X-Forwarded-For": network})
    if status != http.client.UNAUTHORIZED:
        raise SystemExit(f"a wrong password was answered {status}")
    return time.perf_counter() - began


def _health(started: Started) -> float:
    began = time.perf_counter()
    if _ask(started, "GET", "/healthz") != http.client.OK:
        raise SystemExit("the gateway is not healthy")
    return time.perf_counter() - began


def _register(started: Started, number: int) -> str:
    body = {
        "organization_name": f"Acme {number}",
        "organization_slug": f"acme-{number}",
        "admin_email": f"ada@acme-{number}.example",
        "admin_name": "Ada Admin",
        "admin_password": _PASSWORD,
    }
    if _ask(started, "POST", "/api/v1/auth/register/organization", body) != http.client.CREATED:
        raise SystemExit("an organization could not be registered")
    return body["admin_email"]


def _networks() -> Iterator[str]:
    return (f"2001:db8:{number >> 16:x}:{number & 0xFFFF:x}::1" for number in count())


def _ask(started: Started, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", started.port, timeout=60)
    try:
        sent = {"Content-Type": "application/json", **(headers or {})}
        connection.request(method, path, None if body is None else json.dumps(body), sent)
        reply = connection.getresponse()
        reply.read()
        return reply.status
    finally:
        connection.close()
