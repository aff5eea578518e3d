"""A person with a session, and a second process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devmesh.app import App, build
from devmesh.crypto.ring import KeyRing
from devmesh.db.embedded import Embedded
from devmesh.settings import Settings
from running import Mesh, Organization
from sessions_people import Person, new_person, until


@pytest.fixture
async def person(organization: Organization) -> Person:
    """A member of a new organization, with a session."""
    return await new_person(organization)


@pytest.fixture
async def second(
    postgres: Embedded, master_key: bytes, ring: KeyRing, mesh: Mesh, tmp_path: Path
) -> AsyncIterator[App]:
    """Another process's program on the same database."""
    del ring, mesh  # made first, so that all read the same rows
    settings = Settings.load({"DEVMESH_DATA_DIR": str(tmp_path)})
    app = await build(settings, master_key, postgres.app_dsn)
    # What is remembered before a process hears of changes, it forgets when it begins to.
    await until(lambda: _hears(app), 30)
    yield app
    await app.close()


async def _hears(app: App) -> bool:
    return app.changes.fresh()
