"""One worker: the program behind its HTTP server, on the socket that the parent opened.

`python -m devmesh.serve.worker MODULE:BUILD SOCKET READY`; the rest comes over standard input. The
program is loaded by name so that loading it overlaps with the database's start.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import logging
import os
import resource
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import asyncpg
import uvloop

from devmesh.crypto.kms import KmsError
from devmesh.db.pool import DatabaseAway
from devmesh.db.trouble import explain
from devmesh.http.server.listening import Server
from devmesh.serve.connections import connections
from devmesh.serve.handover import Handover
from devmesh.serve.health import healthy
from devmesh.serve.tls import tls_of
from devmesh.serve.worker_log import log_to_stderr
from devmesh.settings import Settings, SettingsError

# Run as a program, its name would be __main__.
log = logging.getLogger("devmesh.serve.worker")

TRY_AGAIN = os.EX_TEMPFAIL
# Of the drain time, what closing the program may take once the last request is answered.
_CLOSING_SECONDS = 3.0
# What the collector waits for. Requests leave few cycles; after 700 objects, its own measure, it would mostly walk
# through what is still in use, several times in a request's life.
_NEW_OBJECTS = 10_000


class Program(Protocol):
    """What is served: `asgi` answers requests until `close`, called when the last one is answered."""

    asgi: Callable[..., Awaitable[None]]

    async def close(self) -> None: ...  # noqa: D102 - the class says it


Build = Callable[[Settings, bytes | None, dict[str, Any], dict[str, Any]], Awaitable[Program]]


async def work(program: Program, settings: Settings, descriptor: int, ready: int) -> int:
    """Serve until SIGTERM; then accept nothing more, answer what is under way, close. Return the exit code."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stopping.set)
    server = Server(program.asgi, tls=tls_of(settings))
    await server.open(socket.socket(fileno=descriptor))
    code = 0
    try:
        if await healthy(settings, stopping):
            os.write(ready, b"ready\n")
            await stopping.wait()
        if not stopping.is_set():
            code = 1
            log.error("the server answers no health check")
        if not await server.close(max(settings.drain_seconds - _CLOSING_SECONDS, 0)):
            log.warning("requests still under way after the drain time are cut off")
    finally:
        await program.close()
    return code


async def _build_and_work(build: Build, handed: Handover, descriptor: int, ready: int) -> int:
    settings = handed.settings(os.environ)
    tls_of(settings)
    to = connections(settings, handed)
    try:
        program = await build(settings, handed.master_key, to.app, to.direct)
    except DatabaseAway as error:
        log.error("%s", explain(error.__cause__ or error))  # noqa: TRY400 - an operator's matter
        return TRY_AGAIN
    except KmsError as error:
        log.error("%s", error)  # noqa: TRY400 - an operator's matter
        return TRY_AGAIN if error.passing else 1
    except asyncpg.PostgresError as error:
        log.error("%s", explain(error))  # noqa: TRY400 - an operator's matter
        return 1
    # What is loaded by now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(_NEW_OBJECTS)
    return await work(program, settings, descriptor, ready)


def main(target: str, descriptor: int, ready: int) -> int:
    """Load the program, wait for the parent's word, serve; return the exit code."""
    log_to_stderr()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    module, _, name = target.partition(":")
    build: Build = getattr(importlib.import_module(module), name)
    handed = Handover.read(sys.stdin.buffer)
    if handed is None:
        return 0
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_build_and_work(build, handed, descriptor, ready))
    except (RuntimeError, SettingsError) as error:
        log.critical("cannot start: %s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
