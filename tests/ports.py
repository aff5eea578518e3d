"""Ports of loopback that stay free: none of those that the kernel gives to whoever binds port 0 or connects."""

from __future__ import annotations

import os
import secrets
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_GIVEN = int(_RANGE.read_text(encoding="ascii").split()[0]) if _RANGE.exists() else 32_768
# A node of Redis takes the port 10,000 above its own as well: that one, too, is nobody else's.
# Each process that runs tests has a part of them: what one is about to take, the other would find free as well.
_COUNT = 9_990 // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_FIRST = max(_GIVEN - 20_000, 1024) + _COUNT * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_taken: set[int] = set()


def free_port(row: int = 1) -> int:
    """Return a port on which nobody listens and that no other test was given: the first of so many in a row."""
    while True:
        first = _FIRST + secrets.randbelow(_COUNT - row)
        places = range(first, first + row)
        if _taken.isdisjoint(places) and all(map(_is_free, places)):
            _taken.update(places)
            return first


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
