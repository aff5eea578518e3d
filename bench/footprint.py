"""What the gateway takes: memory, time to start, packages."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import time
from importlib import metadata
from pathlib import Path
from statistics import median

from calls import servers
from figures import figure, note
from load import Job, run
from mesh import serving
from processes import is_postgres, proportional, resident, tree

_LOCK = Path(__file__).parent.parent / "requirements.lock"
_OF_WINDOWS = "sys_platform == 'win32'"
_CONCURRENCY = 16
_SETTLED_SECONDS = 3.0
# What counts as flat: the growth over the second half of the calls, in MB.
_FLAT = 3.0
_MEGABYTE = 1_000_000


def memory(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure a worker's resident memory over 100,000 calls, half of them writes."""
    step = 1000 if quick else 10_000
    with servers() as (gateway, _):
        jobs = [
            Job(gateway.started.port, gateway.call(name), step // 2, _CONCURRENCY)
            for name in ("get_issue", "create_issue")
        ]
        found = []
        for number in range(1, 11):
            for job in jobs:
                run(job)
            found.append(resident(gateway.started.worker()))
            note(f"after {number * step:,} calls: {found[-1]:.1f} MB resident")
    figure(f"worker after {10 * step:,} calls", found[-1], 120, "MB")
    figure("growth over the second half", found[-1] - found[4], _FLAT, "MB")


def start(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure the first start, later ones, the idle memory, and the command line's help."""
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with serving(directory / "data") as first:
            pass
        later = []
        for _ in range(1 if quick else 3):
            with serving(directory / "data") as again:
                later.append(again.seconds)
                time.sleep(_SETTLED_SECONDS)
                ours = {pid: proportional(pid) for pid in tree(again.pid) if not is_postgres(pid)}
    figure("devmesh --help", median(_seconds_of_help() for _ in range(9)), 0.25, "s")
    figure("first start", first.seconds, 6, "s")
    figure("later starts, the slowest", max(later), 3, "s")
    figure("idle worker", max(ours.values()), 80, "MB", "proportional set size")
    figure("idle, all but PostgreSQL", sum(ours.values()), 110, "MB", f"{len(ours)} processes")


def _seconds_of_help() -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-c", "from devmesh.cli import main; main()", "--help"], capture_output=True, check=True
    )
    return time.perf_counter() - began


def size(_quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Count the base distributions of the lock and what they take, as installed here."""
    lines = [line for line in _LOCK.read_text(encoding="utf-8").splitlines() if _OF_WINDOWS not in line]
    names = re.findall(r"^([A-Za-z0-9._-]+)==", "\n".join(lines), re.MULTILINE)
    installed, missing = 0, []
    for name in names:
        try:
            files = metadata.files(name) or []
        except metadata.PackageNotFoundError:
            missing.append(name)
            continue
        installed += sum(path.stat().st_size for file in files if (path := Path(str(file.locate()))).is_file())
    more = f"not for this platform or Python: {', '.join(missing)}" if missing else ""
    figure("base distributions", len(names), 40, "", more)
    figure("installed size", installed / _MEGABYTE, 200, "MB", "with the compiled bytecode that pip records")
