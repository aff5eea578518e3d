"""`devmesh serve` as a process of its own, everything that it runs, and a look into its database as the owner."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import aiohttp
import asyncpg

from devmesh.db.embedded import Embedded
from devmesh.db.embedded_child import bound
from ports import free_port

_PROGRAM = "from devmesh.cli import main; raise SystemExit(main())"
_ANNOUNCED = b"Developer Mesh serves on "
_LIMIT = {"requests_per_minute": 6_000_000, "burst": 6_000_000}
_KEY = {"rate_limit": 1_000_000, "rate_window": 60}
_PLANS = {
    "rate_limits": {"default": _LIMIT, "authenticated": _LIMIT},
    "keys": {"admin": _KEY, "user": _KEY, "agent": _KEY},
}


class Installation:
    """One data directory, and the server over it while there is one. Start it from the main thread only."""

    def __init__(self, directory: Path) -> None:
        self.data_dir = directory / "data"
        self.log = directory / "log"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self._plans = directory / "plans.json"
        self._plans.write_text(json.dumps(_PLANS))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self, *options: str, **environ: str) -> None:
        """Start it and return when it has said that it serves."""
        if self.process is not None:
            self.process.stdout.close()
        self._spawn(options, environ)
        if not await asyncio.to_thread(self._announced):
            raise AssertionError(f"it did not start; its log ends:\n{self.log.read_text()[-3000:]}")

    async def stop(self) -> int:
        """Ask it to stop and return its exit code."""
        self.process.send_signal(signal.SIGTERM)
        return await self.end()

    async def end(self, seconds: float = 60) -> int:
        """Return its exit code, once it has ended by itself."""
        await until(lambda: self.process.poll() is not None, seconds)
        return self.process.returncode

    def close(self) -> None:
        """End it, whatever state it is in."""
        self.thaw(self.descendants())
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process is not None and self.process.stdout is not None:
            self.process.stdout.close()
        end = time.monotonic() + 30
        while (left := self.remains({})) and time.monotonic() < end:
            time.sleep(0.02)
        assert left == []

    def workers(self) -> list[int]:
        return [process for process in self.children() if "devmesh.serve.worker" in _words(process)]

    def postmaster(self) -> int | None:
        return next((process for process in self.children() if "postgres" in _words(process)), None)

    def backends(self) -> list[int]:
        """PostgreSQL's processes that serve our connections."""
        title = "devmesh_app devmesh "
        return [process for process in _children_of(self.postmaster() or 0) if title in _words(process)]

    def children(self) -> list[int]:
        return _children_of(self.process.pid)

    def descendants(self) -> list[int]:
        """Every process below the parent."""
        found: list[int] = []
        open_ends = [self.process.pid] if self.process else []
        while open_ends:
            below = _children_of(open_ends.pop())
            found += below
            open_ends += below
        return found

    def remains(self, known: Mapping[int, str]) -> list[str]:
        """Say what is left of the processes that were `known` (with when they began), and of all that name our data."""
        left = [f"{process}: {_words(process)}" for process, began in known.items() if began and began == born(process)]
        left += [
            f"{process}: {_words(process)}"
            for process in _processes()
            if str(self.data_dir) in _words(process) + _directory(process) + _environ(process)
        ]
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            left.append(f"port {self.port}")
        except OSError:
            pass
        return left

    async def ready(self, http: aiohttp.ClientSession, seconds: float = 60) -> float:
        """Return after how many seconds /readyz answered 200."""
        began = time.monotonic()
        while True:
            try:
                async with http.get(f"{self.url}/readyz", timeout=aiohttp.ClientTimeout(total=2)) as reply:
                    if reply.status == 200:
                        return time.monotonic() - began
            except (aiohttp.ClientError, TimeoutError):
                pass
            assert time.monotonic() - began < seconds, f"not ready again; the log ends:\n{self.log.read_text()[-3000:]}"
            await asyncio.sleep(0.02)

    def _spawn(self, options: tuple[str, ...], environ: Mapping[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        given = {
            "DEVMESH_DATA_DIR": str(self.data_dir),
            "DEVMESH_PLANS_FILE": str(self._plans),
            "DEVMESH_UPSTREAM_ALLOW": "127.0.0.0/8",
        }
        command = [sys.executable, "-c", _PROGRAM, "serve", "--port", str(self.port), *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                bound(command, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                bufsize=0,  # or `select` would not see what was read ahead
                env=clean | given | environ,
            )

    def _announced(self) -> bool:
        end = time.monotonic() + 60
        while select.select([self.process.stdout], [], [], max(end - time.monotonic(), 0))[0]:
            line = self.process.stdout.readline()
            if line.startswith(_ANNOUNCED):
                return True
            if not line:
                break
        return False

    def freeze(self) -> list[int]:
        """Stop every process of PostgreSQL where it stands; return them once they stand."""
        postmaster = self.postmaster()
        # The postmaster first, and then those that there are: it would only make more.
        _halt(postmaster)
        backends = _children_of(postmaster)
        for backend in backends:
            _halt(backend)
        return [postmaster, *backends]

    def thaw(self, frozen: Iterable[int]) -> None:
        for process in frozen:
            send(process, signal.SIGCONT)

    async def kill_database(self) -> None:
        """Kill every process of PostgreSQL and return when they are gone.

        A backend whose postmaster alone is killed may serve one more commit before it notices.
        """
        known = {process: born(process) for process in self.freeze()}
        for process in known:
            send(process, signal.SIGKILL)
        await until(lambda: all(began != born(process) for process, began in known.items() if began), 30)

    def worker_of(self, port: int) -> int | None:
        """Return the worker that holds our connection from that port of ours."""
        here, there = f"0100007F:{self.port:04X}", f"0100007F:{port:04X}"
        lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
        inode = next((line[9] for line in lines if line[1:3] == [here, there]), "")
        return next((worker for worker in self.workers() if f"socket:[{inode}]" in _open_files(worker)), None)

    async def as_owner(self, patience: float = 30) -> asyncpg.Connection:
        """Connect as the role that owns the tables: row security binds it too."""
        return await asyncpg.connect(**Embedded(self.data_dir).owner_dsn, timeout=patience, command_timeout=patience)


async def until(true: Callable[[], object], seconds: float, why: Callable[[], object] = str) -> None:
    """Return as soon as `true()` holds."""
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, f"it did not happen in time {why()}"
        await asyncio.sleep(0.01)


def born(process: int) -> str:
    """Return when the process began, in the kernel's words; nothing if it is gone or waits for its parent only."""
    fields = _stat(process)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def _processes() -> list[int]:
    found = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [process for process in found if process != os.getpid()]


def _children_of(parent: int) -> list[int]:
    return [process for process in _processes() if (fields := _stat(process)) and fields[1] == str(parent)]


def _stat(process: int) -> list[str]:
    # The name may hold blanks and brackets; what follows it does not: state, parent, …
    return _read(process, "stat").rpartition(")")[2].split()


def _words(process: int) -> str:
    return _read(process, "cmdline").replace("\0", " ")


def _environ(process: int) -> str:
    return _read(process, "environ")


def _directory(process: int) -> str:
    try:
        return str(Path(f"/proc/{process}/cwd").readlink())
    except OSError:
        return ""


def _open_files(process: int) -> list[str]:
    found = []
    for descriptor in Path(f"/proc/{process}/fd").iterdir():
        with contextlib.suppress(OSError):
            found.append(str(descriptor.readlink()))
    return found


def _read(process: int, name: str) -> str:
    try:
        return Path(f"/proc/{process}/{name}").read_text(errors="replace")
    except OSError:
        return ""


def send(process: int, what: signal.Signals) -> None:
    """Signal the process, unless it has just ended by itself."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process, what)


def _halt(process: int) -> None:
    send(process, signal.SIGSTOP)
    while (fields := _stat(process)) and fields[0] not in "TtZX":
        time.sleep(0.001)
