"""What a machine with Debian's packages adds: PostgreSQL 15 and PgBouncer, and real processes of ours on them."""

from __future__ import annotations

import base64
import contextlib
import ipaddress
import json
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devmesh.demo.github import GitHub
from devmesh.demo.served import Served
from running import Mesh, Organization
from system.cluster import Address, Cluster
from system.pooler import Pooler

MASTER_KEY = base64.b64encode(bytes(range(32))).decode()
TOKEN = "ghp_adas_token_000000"
ISSUE = {"owner": "my-org", "repo": "my-repo", "title": "New feature request"}


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    directory = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1")), x509.DNSName("localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=12))
        .add_extension(names, critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "cert.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (directory / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return directory / "cert.pem", directory / "key.pem"


@pytest.fixture(scope="session")
def cluster(certificate: tuple[Path, Path]) -> Iterator[Cluster]:
    """A PostgreSQL 15 that is not ours to start or stop."""
    with Cluster(*certificate) as cluster:
        yield cluster


@pytest.fixture(scope="session")
def pooler(cluster: Cluster) -> Iterator[Pooler]:
    """A PgBouncer before it, in transaction pooling mode."""
    with Pooler(cluster) as pooler:
        yield pooler


@pytest.fixture
def database(cluster: Cluster) -> Address:
    """An empty database whose owner may make roles."""
    return cluster.new_database()


@dataclass
class Installation(Mesh):
    """A gateway in a process of its own, as a client sees it."""

    served: Served

    def log(self) -> str:
        return self.served.log.read_text()

    async def walk(self, github: GitHub) -> Organization:
        """Register, make a key, store a token, call a tool with them, read its record."""
        organization = await self.organization()
        key = await organization.new_key(key_type="user", scopes=["read", "write"])
        await organization.connect(github, TOKEN, key=key)
        result = await organization.call("github.create_issue", ISSUE, key=key)
        assert result["structuredContent"]["user"]["login"] == "ada"
        _, audit = await organization.ask("GET", "/api/v1/audit?action=tool.call")
        entry = next(entry for entry in audit["entries"] if entry["id"] == result["_meta"]["receipt"]["id"])
        assert (entry["outcome"], entry["tool"]) == ("ok", "github.create_issue")
        return organization


@dataclass
class Machine:
    """Where processes of ours are started, each over a data directory of its own."""

    directory: Path
    stack: contextlib.AsyncExitStack

    def settings(self, url: str | None, **others: str) -> dict[str, str]:
        plans = self.directory / "plans.json"
        plans.write_text(json.dumps({"rate_limits": {"default": {"requests_per_minute": 60000, "burst": 60000}}}))
        given = {"DEVMESH_UPSTREAM_ALLOW": "127.0.0.0/8", "DEVMESH_PLANS_FILE": str(plans)}
        if url is not None:
            given |= {"DEVMESH_DATABASE_URL": url, "DEVMESH_MASTER_KEY": MASTER_KEY}
        return given | others

    async def serve(self, url: str | None, *, trust: Path | None = None, **others: str) -> Installation:
        """Start `devmesh serve` and return when it answers; `trust` is the certificate to expect over https."""
        own = self.directory / f"installation-{len(list(self.directory.glob('installation-*'))) + 1}"
        own.mkdir()
        served = self.stack.enter_context(Served(own, self.settings(url, **others)))
        address = served.url if trust is None else served.url.replace("http:", "https:")
        context = ssl.create_default_context(cafile=trust) if trust else True
        connector = aiohttp.TCPConnector(ssl=context, limit=0)
        http = await self.stack.enter_async_context(aiohttp.ClientSession(address, connector=connector))
        return Installation(address, None, served.data_dir, http, served)  # type: ignore[arg-type]

    def refused(self, url: str, *words: str, **settings: str) -> str:
        """Have `devmesh serve` refuse to start, with one line that holds all these words, and without the password."""
        code, said = self.run("serve", "--port", "0", url=url, **settings)
        assert code == 1, said
        assert "Traceback" not in said
        errors = [line for line in said.splitlines() if " ERROR " in line or " CRITICAL " in line]
        assert [line for line in errors if all(word in line for word in words)], said
        assert urlsplit(url).password not in said
        return said

    def run(self, *command: str, url: str | None, **others: str) -> tuple[int, str]:
        """Run `devmesh …` to its end; return its exit code and all that it said."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith("DEVMESH_")}
        settings = {"DEVMESH_DATA_DIR": str(self.directory / "data"), **self.settings(url, **others)}
        done = subprocess.run(
            [sys.executable, "-c", "import devmesh.cli; raise SystemExit(devmesh.cli.main())", *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
            env=environ | settings,
        )
        return done.returncode, done.stdout + done.stderr


@pytest.fixture
async def machine(tmp_path: Path) -> AsyncIterator[Machine]:
    """A machine to install on."""
    async with contextlib.AsyncExitStack() as stack:
        yield Machine(tmp_path, stack)
