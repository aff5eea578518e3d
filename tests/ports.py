"""Ports of loopback that stay free: none of those that the kernel gives to whoever binds port 0 or connects."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_GIVEN = int(_RANGE.read_text(encoding="ascii").split()[0]) if _RANGE.exists() else 32_768
# A node of Redis takes the port 10,000 above its own as well: that one, too, is nobody else's.
_FIRST, _COUNT = max(_GIVEN - 20_000, 1024), 9_990


def free_port(row: int = 1) -> int:
    """Return a port on which nobody listens: the first of so many in a row."""
    while True:
        first = _FIRST + secrets.randbelow(_COUNT)
        if all(_is_free(first + place) for place in range(row)):
            return first


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
