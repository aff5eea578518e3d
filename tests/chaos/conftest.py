from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace

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
    outside = Outside(installation.url, None, installation.data_dir, None)

    async def began(_session: object, context: SimpleNamespace, request: aiohttp.TraceRequestStartParams) -> None:
        context.began = time.monotonic()
        outside.requests[request.headers.get("Authorization", "").removeprefix("Bearer ")] += 1

    async def ended(_session: object, context: SimpleNamespace, _reply: object) -> None:
        outside.slowest = max(outside.slowest, time.monotonic() - context.began)

    trace = aiohttp.TraceConfig()
    trace.on_request_start.append(began)
    trace.on_request_end.append(ended)
    patience = aiohttp.ClientTimeout(total=15)
    async with aiohttp.ClientSession(outside.url, timeout=patience, trace_configs=[trace]) as outside.http:
        # A request sent again unasked would be counted once and take effect twice.
        outside.http._retry_connection = False
        yield outside
