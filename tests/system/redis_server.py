"""A Redis of the distribution's, started, stopped, killed and hung as a test wants."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from redis import Redis

from ports import free_port
from system.cluster import until_listening

PASSWORD = "a/secret#of?redis"
IN_A_URL = "a%2Fsecret%23of%3Fredis"


class RedisServer:
    """`with RedisServer() as server`; `*options` are its own command line's."""

    def __init__(self, *options: str, tls: tuple[Path, Path] | None = None) -> None:
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="redis-"))
        self._tls = tls
        port = ["--port", str(self.port)]
        if tls:
            certificate, key = map(str, tls)
            port = ["--port", "0", "--tls-port", str(self.port), "--tls-auth-clients", "no"]
            port += ["--tls-cert-file", certificate, "--tls-key-file", key]
        self._command = ["redis-server", "--bind", "127.0.0.1", "--save", "", "--dir", str(self._directory)]
        self._command += [*port, *options]
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
        shutil.rmtree(self._directory)

    def url(self, options: str = "") -> str:
        return f"redis://127.0.0.1:{self.port}/0{options}"

    def start(self) -> None:
        """Start it, empty, and return when it takes connections."""
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL)
        until_listening(self.port)

    def kill(self) -> None:
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def hang(self) -> None:
        """Have it keep its connections and answer nothing."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def ask(self, *words: Any) -> Any:
        """Return what it answers to one command."""
        with Redis(port=self.port, decode_responses=True, protocol=2) as client:
            return client.execute_command(*words)


async def until(holds: Any, seconds: float = 30) -> None:
    async with asyncio.timeout(seconds):
        while not holds():  # noqa: ASYNC110 - another process is waited for
            await asyncio.sleep(0.02)
