from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys

import asyncpg
import pytest

from devmesh.cli import doctor_services
from devmesh.crypto.kms import LocalKms
from devmesh.crypto.masters import MasterKeys
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.db.pool import Database


@pytest.fixture
def devmesh(service):
    """Run a command on the service's installation; returns its exit code and what it printed."""

    def run(*arguments: str, **environ: str) -> tuple[int, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        done = subprocess.run(
            [sys.executable, "-c", "import devmesh.cli; raise SystemExit(devmesh.cli.main())", *arguments],
            capture_output=True,
            text=True,
            check=False,
            env=clean | {"DEVMESH_DATA_DIR": str(service.data_dir)} | environ,
        )
        return done.returncode, done.stdout + done.stderr

    return run


def as_owner(service, sql: str) -> None:
    password = (service.data_dir / "devmesh_owner.password").read_text()

    async def execute() -> None:
        place = {"host": str(service.data_dir / "postgres"), "database": "devmesh"}
        connection = await asyncpg.connect(**place, user="devmesh_owner", password=password)
        await connection.execute(sql)
        await connection.close()

    asyncio.run(execute())


def test_nothing_is_wrong_with_a_running_installation(service, devmesh):
    service.start()
    code, said = devmesh("doctor", "--port", str(service.port))
    assert code == 0, said
    assert "Developer Mesh answers there" in said
    assert "is bound by row security" in said
    assert "Nothing is wrong." in said


def test_each_fault_comes_with_its_mend(service, devmesh):
    service.start()
    as_owner(service, "alter table users disable row level security")
    (service.data_dir / "master.key").chmod(0o644)
    service.data_dir.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.settimeout(0)
        code, said = devmesh("doctor", "--port", str(other.getsockname()[1]))
    assert code == 1
    assert "row security is not forced on users" in said
    assert f"chmod 600 {service.data_dir}/master.key" in said
    assert f"{service.data_dir}\n" in said.partition("mend: chmod 7")[2]
    assert "is in use by another program" in said
    assert 'make serve ARGS="--port 9000"' in said
    assert said.count("wrong ") == 4


def test_another_master_key_than_the_databases_is_told(service, devmesh):
    service.start(DEVMESH_MASTER_KEY="A" * 43 + "=")
    asyncio.run(_fill_ring(service))
    code, said = devmesh("doctor", "--port", str(service.port), DEVMESH_MASTER_KEY="B" * 42 + "A=")
    assert code == 1
    assert "key ring: sealed with another master key" in said
    assert said.count("\nwrong ") == 1


async def _fill_ring(service) -> None:
    database = Database(Embedded(service.data_dir).app_dsn, size=1)
    await database.open()
    await KeyRing(MasterKeys(LocalKms(bytes(32)))).open(database)
    await database.close()


def test_an_unreachable_database_and_faulty_settings_are_told(devmesh):
    key = {"DEVMESH_MASTER_KEY": "A" * 43 + "="}
    code, said = devmesh("doctor", DEVMESH_DATABASE_URL="postgresql://a:hunter2@127.0.0.1:1/mesh", **key)
    assert code == 1
    assert "correct host, port and sslmode in DEVMESH_DATABASE_URL" in said
    assert "hunter2" not in said
    code, said = devmesh("doctor", DEVMESH_REGISTRATION="opne")
    assert code == 1
    assert "DEVMESH_REGISTRATION" in said


def test_plans_with_which_the_server_does_not_start_are_told(devmesh, tmp_path):
    file = tmp_path / "plans.json"
    file.write_text('{"plans": {"large": {"limits": "huge"}}}')
    code, said = devmesh("doctor", DEVMESH_PLANS_FILE=str(file), DEVMESH_DEFAULT_PLAN="larg")
    assert code == 1
    assert "plans.large.limits: there is no 'huge' in rate_limits" in said
    assert "DEVMESH_DEFAULT_PLAN: there is no plan 'larg'; choose one of free, team, premium, large" in said
    assert "ok    plans" not in said


def test_a_database_that_the_installed_programs_do_not_run_is_told_before_the_start(devmesh, service):
    service.start()
    service.stop()
    (service.data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    code, said = devmesh("doctor", "--port", str(service.port))
    assert code == 1
    assert "was made by PostgreSQL 14" in said


@pytest.mark.parametrize("below", ["", "data"])
def test_a_data_directory_that_is_a_file_is_told_and_nobody_is_told_to_open_it(devmesh, tmp_path, below):
    (tmp_path / "notes").write_text("mine")
    code, said = devmesh("doctor", DEVMESH_DATA_DIR=str(tmp_path / "notes" / below))
    assert code == 1
    assert f"{tmp_path / 'notes'} is no directory\n      mend: set DEVMESH_DATA_DIR to a directory" in said
    assert "chmod" not in said


@pytest.mark.skipif(os.geteuid() == 0, reason="root may go everywhere")
def test_a_data_directory_out_of_reach_is_told(devmesh, tmp_path):
    (tmp_path / "closed").mkdir(mode=0)
    code, said = devmesh("doctor", DEVMESH_DATA_DIR=str(tmp_path / "closed" / "data"))
    assert code == 1
    assert "set DEVMESH_DATA_DIR to a directory of this user's" in said
    assert "Traceback" not in said


def test_services_are_asked_as_calls_would_go(service, devmesh):
    service.start()
    place = f"127.0.0.1:{service.port}"
    # Bound and not listening: nothing answers there, and nobody else takes it meanwhile.
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        nobody = f"127.0.0.1:{silent.getsockname()[1]}"
        addresses = (f"http://{place}", f"http://{nobody}", "http://169.254.169.254", "https://me:hunter2@x.example")
        words = ("doctor", "--port", str(service.port), "--services", *addresses)
        code, said = devmesh(*words, DEVMESH_UPSTREAM_ALLOW=f"{place},{nobody}")
    assert code == 1
    assert f"ok    service at {place}: answers (200)" in said
    assert f"wrong service at {nobody}: " in said
    assert "wrong service at 169.254.169.254:80: " in said
    assert "wrong service: that is no base URL" in said
    assert "hunter2" not in said
    closed, said = devmesh("doctor", "--port", str(service.port), "--services", f"http://{place}")
    assert (closed, f"add '{place}' to DEVMESH_UPSTREAM_ALLOW" in said) == (1, True), said


def test_unless_others_are_given_services_with_an_address_of_their_own_are_asked():
    known = dict(doctor_services.places([]))
    assert known["GitHub"] == "https://api.github.com"
    assert all(address.startswith("https://") for address in known.values())
    assert "Jenkins" not in known


def test_migrate_works_alone_and_repeats(service, devmesh):
    first, again = devmesh("migrate"), devmesh("migrate")
    assert first[0] == again[0] == 0
    assert "applied 0001_foundation" in first[1]
    assert "applied" not in again[1]
    service.start()
    code, said = devmesh("migrate")
    assert code == 1
    assert "in use by the running server" in said


def test_an_unknown_command_is_refused_and_the_known_are_listed(devmesh):
    assert devmesh("srve")[0] == 2
    code, said = devmesh("--help")
    assert code == 0
    assert all(name in said for name in ("serve", "migrate", "doctor"))
