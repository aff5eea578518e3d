"""What a walk-through needs around it: `devmesh serve` as a process of its own, and the stand-in for GitHub."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

from devmesh.db.embedded_child import bound
from devmesh.demo.github import GitHub

_START_SECONDS = 60.0
_STOP_SECONDS = 25.0
_PROGRAM = "from devmesh.cli import main; raise SystemExit(main())"
_ANNOUNCED = b"Developer Mesh serves on "


class NotServed(RuntimeError):
    """The server did not start; the text holds the last lines of its log."""


class Served:
    """`with Served(directory, settings) as served`: the real server over `directory/data`, its log in `directory/log`.

    `port` 0 takes a free one. Must be entered from the main thread: the server dies with it.
    """

    def __init__(self, directory: Path, settings: Mapping[str, str], port: int = 0) -> None:
        self.data_dir = directory / "data"
        self.log = directory / "log"
        self.port = port
        self._settings = settings
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self) -> None:
        """Start the server and return when it answers; raise NotServed if it does not come to that."""
        # Settings of the person who runs this have no say: this installation is one of its own.
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        command = [sys.executable, "-c", _PROGRAM, "serve", "--port", str(self.port)]
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own program, no shell
                bound(command, signal.SIGTERM),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                # Unbuffered: what select sees is all there is to read.
                bufsize=0,
                env=environ | {"DEVMESH_DATA_DIR": str(self.data_dir)} | dict(self._settings),
            )
        try:
            self.port = self._announced_port()
        except BaseException:
            self.stop()
            raise

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> int:
        """Ask the server to end and return its exit code; killed, as a negative signal, if it takes too long."""
        process = self._process
        if process is None:
            return 0
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
        return process.returncode

    def _announced_port(self) -> int:
        stdout = self._process.stdout if self._process else None
        until = time.monotonic() + _START_SECONDS
        while stdout is not None and select.select([stdout], [], [], max(until - time.monotonic(), 0))[0]:
            line = stdout.readline()
            if line.startswith(_ANNOUNCED):
                return int(line.rpartition(b":")[2])
            if not line:
                break
        last = "\n".join(self.log.read_text(encoding="utf-8").splitlines()[-5:])
        raise NotServed(f"the server did not start; the end of its log:\n{last}")


@contextlib.contextmanager
def stand_in(logins: Mapping[str, str]) -> Iterator[GitHub]:
    """Run the stand-in for GitHub in a thread of its own; it knows these tokens, each with its owner's login."""
    github = GitHub(logins)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="stand-in for GitHub", daemon=True)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(github.__aenter__(), loop).result()
        try:
            yield github
        finally:
            asyncio.run_coroutine_threadsafe(_leave(github), loop).result()
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


async def _leave(github: GitHub) -> None:
    await github.__aexit__()
    # The conversations that were just cut off end in their own time, which is now.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=1)
