from __future__ import annotations

from pathlib import Path

import pytest

from running import Organization
from shell import Shell

PASSWORD = "SecurePass123!"


@pytest.fixture
def shell(organization: Organization, tmp_path: Path) -> Shell:
    """The owner's shell, which knows the server and no login yet."""
    return Shell(tmp_path, {"DEVMESH_URL": organization.mesh.url})


@pytest.fixture
async def logged_in(shell: Shell, organization: Organization) -> Shell:
    """The owner's shell after a login."""
    ran = await shell.run("login", "--email", organization.registered["user"]["email"], stdin=f"{PASSWORD}\n")
    assert ran.code == 0, ran.said
    return shell
