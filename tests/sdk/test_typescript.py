from __future__ import annotations

import gzip
import json

import aiohttp
import pytest

from sdk.node import SDK, make
from sdk.world import World

pytestmark = pytest.mark.usefixtures("typescript_sdk")


def test_the_scenarios_come_out_as_written(sdk_world: World):
    make(
        "node", "--test", "--test-timeout=120000", "test/scenarios.test.ts", DEVMESH_WORLD=json.dumps(sdk_world.values)
    )


def test_it_does_what_its_own_tests_say():
    files = [path.relative_to(SDK) for path in SDK.glob("test/*.test.ts") if path.name != "scenarios.test.ts"]
    assert files
    make("node", "--test", "--test-timeout=60000", *files)


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
