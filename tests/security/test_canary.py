"""Secrets planted through every input are found nowhere: no reply, log, file of the database, metric or mail."""

from __future__ import annotations

import base64
import logging
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

if TYPE_CHECKING:
    from devmesh.db.embedded import Embedded
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization


class Canaries:
    """Marked secrets by the input that they went through, in every spelling that a leak could have."""

    def __init__(self) -> None:
        self.planted: dict[str, str] = {}

    def new(self, place: str, prefix: str = "") -> str:
        self.planted[place] = f"{prefix}Canary{secrets.token_hex(16)}"
        return self.planted[place]

    def found_in(self, haystack: bytes) -> list[str]:
        return [
            place for place, canary in self.planted.items() if any(needle in haystack for needle in spellings(canary))
        ]


def spellings(canary: str) -> Iterator[bytes]:
    core = canary[canary.index("Canary") :].encode()
    yield core
    yield core[::-1]
    yield core.hex().encode()
    for start in range(3):
        # Base64 of whatever stands around it holds one of these three.
        yield base64.b64encode(b"\0" * start + core)[4:-4]


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> pytest.LogCaptureFixture:
    caplog.set_level(logging.DEBUG)
    return caplog


async def raw(mesh: Mesh, method: str, path: str, **options: Any) -> bytes:
    async with mesh.http.request(method, path, **options) as reply:
        return repr(sorted(reply.headers.items())).encode() + await reply.read()


