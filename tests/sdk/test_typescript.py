from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import aiohttp
import pytest

from sdk.world import World

SDK = Path(__file__).parents[2] / "sdk" / "typescript"
MAKE = SDK / "make.py"


def make(*arguments: str | Path, given: str = "", **environ: str) -> str:
    command = [sys.executable, MAKE, *arguments]
    env = os.environ | environ
    done = subprocess.run(command, check=False, input=given, capture_output=True, text=True, env=env, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


pytestmark = pytest.mark.usefixtures("built")


@pytest.fixture(scope="session")
def built() -> None:
    """The SDK, installed as locked and built."""
    make("build")


def test_the_scenarios_come_out_as_written(sdk_world: World):
    make("node", "--test", "test/scenarios.test.ts", DEVMESH_WORLD=json.dumps(sdk_world.values))


async def test_the_types_are_those_of_the_servers_document(sdk_world: World, tmp_path):
    async with aiohttp.ClientSession() as http, http.get(f"{sdk_world.values['base_url']}/openapi.json") as reply:
        document = await reply.text()
    make("types", tmp_path / "openapi.ts", given=document)
    committed = SDK / "src" / "generated" / "openapi.ts"
    assert (tmp_path / "openapi.ts").read_text() == committed.read_text(), "run 'make sdk'"


@pytest.mark.parametrize("project", [".", "test"])
def test_the_types_hold(project):
    make("node", "node_modules/typescript/bin/tsc", "-p", project)


def test_it_is_formatted():
    make("node", "node_modules/prettier/bin/prettier.cjs", "--check", ".")


def test_it_is_small_and_brings_nothing_with_it(tmp_path):
    bundle = tmp_path / "bundle.js"
    options = ("--minify", "--format=esm", f"--outfile={bundle}")
    make("node", "node_modules/esbuild/bin/esbuild", "dist/esm/index.js", *options)
    assert len(gzip.compress(bundle.read_bytes(), 9)) <= 25 * 1024
    assert "dependencies" not in json.loads((SDK / "package.json").read_text())


def test_the_lock_names_no_registry():
    lock = (SDK / "package-lock.json").read_text()
    assert "resolved" not in lock
    assert "://" not in "\n".join(line for line in lock.splitlines() if '"url": "https://' not in line)
