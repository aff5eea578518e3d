"""One worker: the program under Granian in this process, on the socket that the parent opened.

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
import sys
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import asyncpg
from granian.constants import HTTPModes, Interfaces, SSLProtocols
from granian.http import HTTP1Settings
from granian.net import SocketHolder  # type: ignore[attr-defined]
from granian.server.embed import Server

from devmesh.db.pool import DatabaseAway
from devmesh.db.trouble import explain
from devmesh.serve.connections import connections
from devmesh.serve.handover import Handover
from devmesh.serve.health import healthy
from devmesh.serve.listener import BACKLOG
from devmesh.serve.tls import check_tls
from devmesh.serve.worker_log import log_to_stderr
from devmesh.settings import Settings, SettingsError

# Run as a program, its name would be __main__.
log = logging.getLogger("devmesh.serve.worker")

TRY_AGAIN = os.EX_TEMPFAIL
# Of the drain time, what closing the program may take once the last request is answered.
_CLOSING_SECONDS = 3.0
# Connections, not requests: idle ones of a proxy's or an agent's pool count too, so there is room for many.
_CONNECTIONS = 16_384
_HEADER_MILLISECONDS = 10_000
_QUIET = {"version": 1, "disable_existing_loggers": False}


class Program(Protocol):
    """What is served: `asgi` answers requests until `close`, called when the last one is answered."""

    asgi: Callable[..., Awaitable[None]]

    async def close(self) -> None: ...  # noqa: D102 - the class says it


Build = Callable[[Settings, bytes, dict[str, Any], dict[str, Any]], Awaitable[Program]]


class Inherited(Server):
    """Granian's embedded server on a socket that is open already."""

    def __init__(self, program: Program, settings: Settings, descriptor: int) -> None:
        super().__init__(
            program.asgi,
            interface=Interfaces.ASGINL,
            http=HTTPModes.http1,
            websockets=False,
            backlog=BACKLOG,
            backpressure=_CONNECTIONS,
            http1_settings=HTTP1Settings(header_read_timeout=_HEADER_MILLISECONDS),
            log_enabled=False,
            log_dictconfig=_QUIET,
            ssl_cert=settings.tls_cert,
            ssl_key=settings.tls_key,
            ssl_protocol_min=SSLProtocols.tls12,
        )
        self._descriptor = descriptor

    def _init_shared_socket(self) -> None:
        # Granian's workers pickle the socket like this; its stubs know neither.
        self._ssp: None = None
        self._shd: Any = SocketHolder(self._descriptor, False, BACKLOG)  # type: ignore[call-arg]  # noqa: FBT003

    def end(self) -> None:
        """Accept nothing more; `serve` returns when the last request is answered."""
        self.signal_handler_interrupt()  # type: ignore[no-untyped-call]


async def work(program: Program, settings: Settings, descriptor: int, ready: int) -> int:
    """Serve until SIGTERM; then accept nothing more, answer what is under way, close. Return the exit code."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for asked in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(asked, stopping.set)
    server = Inherited(program, settings, descriptor)
    serving = asyncio.create_task(server.serve(), name="serve")
    until_stop = asyncio.create_task(stopping.wait(), name="stop")
    code = 0
    try:
        if await healthy(settings, stopping):
            os.write(ready, b"ready\n")
            await asyncio.wait({serving, until_stop}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.is_set():
            code = 1
            log.error("the server ended by itself or answers no health check")
        server.end()
        await asyncio.wait({serving}, timeout=max(settings.drain_seconds - _CLOSING_SECONDS, 0))
        if not serving.done():
            log.warning("requests still under way after the drain time are cut off")
    finally:
        until_stop.cancel()
        await program.close()
    if not serving.done():
        # Granian has no way to let a request go; unwinding around it would only fill the log.
        logging.shutdown()
        os._exit(code)
    return code


async def _build_and_work(build: Build, handed: Handover, descriptor: int, ready: int) -> int:
    settings = handed.settings(os.environ)
    check_tls(settings)
    to = connections(settings, handed)
    try:
        program = await build(settings, handed.master_key, to.app, to.direct)
    except DatabaseAway as error:
        log.error("%s", explain(error.__cause__ or error))  # noqa: TRY400 - an operator's matter
        return TRY_AGAIN
    except asyncpg.PostgresError as error:
        log.error("%s", explain(error))  # noqa: TRY400 - an operator's matter
        return 1
    # What is loaded by now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
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
        return asyncio.run(_build_and_work(build, handed, descriptor, ready))
    except (RuntimeError, SettingsError) as error:
        log.critical("cannot start: %s", error)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
