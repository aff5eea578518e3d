"""`devmesh keys rotate-master` killed at any point, while two workers serve: every credential opens all the same.

By default 20 kills; `CHAOS_KILLS=500` makes it a soak. `CHAOS_SEED` repeats the choice of moments.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import sys
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

from chaos.installation import Installation
from chaos.load import Outside
from devmesh.crypto.kms import kept_in
from devmesh.demo.github import GitHub
from running import Organization

KILLS = int(os.environ.get("CHAOS_KILLS", "20"))
SEED = int(os.environ.get("CHAOS_SEED", str(random.SystemRandom().randrange(10_000))))
_PROGRAM = "from devmesh.cli import main; raise SystemExit(main())"
_FIRST = 12
# Lines that a run prints for so many organizations, more or less.
_LINES = 20


class Users:
    """Organizations that store credentials and call with them without end; each surprise is kept."""

    def __init__(self, outside: Outside, github: GitHub) -> None:
        self.organizations: list[Organization] = []
        self.calls = 0
        self.surprises: list[Any] = []
        self._outside = outside
        self._github = github

    async def join(self) -> None:
        organization = await self._outside.organization()
        await organization.connect(self._github, "tok-ada")
        self.organizations.append(organization)

    async def call(self, organization: Organization) -> None:
        result = await organization.call("github.get_authenticated_user")
        self.calls += 1
        if "structuredContent" not in result or result.get("isError") or result["structuredContent"]["login"] != "ada":
            self.surprises.append(result)

    @contextlib.asynccontextmanager
    async def busy(self) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(self._for_ever(each)) for each in (self._some_call, self.join)]
        yield
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(each) for each in ended} == {asyncio.CancelledError}, ended

    async def _for_ever(self, step: Any) -> None:
        while True:
            await step()

    async def _some_call(self) -> None:
        await self.call(random.choice(self.organizations))  # noqa: S311 - whichever


async def rotate(installation: Installation, kill: random.Random | None = None) -> tuple[int, list[str]]:
    """Run the command, to its end or until it is killed, after some lines or some time; return its code and lines."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _PROGRAM, "keys", "rotate-master", "--destroy-old"),
        env={"PATH": os.environ["PATH"], "DEVMESH_DATA_DIR": str(installation.data_dir)},
        stdout=asyncio.subprocess.PIPE,
    )
    lines: list[str] = []
    moment = kill.uniform(0.3, 4.0) if kill and kill.random() < 0.4 else 600
    most = kill.randrange(1, _LINES) if kill and moment == 600 else 10**9
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(moment):
            while len(lines) < most and (line := await process.stdout.readline()):
                lines.append(line.decode())
    if kill:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
    await process.stdout.read()
    return await process.wait(), lines


async def versions(installation: Installation) -> list[tuple[int, bool]]:
    owner = await installation.as_owner()
    rows = await owner.fetch("select version, finished_at is not null from master_keys order by version")
    await owner.close()
    return [tuple(row) for row in rows]


async def wrapped_by(installation: Installation, organizations: list[Organization]) -> dict[int, int]:
    """Return how many keys each version of the master key has wrapped."""
    owner = await installation.as_owner()
    found: dict[int, int] = {}
    every = [row[0] for row in await owner.fetch("select organization_id from route_organizations")]
    assert {UUID(organization.id) for organization in organizations} <= set(every)
    counted = "select master_version(wrapped) as version, count(*) as keys from {} group by 1"
    for organization_id in every:
        async with owner.transaction():
            await owner.execute("select set_config('app.organization_id', $1, true)", str(organization_id))
            for row in await owner.fetch(counted.format("data_keys")):
                found[row["version"]] = found.get(row["version"], 0) + row["keys"]
    for row in await owner.fetch(counted.format("ring_keys")):
        found[row["version"]] = found.get(row["version"], 0) + row["keys"]
    await owner.close()
    return found


async def test_a_rotation_killed_at_any_point_is_continued_and_nobody_notices(
    installation: Installation, outside: Outside
):
    sys.stdout.write(f"CHAOS_SEED={SEED}\n")
    chosen = random.Random(SEED)  # noqa: S311 - moments, no secrets
    await installation.start("--workers", "2")
    (first,) = kept_in(installation.data_dir / "master.key")
    async with GitHub({"tok-ada": "ada"}) as github:
        users = Users(outside, github)
        for _ in range(_FIRST):
            await users.join()
        before = (await versions(installation))[-1][0]
        async with users.busy():
            for _ in range(KILLS):
                known = await versions(installation)
                code, lines = await rotate(installation, chosen)
                now = await versions(installation)
                sys.stdout.write(f"{code} after {len(lines)} lines: {now}\n")
                # One is begun at most, and one that is unfinished is the one that goes on.
                assert [finished for _, finished in now][:-1] == [True] * (len(now) - 1)
                assert now[-1][0] <= known[-1][0] + known[-1][1]
                assert users.surprises == []
            code, lines = await rotate(installation)
            assert code == 0
            assert "100 %" in lines[-3]
            (version, finished), *more = await versions(installation)
            assert (version > before, finished, more) == (True, True, [])
        assert users.calls > 10 * KILLS
        assert len(users.organizations) > _FIRST
        assert users.surprises == []

        found = await wrapped_by(installation, users.organizations)
        assert found.keys() == {version}
        assert found[version] >= len(users.organizations)
        (present,) = kept_in(installation.data_dir / "master.key")
        assert present.name != first.name, "what opened older backups is exchanged"

        # A worker that is started anew is told of the file as it was at the start.
        for worker in installation.workers():
            os.kill(worker, signal.SIGKILL)
        await installation.ready(outside.http)
        for organization in users.organizations:
            await users.call(organization)
        assert await installation.stop() == 0
        await installation.start()
        for organization in users.organizations:
            await users.call(organization)
        assert users.surprises == []
    assert await installation.stop() == 0
    assert [line for line in installation.log.read_text().splitlines() if "Traceback" in line] == []
