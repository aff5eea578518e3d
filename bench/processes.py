"""Processes that the benchmarks start, and what the kernel says that they used."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_TICKS = os.sysconf("SC_CLK_TCK")
_PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Started:
    """A process that answers on `port`; `seconds` passed between its start and its first healthy reply."""

    pid: int
    port: int
    seconds: float

    def cpu(self) -> tuple[float, float]:
        """Return the CPU seconds (user and system) of the process's tree so far: without PostgreSQL, and PostgreSQL."""
        ours = postgres = 0.0
        for pid in tree(self.pid):
            if is_postgres(pid):
                postgres += cpu_of(pid)
            else:
                ours += cpu_of(pid)
        return ours, postgres

    def worker(self) -> int:
        """Return the process of the tree that does the work: the one that used most CPU."""
        return max((pid for pid in tree(self.pid) if not is_postgres(pid)), key=own_cpu_of)


def free_port() -> int:
    """Return a port on loopback that nobody uses now."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextmanager
def running(
    command: Sequence[str], port: int, health: str | None = "/", environ: Mapping[str, str] | None = None
) -> Iterator[Started]:
    """Start the command and wait until it is healthy; it is ended, and waited for, at the end.

    What has no `health` to ask for is healthy when it listens.
    """
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env={**os.environ, **(environ or {})}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(process, port, health)
        yield Started(process.pid, port, time.perf_counter() - began)
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(30)
        process.kill()
        process.wait()


def script(name: str, *arguments: object) -> list[str]:
    """Return the command that runs one of our scripts under this very Python."""
    return [sys.executable, str(HERE / name), *map(str, arguments)]


def tree(pid: int) -> list[int]:
    """Return the process and all that descend from it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found


def is_postgres(pid: int) -> bool:
    """Return whether the process is one of PostgreSQL's."""
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip() == "postgres"
    except OSError:
        return False


def cpu_of(pid: int) -> float:
    """Return the CPU seconds of the process and of those of its children that have ended; 0 if it is gone."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(field) for field in fields[11:15]) / _TICKS


def own_cpu_of(pid: int) -> float:
    """Return the CPU seconds of the process alone."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def resident(pid: int) -> float:
    """Return the resident memory in MB."""
    return _kilobytes(f"/proc/{pid}/status", "VmRSS:") / 1000 * 1.024


def peak(pid: int) -> float:
    """Return the most resident memory that the process ever had, in MB."""
    return _kilobytes(f"/proc/{pid}/status", "VmHWM:") / 1000 * 1.024


def proportional(pid: int) -> float:
    """Return the proportional set size in MB: shared pages count in equal parts for all that share them."""
    return _kilobytes(f"/proc/{pid}/smaps_rollup", "Pss:") / 1000 * 1.024


def _kilobytes(file: str, name: str) -> int:
    for line in Path(file).read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    return 0


def _wait(process: subprocess.Popen[bytes], port: int, health: str | None) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until:
        if process.poll() is not None:
            raise SystemExit(f"{process.args!r} ended with {process.returncode} before it was healthy")
        with suppress(urllib.error.URLError, ConnectionError):
            if health is None:
                socket.create_connection(("127.0.0.1", port)).close()
            else:
                urllib.request.urlopen(f"http://127.0.0.1:{port}{health}", timeout=_PATIENCE).close()
            return
        time.sleep(0.02)
    raise SystemExit(f"{process.args!r} was not healthy within {_PATIENCE:g} s")
