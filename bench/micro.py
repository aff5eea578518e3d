"""Single steps of the path, in this process: CPU alone, the best of many rounds."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from msgspec.structs import replace

from devmesh.access import Allowance, Caller, Person, Rights, Role
from devmesh.accounts.model import NewOrganization
from devmesh.app import App, build
from devmesh.audit.model import Visitor
from devmesh.credentials.model import Sealed
from devmesh.crypto.sealing import new_key
from devmesh.db.embedded import Embedded
from devmesh.db.migrate import migrate
from devmesh.directory.service import Directory
from devmesh.ids import new_id
from devmesh.limits.service import Limits
from devmesh.settings import Settings
from figures import figure, note

_MOST = 2**31 - 1


def measure(quick: bool) -> None:  # noqa: FBT001 - the command line's own switch
    """Measure a spend from two buckets, the verification of a known key, and what the vault does with a credential."""
    count = 2000 if quick else 10_000
    limits = Limits(60, 120)
    caller = _caller()

    def spend() -> None:
        try:
            limits.spend(caller).send(None)
        except StopIteration:
            return
        raise SystemExit("a spend in process waited for something")

    note(f"limits, one spend from two buckets: {_best(spend, count):.2f} us")
    note(f"limits, the headers of a reply: {_best(lambda: limits.headers(caller), count):.2f} us")
    with tempfile.TemporaryDirectory(prefix="devmesh-bench-") as name:
        directory = Path(name)
        directory.chmod(0o711)
        with Embedded(directory / "data") as postgres:
            asyncio.run(_verification(directory, postgres, count))


async def _verification(directory: Path, postgres: Embedded, count: int) -> None:
    await migrate(postgres.owner_dsn, postgres.app_dsn["user"])
    app = await build(Settings.load({"DEVMESH_DATA_DIR": str(directory)}), new_key(), postgres.app_dsn)
    new = NewOrganization("Acme", "acme", "ada@acme.example", "Ada Admin", "SecurePass123!")
    secret = (await app.accounts.register(Visitor("127.0.0.1", "bench"), new)).api_key
    await app.verifier.verify(secret)

    def verify() -> None:
        # Ended by its first step: it waited for nothing, so it asked no database.
        try:
            app.verifier.verify(secret).send(None)
        except StopIteration:
            return
        raise SystemExit("the verification of a known key waited for something")

    took = _best(verify, min(count, 2000))
    figure("verification of a known key", took, 15, "us", "no database read")
    await _sealing(app, count)
    await app.close()


async def _sealing(app: App, count: int) -> None:
    """Measure what the vault does with one stored credential, its data key unwrapped already."""
    async with app.database.routing() as tx:
        (organization_id,) = await Directory(app.ring).organizations(tx, None, 1)
    async with app.database.acting(organization_id) as tx:
        key_id, key = await app.data_keys.of(tx, organization_id, None)
        wrapped = await tx.value("select wrapped from data_keys where id = $1", key_id)
    owner = {"organization_id": organization_id, "tenant_id": organization_id, "user_id": None}
    empty = Sealed(
        **owner, id=new_id(), service="github", sealed=b"", base_url=None, data_key_id=key_id, wrapped=wrapped
    )
    fields = {"token": "ghp_" + "x" * 36}
    row = replace(empty, sealed=app.vault.seal(key, empty, fields))
    figure("sealing a credential", _best(lambda: app.vault.seal(key, empty, fields), count), 15, "us")
    figure("opening a credential", _best(lambda: app.vault.open(row), count), 15, "us")


def _best(step: Callable[[], Any], count: int) -> float:
    """Return the CPU microseconds of one `step`."""
    rounds = []
    for _ in range(7):
        began = time.thread_time()
        for _ in range(count):
            step()
        rounds.append(time.thread_time() - began)
    return min(rounds) / count * 1e6


def _caller() -> Caller:
    return Caller(
        organization_id=uuid4(),
        organization_slug="acme",
        tenant_id=uuid4(),
        user_id=uuid4(),
        role=Role.OWNER,
        rights=Rights(["*"], "owner", "user"),
        person=Person("ada@acme.example", "Ada", "Acme", "acme"),
        allowance=Allowance(_MOST, 60, _MOST, _MOST),
        key_id=uuid4(),
    )
