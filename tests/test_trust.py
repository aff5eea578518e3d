"""A company's own authority is trusted alike on every Python, whatever the default of a newer one asks of it."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from authority import Authority
from devmesh.client.address import Address
from devmesh.client.failure import Away
from devmesh.client.wire import send
from devmesh.limits.remote import fault
from devmesh.settings import RedisUrl
from devmesh.trust import trusting

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
Listen = Callable[[Talk], Awaitable[int]]


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """An authority that the default of Python 3.13, which holds here, refuses."""
    usual = ssl.create_default_context

    def strict() -> ssl.SSLContext:
        context = usual()
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        return context

    monkeypatch.setattr(ssl, "create_default_context", strict)
    monkeypatch.setattr(ssl, "_create_default_https_context", strict)
    return Authority(tmp_path)


@pytest.fixture
async def listen(authority: Authority) -> AsyncIterator[Listen]:
    """Starts a server of TLS at localhost, with a certificate of the authority, and gives its port."""
    servers = []

    async def start(talk: Talk) -> int:
        async def once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await talk(reader, writer)
            writer.close()

        servers.append(await asyncio.start_server(once, "127.0.0.1", 0, ssl=authority.server_context()))
        return int(servers[-1].sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()


async def of_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n")


async def of_redis(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        if line.startswith(b"*"):
            writer.write(b"+OK\r\n")


async def test_a_command_trusts_an_authority_that_is_named_and_no_other(
    listen: Listen, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    address = Address.of(f"https://localhost:{await listen(of_http)}")
    with pytest.raises(Away, match="is not trusted"):
        await asyncio.to_thread(send, address, "GET", "/", {})
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert (await asyncio.to_thread(send, address, "GET", "/", {})).status == 204


async def test_the_limits_trust_a_redis_of_an_authority_that_is_named_and_no_other(
    listen: Listen, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    url = RedisUrl("localhost", await listen(of_redis), tls=True)
    assert "certificate" in (await fault(url) or "")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert await fault(url) is None


async def test_a_certificate_is_trusted_for_its_own_name_alone(
    listen: Listen, authority: Authority, monkeypatch: pytest.MonkeyPatch
):
    port = await listen(of_http)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    with pytest.raises(ssl.SSLCertVerificationError, match="IP address mismatch"):
        await asyncio.open_connection("127.0.0.1", port, ssl=trusting())
    _, writer = await asyncio.open_connection("localhost", port, ssl=trusting())
    writer.close()
