"""Revocation: how long after the reply to a DELETE another process on the same database still takes the key."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path

from devmesh.accounts.model import NewOrganization
from devmesh.app import App, build
from devmesh.audit.model import Visitor
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.errors import InvalidKey
from devmesh.keys.model import NewKey
from devmesh.settings import Settings
from figures import figure

_ASKED_MS = 1000


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Revoke keys in one program that another one has in its cache."""
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with Embedded(directory / "data") as postgres:
            took = asyncio.run(_revoked(directory, postgres, 50 if quick else 500))
    worst = f"the latest of {len(took)}; median {statistics.median(took):.2f} ms"
    figure("revocation heard by another process", max(took), _ASKED_MS, "ms", worst)


async def _revoked(directory: Path, postgres: Embedded, count: int) -> list[float]:
    await migrate(postgres.owner_dsn, postgres.app_dsn["user"])
    settings, master_key = Settings.load({"DEVMESH_DATA_DIR": str(directory)}), new_key()
    here = await build(settings, master_key, postgres.app_dsn)
    there = await build(settings, master_key, postgres.app_dsn)
    new = NewOrganization("Acme", "acme", "ada@acme.example", "Ada Admin", "SecurePass123!")
    secret = (await here.accounts.register(Visitor("127.0.0.1", "bench"), new)).api_key
    caller = (await here.verifier.verify(secret)).caller("127.0.0.1", "bench")
    took = []
    for _ in range(count):
        issued = await here.keys.create(caller, NewKey(name="to revoke"))
        await there.verifier.verify(issued.secret)
        await here.keys.revoke(caller, issued.key.id)
        answered = time.perf_counter()
        while await _accepts(there, issued.secret):  # noqa: ASYNC110 - when this ends is what is measured
            await asyncio.sleep(0)
        took.append((time.perf_counter() - answered) * 1000)
    await here.close()
    await there.close()
    return took


async def _accepts(app: App, secret: str) -> bool:
    try:
        await app.verifier.verify(secret)
    except InvalidKey:
        return False
    return True