async def test_planted_secrets_are_found_nowhere(
    mesh: Mesh,
    organization: Organization,
    github: GitHub,
    postgres: Embedded,
    logged: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
):
    canaries = Canaries()
    replies = b""
    token, passed = canaries.new("stored token", "ghp_"), canaries.new("passed-through token", "ghp_")
    github.logins |= {token: "ada", passed: "bo"}

    # The gateway's own secrets: a password, the keys that it shows once.
    slug = f"org-{secrets.token_hex(6)}"
    password = canaries.new("password", "Aa1")
    body = {
        "organization_name": "Canary Keepers",
        "organization_slug": slug,
        "admin_email": f"a@{slug}.example",
        "admin_name": "Ada",
        "admin_password": password,
    }
    replies += await raw(mesh, "POST", "/api/v1/auth/register/organization", json={**body, "organization_slug": "?"})
    replies += await raw(mesh, "POST", "/api/v1/auth/register/organization", json={**body, "extra": password})
    replies += await raw(mesh, "POST", "/api/v1/auth/register/organization", json=body)
    replies += await raw(mesh, "POST", "/api/v1/auth/email/verify", json={"token": canaries.new("mailed token")})

    # Credentials: stored, refused in every way, used, echoed by the service, failing.
    for credential in (
        {"service_type": "github", "credentials": {"token": token}, "metadata": {"base_url": github.url}},
        {"service_type": "github", "credentials": {"token": canaries.new("bad credential"), "nonsense": "x"}},
        {"service_type": "github", "credentials": {"tokn": canaries.new("misnamed field")}},
        {"service_type": "github", "credentials": {"token": canaries.new("newline") + "\n"}},
        {"service_type": "github", "credentials": canaries.new("credentials as text")},
        {"service_type": "nowhere", "credentials": {"token": canaries.new("unknown service")}},
        {
            "service_type": "github",
            "credentials": {"token": canaries.new("base url refused")},
            "metadata": {"base_url": "http://10.1.2.3"},
        },
    ):
        replies += repr(await organization.ask("POST", "/api/v1/credentials", credential)).encode()
    for answer in (
        None,
        lambda received: (200, {"echo": dict(received.headers)}, {"x-echo": received.headers["authorization"]}),
        lambda received: (422, {"message": received.headers["authorization"]}, {}),
        lambda received: (500, received.headers["authorization"].encode(), {"content-type": "text/html"}),
        lambda received: (302, {}, {"location": f"http://127.0.0.1:1/?t={quote(received.headers['authorization'])}"}),
    ):
        github.answer = answer or (lambda _received: None)
        for headers in ({}, {"X-Service-GitHub-Token": passed, "X-Service-GitHub-Base-Url": github.url}):
            arguments = {"owner": "o", "repo": "r", "issue_number": 1}
            replies += repr(await organization.call("github.get_issue", arguments, headers=headers)).encode()
            body = {"arguments": arguments}
            path = "/api/v1/tools/github.get_issue/execute"
            replies += repr(await organization.ask("POST", path, body, headers=headers)).encode()
    replies += repr(await organization.ask("POST", "/api/v1/credentials/github/validate")).encode()
    await organization.ask("DELETE", "/api/v1/credentials/github")
    github.answer = lambda received: (422, {"message": received.headers["authorization"]}, {})
    passing = {"X-Service-GitHub-Token": passed, "X-Service-GitHub-Base-Url": github.url}
    replies += repr(await organization.call("github.get_authenticated_user", headers=passing)).encode()

    # Where a key does not belong: query, cookie, path, another header, a body that is no JSON.
    for options in (
        {"params": {"token": canaries.new("query")}},
        {"headers": {"Cookie": f"session={canaries.new('cookie')}"}},
        {"headers": {"Authorization": f"Bearer {canaries.new('bearer', 'usr_')}"}},
        {"headers": {"Authorization": f"Basic {canaries.new('basic')}"}},
        {"headers": {"X-API-Key": canaries.new("api key header")}},
        {"headers": {"X-API-Key": canaries.new("one"), "Authorization": f"Bearer {canaries.new('two')}"}},
        {"headers": {"Authorization": f"Bearer {organization.key}", "X-Tenant-ID": canaries.new("tenant")}},
    ):
        replies += await raw(mesh, "GET", "/api/v1/auth/profile", **options)
        replies += await raw(mesh, "POST", "/mcp", **{**options, "json": {"jsonrpc": "2.0", "id": 1, "method": "ping"}})
    headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
    cut = f'{{"token": "{canaries.new("cut body")}'
    replies += await raw(mesh, "POST", "/api/v1/credentials", data=cut, headers=headers)

    # What is read back.
    for path in ("/api/v1/audit", "/api/v1/api-keys", "/api/v1/credentials", "/metrics", "/openapi.json"):
        replies += await raw(mesh, "GET", path, headers=headers)
    await mesh.app.audit.flush()
    await mesh.app.verifier.uses.flush()

    assert canaries.found_in(replies) == []
    captured = capfd.readouterr()
    assert canaries.found_in((logged.text + captured.out + captured.err).encode()) == []
    assert organization.key.encode() not in logged.text.encode()
    # Whatever was committed stands in the write-ahead log, which is among these files.
    for file, content in _files(postgres.data_dir, mesh.data_dir):
        assert canaries.found_in(content) == [], file
        # The server's log and write-ahead log hold no key either.
        assert organization.key[8:].encode() not in content, file


def _files(*directories: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file and what it holds; also those that the server gives another name while we look."""
    seen: set[Path] = set()
    is_whole = False
    while not is_whole:
        is_whole = True
        for file in [file for directory in directories for file in directory.rglob("*")]:
            if file in seen or not file.is_file():
                continue
            try:
                content = file.read_bytes()
            except FileNotFoundError:
                is_whole = False
                continue
            seen.add(file)
            yield file, content


async def test_a_canary_that_leaks_would_be_found():
    canaries = Canaries()
    secret = canaries.new("somewhere", "ghp_")
    assert canaries.found_in(b"x" + secret.encode() + b"y") == ["somewhere"]
    for before in range(3):
        wrapped = base64.b64encode(b"-" * before + f"ghp_{secret}".encode() + b"tail")
        assert canaries.found_in(wrapped) == ["somewhere"]
    assert canaries.found_in(secret.encode().hex().encode()) == ["somewhere"]
    assert canaries.found_in(b"nothing") == []
