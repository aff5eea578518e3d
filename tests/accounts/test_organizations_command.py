"""`devmesh organizations`, beside a running server."""

from __future__ import annotations

import asyncio
import base64
import os
import secrets
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from running import Mesh, Organization

_MAIN = "import devmesh.cli; raise SystemExit(devmesh.cli.main())"


@pytest.fixture
def devmesh(postgres, master_key):
    """Run a command on the tests' own database; return its exit code and what it printed."""

    async def run(*arguments: str, **settings: str) -> tuple[int, str]:
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        given = {
            "DEVMESH_DATA_DIR": str(postgres.data_dir),
            "DEVMESH_MASTER_KEY": base64.b64encode(master_key).decode(),
            **settings,
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            _MAIN,
            "organizations",
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=clean | given,
        )
        said, _ = await process.communicate()
        return process.returncode, said.decode()

    return run


async def tenants_limit(mesh: Mesh, organization: Organization) -> str:
    headers = {"Authorization": f"Bearer {organization.key}"}
    async with mesh.http.get("/api/v1/auth/profile", headers=headers) as reply:
        return reply.headers["RateLimit-Policy"].partition('"tenant";')[2]


async def test_another_plan_acts_on_the_next_request_of_a_running_server(devmesh, mesh: Mesh):
    organization, other = await mesh.organization(), await mesh.organization()
    assert (await tenants_limit(mesh, organization)).startswith("q=3000;")
    code, said = await devmesh("set-plan", organization.slug.upper(), "premium")
    assert (code, said.split()[0]) == (0, organization.slug)
    assert "plan premium" in said
    for _ in range(500):  # the notice is on its way
        if (await tenants_limit(mesh, organization)).startswith("q=30000;"):
            break
        await asyncio.sleep(0.02)
    assert (await tenants_limit(mesh, organization)).startswith("q=30000;")
    assert (await tenants_limit(mesh, other)).startswith("q=3000;")
    _, audit = await organization.ask("GET", "/api/v1/audit?action=organization.set-plan")
    (entry,) = audit["entries"]
    assert entry["details"] == {"before": "free", "plan": "premium"}


async def test_an_unknown_plan_is_refused_naming_those_there_are(devmesh, mesh: Mesh):
    organization = await mesh.organization()
    code, said = await devmesh("set-plan", organization.slug, "gold")
    assert code == 1
    assert "there is no plan 'gold'; choose one of free, team, premium" in said
    assert (await tenants_limit(mesh, organization)).startswith("q=3000;")


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("set-plan", "nobody-has-this-slug", "team"), "there is no organization 'nobody-has-this-slug'"),
        (("set-plan", "no slug", "team"), "must be 3 to 50"),
        (("set-plan", "my-company"), "SLUG PLAN"),
        (("list", "my-company"), "nothing behind it"),
    ],
)
async def test_what_cannot_be_done_is_told(devmesh, mesh: Mesh, arguments: tuple[str, ...], why: str):
    del mesh  # there is a database
    code, said = await devmesh(*arguments)
    assert code == 1
    assert why in said
    assert "Traceback" not in said


async def test_the_list_names_each_with_its_plan_and_users(devmesh, mesh: Mesh):
    organization = await mesh.organization(f"listed-{secrets.token_hex(4)}")
    await organization.person()
    code, said = await devmesh("list")
    (line,) = [line for line in said.splitlines() if line.startswith(organization.slug)]
    assert code == 0
    assert line == f"{organization.slug}  {organization.id}  plan free  users 2 of 5"
