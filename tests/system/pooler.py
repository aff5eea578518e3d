"""A PgBouncer in transaction pooling mode before the cluster: few server sessions, shared by many clients."""

from __future__ import annotations

import shutil
import signal
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Self

from ports import free_port
from system.cluster import USER, Address, Cluster, until_listening

# Roles are looked up in the server, so that the app role's password need not be told to the pooler.
_CONFIGURATION = """
[databases]
* = host=127.0.0.1 port={server_port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
logfile = {directory}/log
auth_type = scram-sha-256
auth_file = {directory}/users
auth_user = postgres
auth_query = select usename, passwd from pg_shadow where usename = $1
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
"""


class Pooler:
    """`with Pooler(cluster) as pooler`; `pooler.before(address)` is the same database through it."""

    def __init__(self, cluster: Cluster) -> None:
        self.port = free_port()
        self._directory = Path(tempfile.mkdtemp(prefix="system-"))
        self._cluster = cluster
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        configuration = self._directory / "pgbouncer.ini"
        configuration.write_text(
            _CONFIGURATION.format(server_port=self._cluster.port, port=self.port, directory=self._directory)
        )
        (self._directory / "users").write_text(f'"postgres" "{self._cluster.superuser["password"]}"\n')
        if USER:
            for path in (self._directory, *self._directory.iterdir()):
                shutil.chown(path, USER)
        self._process = subprocess.Popen(
            ["/usr/sbin/pgbouncer", "-q", configuration], user=USER, cwd="/", stderr=subprocess.DEVNULL
        )
        until_listening(self.port)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process is not None
        # SIGTERM is an immediate shutdown, SIGINT a safe one that waits for clients.
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(30)
        shutil.rmtree(self._directory)

    def before(self, address: Address) -> Address:
        return replace(address, port=self.port)

    def log(self) -> str:
        return (self._directory / "log").read_text()
