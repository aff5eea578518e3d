"""The listening socket: the parent opens it and every worker inherits it.

So a worker's death loses no connection that waits in the queue, workers share one port,
and a port in use is found before anything else is begun.
"""

from __future__ import annotations

import errno
import socket
import time

BACKLOG = 1024
# What is left of a server that was killed is gone within two seconds.
_PATIENCE_SECONDS = 2.5


class PortError(RuntimeError):
    """The address cannot be listened on; the text says why and what to do."""


def listen(host: str, port: int, patience: float = _PATIENCE_SECONDS) -> socket.socket:
    """Return a listening socket, not blocking; port 0 takes a free one. Raises `PortError`."""
    until = time.monotonic() + patience
    while True:
        try:
            return _listen(host, port)
        except OSError as error:
            if error.errno == errno.EADDRINUSE and time.monotonic() < until:
                time.sleep(0.1)
                continue
            raise PortError(_explain(host, port, error)) from error


def _listen(host: str, port: int) -> socket.socket:
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    opened = socket.socket(family, kind, protocol)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(address)
        opened.listen(BACKLOG)
        opened.settimeout(0)
    except OSError:
        opened.close()
        raise
    return opened


def _explain(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return (
            f"Port {port} on {host} is in use by another program: stop that one, or choose another with --port 9000 "
            '(make serve ARGS="--port 9000").'
        )
    if error.errno == errno.EACCES:
        return f"This user may not listen on port {port}: choose one above 1023 with --port."
    return f"Cannot listen on {host} port {port} ({error.strerror}): choose another with --host or --port."
