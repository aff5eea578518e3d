"""https by the server itself."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path
from typing import TYPE_CHECKING

import aiohttp
import pytest

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from system.cluster import Address
    from system.conftest import Machine


async def test_the_whole_way_over_https(
    machine: Machine, database: Address, certificate: tuple[Path, Path], github: GitHub
):
    cert, key = certificate
    settings = {"DEVMESH_TLS_CERT": str(cert), "DEVMESH_TLS_KEY": str(key)}
    installation = await machine.serve(database.url(), trust=cert, **settings)
    assert installation.url.startswith("https:")
    await installation.walk(github)
    async with asyncio.timeout(60):
        while not (mails := list((installation.data_dir / "outbox").glob("*.eml"))):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.05)
    mail = mails[0].read_text()
    assert f"https://localhost:{installation.served.port}/verify#token=" in mail
    port = installation.served.port
    said = machine.run("doctor", "--port", str(port), url=database.url(), **settings)[1]
    assert "Developer Mesh answers there" in said
    assert f"https with the certificate {cert}" in said
    # Plain http finds nobody.
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            await http.get(f"http://127.0.0.1:{port}/healthz")


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_tls_is_spoken_in_versions_that_are_safe(
    machine: Machine, database: Address, certificate: tuple[Path, Path], version: ssl.TLSVersion
):
    cert, key = certificate
    settings = {"DEVMESH_TLS_CERT": str(cert), "DEVMESH_TLS_KEY": str(key)}
    installation = await machine.serve(database.url(), trust=cert, **settings)
    context = ssl.create_default_context(cafile=cert)
    context.minimum_version = context.maximum_version = version
    _, writer = await asyncio.open_connection("localhost", installation.served.port, ssl=context)
    assert writer.get_extra_info("ssl_object").version() == version.name.replace("_", ".")
    writer.close()
    await writer.wait_closed()


@pytest.mark.parametrize("given", ["DEVMESH_TLS_CERT", "DEVMESH_TLS_KEY"])
def test_one_without_the_other_is_refused(
    machine: Machine, database: Address, certificate: tuple[Path, Path], given: str
):
    machine.refused(database.url(), "belong together", **{given: str(certificate[0])})


def test_a_certificate_that_is_none_is_refused(machine: Machine, database: Address, certificate: tuple[Path, Path]):
    settings = {"DEVMESH_TLS_CERT": str(certificate[1]), "DEVMESH_TLS_KEY": str(certificate[1])}
    machine.refused(database.url(), "DEVMESH_TLS_CERT", **settings)


def test_another_certificates_key_is_refused(
    machine: Machine, database: Address, certificate: tuple[Path, Path], tmp_path: Path
):
    wrong = tmp_path / "key.pem"
    wrong.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    machine.refused(database.url(), "DEVMESH_TLS_KEY", DEVMESH_TLS_CERT=str(certificate[0]), DEVMESH_TLS_KEY=str(wrong))
