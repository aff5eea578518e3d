"""What `devmesh serve` says of a database that it cannot work with: one line, with the mend, and a failed start."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import certifi

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address, Cluster
    from system.conftest import Machine

_SSL_REQUEST = 80877103


@contextlib.contextmanager
def old_server() -> Iterator[int]:
    """A server that says it is PostgreSQL 14 to whoever connects, and answers nothing else; yields its port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_accept, args=(listener,), daemon=True).start()
        yield listener.getsockname()[1]
        # A closed socket alone would not wake the thread.
        listener.shutdown(socket.SHUT_RDWR)


def _accept(listener: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while True:
            with listener.accept()[0] as client:
                _greet(client)


def _greet(client: socket.socket) -> None:
    length, code = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
    if code == _SSL_REQUEST:
        client.sendall(b"N")
        length, _ = struct.unpack("!ii", client.recv(8, socket.MSG_WAITALL))
    client.recv(length - 8, socket.MSG_WAITALL)
    told = (b"server_version\x0014.12\0", b"client_encoding\0UTF8\0", b"integer_datetimes\0on\0")
    parameters = b"".join(b"S" + struct.pack("!i", len(text) + 4) + text for text in told)
    allowed, process, ready = struct.pack("!ii", 8, 0), struct.pack("!iii", 12, 1, 1), struct.pack("!i", 5) + b"I"
    client.sendall(b"R" + allowed + parameters + b"K" + process + b"Z" + ready)
    client.recv(1024)


def test_a_role_that_may_not_make_roles_is_told_what_to_ask_for(machine: Machine, cluster: Cluster):
    database = cluster.new_database(rights="nocreaterole")
    machine.refused(database.url(), f'alter role "{database.owner}" createrole', "as superuser")


def test_a_role_that_does_not_own_the_database_is_told_what_to_ask_for(machine: Machine, cluster: Cluster):
    database = cluster.new_database()
    cluster.sql(f"alter database {database.database} owner to postgres")
    machine.refused(database.url(), f'owner to "{database.owner}"')


def test_a_wrong_password_ends_the_start_at_once(machine: Machine, database: Address):
    url = replace(database, password="not-the-password").url()
    said = machine.refused(
        url, "password authentication failed", "correct the user and password in DEVMESH_DATABASE_URL"
    )
    assert "Trying again" not in said


def test_a_database_that_is_not_there_ends_the_start(machine: Machine, database: Address):
    url = replace(database, database="elsewhere").url()
    machine.refused(url, "does not exist", "create the database")


def test_a_server_that_does_not_answer_is_waited_for_and_then_named(machine: Machine, database: Address):
    url = replace(database, port=1).url()
    said = machine.refused(url, "127.0.0.1", "correct host, port and sslmode in DEVMESH_DATABASE_URL")
    assert said.count("Trying again") == 1


def test_a_role_above_row_security_is_not_worked_as(machine: Machine, cluster: Cluster, database: Address):
    cluster.sql(f"create role {database.app_role} login superuser")
    machine.refused(database.url(), "nosuperuser nobypassrls")


def test_the_owner_is_not_worked_as(machine: Machine, cluster: Cluster, database: Address):
    cluster.sql(f"alter role {database.owner} rename to {database.app_role}")
    # Renaming clears no SCRAM password.
    machine.refused(replace(database, owner=database.app_role).url(), "another owner")


async def test_a_wrong_master_key_is_refused_and_disturbs_nobody(
    machine: Machine, cluster: Cluster, database: Address, github: GitHub
):
    installation = await machine.serve(database.url())
    wrong = {"DEVMESH_MASTER_KEY": "A" * 43 + "="}
    machine.refused(database.url(), "the master key does not open this database's key ring", **wrong)
    code, said = machine.run("migrate", url=database.url(), **wrong)
    assert (code, "give the one it was set up with" in said) == (1, True)
    cluster.sql("select pg_terminate_backend(pid) from pg_stat_activity where usename = $1", database.app_role)
    await installation.walk(github)


async def test_a_password_changed_by_hand_is_set_right_at_the_next_start(
    machine: Machine, cluster: Cluster, database: Address, github: GitHub
):
    assert machine.run("migrate", url=database.url())[0] == 0
    cluster.sql(f"alter role {database.app_role} password 'changed'")
    await (await machine.serve(database.url())).walk(github)


def test_a_postgresql_that_is_too_old_is_told(machine: Machine):
    with old_server() as port:
        url = f"postgresql://someone:secret-word@127.0.0.1:{port}/mesh"
        machine.refused(url, "PostgreSQL 14", "15 or newer")
        code, said = machine.run("migrate", url=url)
        assert (code, "15 or newer" in said) == (1, True)


def test_a_certificate_that_is_not_trusted_ends_the_start(machine: Machine, database: Address):
    bundle = certifi.where()
    said = machine.refused(
        database.url(f"?sslmode=verify-full&sslrootcert={bundle}"), "certificate verify failed", "sslrootcert"
    )
    assert "Trying again" not in said


def test_an_option_that_there_is_not_ends_the_start(machine: Machine, database: Address):
    machine.refused(database.url("?sslmode=sometimes"), "sslmode", "correct the options in DEVMESH_DATABASE_URL")
