"""The embedded PostgreSQL: one server for one data directory, a direct child that dies with us.

Reached over a socket in a directory that only its user may enter; two roles with passwords, no trust.
Nothing here needs asyncio or a driver, so that the supervisor stays small.
"""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

from devmesh.db.data_dir import make_data_dir, take_data_dir
from devmesh.db.embedded_binaries import (
    Binaries,
    EmbeddedError,
    find_binaries,
    reachable_binaries,
    unprivileged_user,
)
from devmesh.db.embedded_child import User, bound
from devmesh.db.embedded_cluster import APP, DATABASE, OWNER, check_cluster, make_cluster, password, set_passwords

__all__ = ["Embedded", "EmbeddedError"]

PORT = 5432
_LONGEST_SOCKET_PATH = 107
_LOG_BYTES = 5_000_000
_START_SECONDS = 60.0
_STOP_SECONDS = 20.0
_POLL_SECONDS = 0.02
_PROTOCOL_3 = 196608


class Embedded:
    """PostgreSQL over one data directory: `prepare`, `start`, `wait_until_ready`, `stop`; or `with Embedded(…)`."""

    def __init__(self, data_dir: Path, binaries: Path | None = None) -> None:
        self.data_dir = data_dir
        self.cluster = data_dir / "postgres"
        self.log = data_dir / "postgres.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._given = binaries
        self._binaries: Binaries | None = None
        self._user: User | None = None
        self._lock: int | None = None

    def __enter__(self) -> Self:
        try:
            self.prepare()
            self.start()
            self.wait_until_ready()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self.release()

    @property
    def owner_dsn(self) -> dict[str, Any]:
        """What to connect with as the role that owns the tables, in asyncpg's words."""
        return self._connect(OWNER)

    @property
    def app_dsn(self) -> dict[str, Any]:
        """What to connect with as the role that row-level security binds, in asyncpg's words."""
        return self._connect(APP)

    def hold(self) -> None:
        """Make the data directory if there is none, and keep it for us alone. Raises `EmbeddedError`."""
        socket_path = self.cluster / f".s.PGSQL.{PORT}"
        if len(os.fsencode(socket_path)) > _LONGEST_SOCKET_PATH:
            raise EmbeddedError(
                f"The data directory's path is too long for a socket ({socket_path}): "
                f"set DEVMESH_DATA_DIR to one of at most {_LONGEST_SOCKET_PATH - len('/postgres/.s.PGSQL.5432')} bytes."
            )
        self._user = unprivileged_user(owner_of=self.cluster)
        make_data_dir(self.data_dir, self._user)
        if self._lock is None:
            self._lock = take_data_dir(self.data_dir)

    def prepare(self) -> None:
        """Make the cluster if there is none, and end what a killed server left of itself. Raises `EmbeddedError`."""
        self.hold()
        self._binaries = reachable_binaries(find_binaries(self._given), self._user, self.data_dir)
        known = all((self.data_dir / f"{role}.password").exists() for role in (OWNER, APP))
        passwords = {role: password(self.data_dir, role) for role in (OWNER, APP)}
        if not self.cluster.exists():
            make_cluster(self.cluster, self._binaries, self._user, passwords)
            return
        check_cluster(self.cluster, self._binaries)
        self._clear_remains()
        if not known:
            set_passwords(self.cluster, self._binaries, self._user, passwords)

    def start(self) -> subprocess.Popen[bytes]:
        """Start the server, after clearing away what a killed one left; call from the main thread."""
        if self._binaries is None or self._lock is None:
            raise EmbeddedError("prepare() comes before start().")
        self._clear_remains()
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        command = [
            self._binaries.command("postgres"),
            *("-D", str(self.cluster), "-k", str(self.cluster), "-p", str(PORT)),
            *("-c", "listen_addresses=", "-c", "unix_socket_permissions=0700"),
        ]
        descriptor = os.open(self.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self.process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                bound(command, signal.SIGQUIT, self._user),
                stdin=subprocess.DEVNULL,
                stdout=descriptor,
                stderr=descriptor,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
            )
        finally:
            os.close(descriptor)
        return self.process

    def ready(self) -> bool:
        """Whether the server takes connections now."""
        startup = struct.pack("!i", _PROTOCOL_3) + f"user\0{APP}\0database\0{DATABASE}\0\0".encode()
        try:
            with socket.socket(socket.AF_UNIX) as client:
                client.settimeout(1)
                client.connect(str(self.cluster / f".s.PGSQL.{PORT}"))
                client.sendall(struct.pack("!i", len(startup) + 4) + startup)
                # 'R' asks for the password; while it starts, the answer is an error.
                return client.recv(1) == b"R"
        except OSError:
            return False

    def wait_until_ready(self, seconds: float = _START_SECONDS, *, given_up: Callable[[], bool] = bool) -> None:
        """Return when the server takes connections. Raises `EmbeddedError` if it ends or takes too long."""
        until = time.monotonic() + seconds
        while not self.ready():
            if self.process is None or self.process.poll() is not None:
                raise EmbeddedError(f"PostgreSQL ended while starting; {self.log} says: {self._last_words()}")
            if given_up():
                raise EmbeddedError("PostgreSQL's start was given up.")
            if time.monotonic() > until:
                raise EmbeddedError(f"PostgreSQL took no connection within {seconds:g} s; see {self.log}.")
            time.sleep(_POLL_SECONDS)

    def stop(self) -> None:
        """Shut the server down fast but in order (SIGINT); kill it if that takes too long."""
        if self.process is None:
            return
        process, self.process = self.process, None
        for how, seconds in ((signal.SIGINT, _STOP_SECONDS), (signal.SIGQUIT, 5), (signal.SIGKILL, 5)):
            if process.poll() is None:
                process.send_signal(how)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                continue
            return

    def release(self) -> None:
        """Let others have the data directory."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _connect(self, role: str) -> dict[str, Any]:
        return {
            "host": str(self.cluster),
            "port": PORT,
            "user": role,
            "password": password(self.data_dir, role),
            "database": DATABASE,
        }

    def _clear_remains(self) -> None:
        """Hold the lock, so whatever still runs on the cluster was left by a killed server: end it, then its files."""
        for how in (signal.SIGQUIT, signal.SIGKILL):
            until = time.monotonic() + (3 if how is signal.SIGQUIT else 1)
            for process in _processes_in(self.cluster):
                _signal(process, how)
            while _processes_in(self.cluster) and time.monotonic() < until:
                time.sleep(_POLL_SECONDS)
        # Left in place, a process id that the kernel has given to someone else would stop the start.
        for name in ("postmaster.pid", f".s.PGSQL.{PORT}", f".s.PGSQL.{PORT}.lock"):
            (self.cluster / name).unlink(missing_ok=True)

    def _last_words(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return (lines or ["nothing"])[-1]


def _processes_in(directory: Path) -> list[int]:
    """Return the processes that work in the directory: PostgreSQL's enter their cluster and stay there."""
    if sys.platform != "linux":
        return []
    place = os.fspath(directory.resolve())
    return [
        int(name)
        for name in os.listdir("/proc")  # noqa: PTH208 - names alone are wanted
        if name.isdigit() and _working_directory(name) == place and int(name) != os.getpid()
    ]


def _working_directory(process: str) -> str | None:
    try:
        return os.readlink(f"/proc/{process}/cwd")  # noqa: PTH115 - no object is wanted
    except OSError:
        return None


def _signal(process: int, how: signal.Signals) -> None:
    try:
        os.kill(process, how)
    except (ProcessLookupError, PermissionError):
        return
