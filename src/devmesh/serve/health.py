"""A worker's look at itself from outside, before it says that it is ready."""

from __future__ import annotations

import asyncio
import contextlib
import ssl

from devmesh.settings import Settings

_TRIES = 100
_PAUSE_SECONDS = 0.05


async def healthy(settings: Settings, stopping: asyncio.Event) -> bool:
    """Whether GET /healthz answers 200 within a few seconds, or False as soon as `stopping` is set."""
    for _ in range(_TRIES):
        if stopping.is_set():
            return False
        with contextlib.suppress(OSError, TimeoutError, asyncio.IncompleteReadError):
            async with asyncio.timeout(5):
                if await status(settings) == b"200":
                    return True
        await asyncio.sleep(_PAUSE_SECONDS)
    return False


async def status(settings: Settings) -> bytes:
    """Return the status of one GET /healthz over the network; raises OSError."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104 - compared, not bound
    tls = None
    if settings.tls_cert is not None:
        # Our own certificate names the public host, which need not be this one.
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        tls.check_hostname = False
        tls.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(host, settings.port, ssl=tls)
    try:
        writer.write(f"GET /healthz HTTP/1.1\r\nHost: localhost:{settings.port}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        line = await reader.readuntil(b"\r\n")
        return line.split(b" ")[1]
    finally:
        writer.close()
