"""A PostgreSQL 15 of the distribution's, as an operator would have it: passwords over TCP, TLS, roles of its own."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import asyncpg

from ports import free_port

BINARIES = Path("/usr/lib/postgresql/15/bin")
# PostgreSQL and PgBouncer refuse to run as root.
USER = "postgres" if os.geteuid() == 0 else None
_CONFIGURATION = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = '{directory}'
ssl = on
ssl_cert_file = '{directory}/server.pem'
ssl_key_file = '{directory}/server.key'
log_statement = 'ddl'
fsync = off
"""


@dataclass(frozen=True)
class Address:
    """A database with a role that owns it, as a URL."""

    port: int
    database: str
    owner: str
    password: str = field(repr=False)
    host: str = "127.0.0.1"

    def url(self, options: str = "") -> str:
        return f"postgresql://{self.owner}:{self.password}@{self.host}:{self.port}/{self.database}{options}"

    @property
    def app_role(self) -> str:
        return f"{self.database}_app"


class Cluster:
    """`with Cluster(certificate, key) as cluster`; `cluster.superuser` connects as its superuser."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="system-"))
        self.port = free_port()
        self.superuser: dict[str, Any] = {
            "host": "127.0.0.1",
            "port": self.port,
            "user": "postgres",
            "password": secrets.token_hex(16),
        }
        self._tls = (certificate, key)
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        password = self.directory / "password"
        password.write_text(self.superuser["password"])
        for source, name in zip(self._tls, ("server.pem", "server.key"), strict=True):
            shutil.copy(source, self.directory / name)
            (self.directory / name).chmod(0o600)
        if USER:
            for path in (self.directory, *self.directory.iterdir()):
                shutil.chown(path, USER)
        data = self.directory / "data"
        make = [BINARIES / "initdb", "-D", data, "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password]
        subprocess.run(
            [*make, "-E", "UTF8", "--locale=C.UTF-8"], check=True, user=USER, cwd="/", stdout=subprocess.DEVNULL
        )
        with (data / "postgresql.conf").open("a") as configuration:
            configuration.write(_CONFIGURATION.format(port=self.port, directory=self.directory))
        self.start()
        return self

    def start(self) -> None:
        """Start the server and return when it takes connections."""
        with (self.directory / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [BINARIES / "postgres", "-D", self.directory / "data"], user=USER, cwd="/", stdout=log, stderr=log
            )
        until_listening(self.port)
        until = time.monotonic() + 30
        while subprocess.run(
            [BINARIES / "pg_isready", "-q", "-h", "127.0.0.1", "-p", str(self.port)], check=False
        ).returncode:
            assert time.monotonic() < until, self.log()
            time.sleep(0.05)

    def stop(self) -> None:
        """End the server at once, with everybody's session."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(30)

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.directory)

    def log(self) -> str:
        """Everything that the server has logged."""
        return (self.directory / "log").read_text()

    def sql(
        self, statement: str, *arguments: object, database: str = "postgres", **others: Any
    ) -> list[asyncpg.Record]:
        """Execute one statement as superuser, or as `others` say; return its rows."""

        async def execute() -> list[asyncpg.Record]:
            connection = await asyncpg.connect(**{**self.superuser, "database": database, **others})
            try:
                return await connection.fetch(statement, *arguments)
            finally:
                await connection.close()

        return on_a_loop_of_its_own(execute())

    def new_database(self, rights: str = "createrole") -> Address:
        """Make an empty database whose owner may log in and has these rights."""
        name = f"mesh_{secrets.token_hex(4)}"
        made = Address(self.port, name, f"{name}_owner", secrets.token_hex(12))
        self.sql(f"create role {made.owner} login password '{made.password}' {rights}")
        self.sql(f"create database {name} owner {made.owner}")
        return made


def on_a_loop_of_its_own(work: Any) -> Any:
    """Run to the end what a test, itself on a loop, needs done before it goes on."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def until_listening(port: int, seconds: float = 30) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            assert time.monotonic() < until, f"nothing listens on {port}"
            time.sleep(0.05)
        else:
            return
