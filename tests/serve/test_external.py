from __future__ import annotations

import shutil
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import quote

import pytest

from devmesh.db.embedded import Embedded
from devmesh.db.embedded_binaries import find_binaries, unprivileged_user
from devmesh.db.embedded_cluster import _single_user


@pytest.fixture
def external(made):
    """The address of a PostgreSQL that is not ours to start; its owner may make roles."""
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    subprocess.run(["/bin/cp", "-a", f"{made}/.", path], check=True)
    grants = ["alter role devmesh_owner createrole;", "grant devmesh_app to devmesh_owner with admin option;"]
    _single_user(path / "postgres", find_binaries(), unprivileged_user(path / "postgres"), grants)
    with Embedded(path) as server:
        owner = server.owner_dsn
        yield f"postgresql://{owner['user']}:{owner['password']}@/devmesh?host={quote(owner['host'], safe='')}"
    shutil.rmtree(path)


def test_an_external_database_is_served_as_the_app_role(service, external):
    shutil.rmtree(service.data_dir / "postgres")
    service.start(DEVMESH_DATABASE_URL=external, DEVMESH_MASTER_KEY="A" * 43 + "=")
    assert service.get("/who") == "devmesh_app"
    assert service.stop()[0] == 0
    assert not (service.data_dir / "postgres").exists()


def test_an_external_database_needs_a_given_master_key(service, external):
    service.spawn(DEVMESH_DATABASE_URL=external)
    code, log = service.end()
    assert code == 1
    assert "the same on every machine" in log
