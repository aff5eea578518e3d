from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from chaos.installation import Installation
from chaos.load import Outside


@pytest.fixture
def installation() -> Installation:
    """A data directory of its own; nothing runs yet, and nothing is left afterwards."""
    # Not pytest's own directory: as root it keeps the database's user out.
    path = Path(tempfile.mkdtemp(prefix="devmesh-"))
    path.chmod(0o711)
    installation = Installation(path)
    yield installation
    installation.close()
    shutil.rmtree(path)


@pytest.fixture
async def outside(installation: Installation) -> AsyncIterator[Outside]:
    """The installation as its clients see it."""
    requests: Counter[str] = Counter()

    async def count(_session: object, _context: object, started: aiohttp.TraceRequestStartParams) -> None:
        requests[started.headers.get("Authorization", "").removeprefix("Bearer ")] += 1

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(count)
    patience = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(installation.url, timeout=patience, trace_configs=[trace]) as http:
        # A request sent again unasked would be counted once and take effect twice.
        http._retry_connection = False
        yield Outside(installation.url, None, installation.data_dir, http, requests)
