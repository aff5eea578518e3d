"""`devmesh serve` on a PostgreSQL 15 of the operator's own."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from system.cluster import Cluster

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address
    from system.conftest import Machine

UNBOUND = "select rolsuper or rolbypassrls or rolcreaterole or rolcreatedb as unbound from pg_roles where rolname = $1"
OWNERS = "select distinct tableowner::text as owner from pg_tables where schemaname = 'public'"


async def test_the_whole_way_and_a_restart(machine: Machine, database: Address, github: GitHub):
    installation = await machine.serve(database.url())
    organization = await installation.walk(github)
    assert not (installation.data_dir / "postgres").exists()
    assert not (installation.data_dir / "master.key").exists()
    assert installation.served.stop() == 0
    installation.served.start()
    assert (await organization.ask("GET", "/api/v1/auth/profile"))[0] == 200
    assert "applied migration" not in installation.log()
    assert (await organization.call("mesh.list_services")).get("isError") is not True


async def test_the_server_works_as_a_role_that_row_security_binds(
    machine: Machine, cluster: Cluster, database: Address, github: GitHub
):
    await (await machine.serve(database.url())).walk(github)
    assert [row["unbound"] for row in cluster.sql(UNBOUND, database.app_role)] == [False]
    assert [row["owner"] for row in cluster.sql(OWNERS, database=database.database)] == [database.owner]
    sessions = cluster.sql(
        "select distinct usename::text as name from pg_stat_activity where datname = $1", database.database
    )
    assert [row["name"] for row in sessions] == [database.app_role]
    # Not even the owner sees what no transaction has named.
    owner = {"user": database.owner, "password": database.password}
    assert cluster.sql("select count(*) from organizations", database=database.database, **owner)[0][0] == 0
    assert cluster.sql("select count(*) from organizations", database=database.database)[0][0] == 1


async def test_the_app_roles_password_stands_in_no_log(machine: Machine, cluster: Cluster, database: Address):
    await machine.serve(database.url())
    said = [line for line in cluster.log().splitlines() if f"create role {database.app_role}" in line]
    assert said
    assert all("password 'SCRAM-SHA-256$" in line for line in said)


async def test_the_right_to_make_roles_is_needed_once(machine: Machine, cluster: Cluster, database: Address):
    assert machine.run("migrate", url=database.url())[0] == 0
    cluster.sql(f"alter role {database.owner} nocreaterole")
    await machine.serve(database.url())


async def test_an_outage_is_survived(machine: Machine, certificate: tuple[Path, Path], github: GitHub):
    with Cluster(*certificate) as own:
        installation = await machine.serve(own.new_database().url())
        organization = await installation.walk(github)
        own.stop()
        status, problem = await organization.ask("GET", "/api/v1/credentials")
        assert (status, problem["code"]) == (503, "database_unavailable")
        own.start()
        until = time.monotonic() + 60
        while (await organization.ask("GET", "/readyz"))[0] != 200:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        await installation.walk(github)


@pytest.mark.parametrize("mode", ["require", "verify-ca", "verify-full"])
async def test_the_urls_sslmode_is_followed(
    machine: Machine, cluster: Cluster, database: Address, certificate: tuple[Path, Path], mode: str
):
    installation = await machine.serve(database.url(f"?sslmode={mode}&sslrootcert={certificate[0]}"))
    assert (await installation.http.get("/readyz")).status == 200
    plain = cluster.sql(
        "select count(*) from pg_stat_activity a join pg_stat_ssl s using (pid) where a.datname = $1 and not s.ssl",
        database.database,
    )
    assert plain[0][0] == 0


async def test_a_socket_is_an_address_too(machine: Machine, cluster: Cluster, database: Address, github: GitHub):
    url = f"postgresql://{database.owner}:{database.password}@/{database.database}"
    await (await machine.serve(f"{url}?host={cluster.directory}&port={cluster.port}")).walk(github)
