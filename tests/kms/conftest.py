from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate


@pytest.fixture
def own_postgres() -> Iterator[Embedded]:
    """A database in which nothing is wrapped yet."""
    with tempfile.TemporaryDirectory(prefix="devmesh-kms-") as directory:
        Path(directory).chmod(0o711)
        with Embedded(Path(directory) / "data") as embedded:
            asyncio.run(migrate(embedded.owner_dsn, embedded.app_dsn["user"]))
            yield embedded
