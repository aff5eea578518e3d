from __future__ import annotations

import http.client
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devmesh.db.embedded import Embedded

HERE = Path(__file__).parent


class Service:
    """`devmesh serve` over one data directory, with the stand-in program."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir
        self.process: subprocess.Popen[str] | None = None
        self.port = 0

    def spawn(self, *options: str, **environ: str) -> subprocess.Popen[str]:
        """Start it and return at once."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        arguments = ["serve", "--program", "standin:build", "--port", str(self.port), *options]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "import devmesh.cli; raise SystemExit(devmesh.cli.main())", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=clean | {"DEVMESH_DATA_DIR": str(self.data_dir), "PYTHONPATH": str(HERE)} | environ,
        )
        return self.process

    def start(self, *options: str, **environ: str) -> None:
        """Start it and return when it has said that it serves."""
        stdout = self.spawn(*options, **environ).stdout
        for line in stdout:
            if line.startswith("Developer Mesh serves on "):
                self.port = int(line.rpartition(":")[2])
                return
        raise AssertionError(self.process.communicate()[1])

    def get(self, path: str = "/pid") -> str:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        finally:
            connection.close()

    def stop(self) -> tuple[int, str]:
        """Ask it to stop; return its exit code and its log."""
        self.process.send_signal(signal.SIGTERM)
        return self.end()

    def end(self) -> tuple[int, str]:
        log = self.process.communicate(timeout=240)[1]
        return self.process.returncode, log

    def database_process(self) -> int:
        return int((self.data_dir / "postgres" / "postmaster.pid").read_text().splitlines()[0])

    def processes(self) -> list[int]:
        """Every process of this data directory but the parent."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                words = (entry / "cmdline").read_text() if entry.name.isdigit() else ""
                environ = (entry / "environ").read_bytes() if "devmesh.serve" in words else b""
            except OSError:
                continue
            ours = str(self.data_dir) in words or str(self.data_dir).encode() in environ
            if ours and int(entry.name) != self.process.pid:
                found.append(int(entry.name))
        return found

    @staticmethod
    def until(true: Callable[[], object], seconds: float = 60) -> None:
        """Return as soon as `true()` holds; connection errors count as not yet."""
        end = time.monotonic() + seconds
        while True:
            try:
                if true():
                    return
            except (OSError, http.client.HTTPException):
                pass
            assert time.monotonic() < end, "it did not happen in time"
            time.sleep(0.02)


@pytest.fixture(scope="session")
def made() -> Iterator[Path]:
    """A data directory with a finished cluster, of which tests take copies."""
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    with Embedded(path):
        pass
    yield path
    shutil.rmtree(path)


@pytest.fixture
def service(made: Path) -> Iterator[Service]:
    # Not pytest's own directory: as root it keeps the database's user out.
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    subprocess.run(["/bin/cp", "-a", f"{made}/.", path], check=True)
    (path / "master.key").write_text("A" * 43 + "=\n")
    (path / "master.key").chmod(0o600)
    service = Service(path)
    yield service
    if service.process and service.process.poll() is None:
        service.process.kill()
        service.process.communicate()
    service.until(lambda: not service.processes())
    shutil.rmtree(path)
