from __future__ import annotations

import contextlib
import shutil
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import aiohttp
import pytest

from chaos.installation import Installation
from chaos.load import Outside


@pytest.fixture(scope="session")
async def made() -> AsyncIterator[Path]:
    """A data directory that was served from once, of which tests take copies."""
    with _directory() as directory:
        first = Installation(directory)
        await first.start()
        assert await first.stop() == 0
        first.close()
        yield first.data_dir


@pytest.fixture
def installation(made: Path) -> Iterator[Installation]:
    """A data directory of its own; nothing runs yet, and nothing is left afterwards."""
    with _directory() as directory:
        installation = Installation(directory)
        subprocess.run(["/bin/cp", "-a", made, installation.data_dir], check=True)
        yield installation
        installation.close()


@contextlib.contextmanager
def _directory() -> Iterator[Path]:
    # Not pytest's own directory: as root it keeps the database's user out.
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    path.chmod(0o711)
    yield path
    shutil.rmtree(path)


@pytest.fixture
async def outside(installation: Installation) -> AsyncIterator[Outside]:
    """The installation as its clients see it."""
    outside = Outside(installation.url, None, installation.data_dir, None)

    async def began(_session: object, context: SimpleNamespace, request: aiohttp.TraceRequestStartParams) -> None:
        context.began = time.monotonic()
        outside.requests[request.headers.get("Authorization", "").removeprefix("Bearer ")] += 1

    async def ended(_session: object, context: SimpleNamespace, request: aiohttp.TraceRequestEndParams) -> None:
        outside.served += request.response.status < 500
        outside.slowest = max(outside.slowest, time.monotonic() - context.began)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    patience = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(outside.url, timeout=patience, trace_configs=[trace]) as outside.http:
        # A request sent again unasked would be counted once and take effect twice.
        outside.http._retry_connection = False
        yield outside
