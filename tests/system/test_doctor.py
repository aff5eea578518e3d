"""`devmesh doctor` on installations that are well, and on some that are not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from ports import free_port

if TYPE_CHECKING:
    from system.cluster import Address, Cluster
    from system.conftest import Machine
    from system.pooler import Pooler


async def test_nothing_is_wrong_with_an_external_database(
    machine: Machine, pooler: Pooler, database: Address, tmp_path
):
    settings = {"DEVMESH_DATABASE_DIRECT_URL": database.url(), "DEVMESH_DATA_DIR": str(tmp_path / "data")}
    url = pooler.before(database).url()
    installation = await machine.serve(url, **settings)
    port = str(installation.served.port)
    for direct in (settings, {"DEVMESH_DATA_DIR": settings["DEVMESH_DATA_DIR"]}):
        address = url if "DEVMESH_DATABASE_DIRECT_URL" in direct else database.url()
        code, said = machine.run("doctor", "--port", port, url=address, **direct)
        assert code == 0, said
        for good in (
            "database: PostgreSQL 15",
            f"role {database.app_role} is bound by row security",
            "key ring: the master key opens it",
            "change notices: heard from the database itself",
            "Developer Mesh answers there",
        ):
            assert good in said, said


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "not-it"}, ("password authentication failed", "correct the user and password")),
        ({"port": 1}, ("no connection", "correct host, port and sslmode")),
        ({"host": "nowhere.invalid"}, ("no connection", "correct the host")),
        ({"database": "nowhere"}, ("does not exist", "create the database")),
    ],
)
def test_a_database_that_cannot_be_reached_is_named_with_the_mend(
    machine: Machine, database: Address, change: dict, words: tuple[str, ...]
):
    url = replace(database, **change).url()
    code, said = machine.run("doctor", "--port", str(free_port()), url=url)
    assert code == 1
    assert all(word in said for word in words), said
    assert "Traceback" not in said
    assert replace(database, **change).password not in said


def migrated(machine: Machine, database: Address) -> str:
    assert machine.run("migrate", url=database.url())[0] == 0
    return database.url()


def test_a_database_before_its_first_start_wants_a_migration(machine: Machine, database: Address):
    code, said = machine.run("doctor", "--port", str(free_port()), url=database.url())
    assert code == 1
    assert f"the role {database.app_role} cannot connect" in said
    assert "run 'devmesh migrate'" in said


def test_another_master_key_is_told(machine: Machine, database: Address):
    url = migrated(machine, database)
    # Whoever first opens the key ring makes it: until then any key fits.
    assert machine.run("organizations", "list", url=url)[0] == 0
    code, said = machine.run("doctor", "--port", str(free_port()), url=url, DEVMESH_MASTER_KEY="A" * 43 + "=")
    assert code == 1
    assert "sealed with another master key" in said


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        ("alter role {app} superuser", "is above row security"),
        ("alter role {app} bypassrls", "is above row security"),
        ("alter table users no force row level security", "row security is not forced on users"),
        ("alter table credentials disable row level security", "row security is not forced on credentials"),
        ("alter table users owner to {app}", "tables owned by {app}: users"),
    ],
)
def test_what_would_let_organizations_see_each_other_is_told(
    machine: Machine, cluster: Cluster, database: Address, fault: str, told: str
):
    url = migrated(machine, database)
    cluster.sql(fault.format(app=database.app_role), database=database.database)
    code, said = machine.run("doctor", "--port", str(free_port()), url=url)
    assert code == 1
    assert told.format(app=database.app_role) in said
    assert said.count("\nwrong ") == 1, said


def test_a_direct_url_that_leads_through_the_pooler_is_told(machine: Machine, pooler: Pooler, database: Address):
    migrated(machine, database)
    code, said = machine.run("doctor", "--port", str(free_port()), url=pooler.before(database).url())
    assert code == 1
    assert "DEVMESH_DATABASE_URL leads through a pooler" in said
    assert "set DEVMESH_DATABASE_DIRECT_URL to the database itself" in said
