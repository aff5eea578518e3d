"""What goes wrong between a command and its server: one sentence, an exit code, no hang and no secret."""

from __future__ import annotations

import asyncio
import json
import signal
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devmesh.client import wire
from devmesh.client.address import Address
from devmesh.client.failure import Away, Failed
from devmesh.client.server import Nobody, Server
from hostile import Hostile, reply
from ports import free_port

if TYPE_CHECKING:
    from running import Organization
    from shell import Shell

KEY = "usr_" + "k" * 43
REFUSAL = b'{"message": "Bad credentials", "status": "401"}'
HTML = b"<!doctype html><title>Sign in</title>"
LIMITED = {"status": 429, "code": "rate_limit_exceeded", "detail": "Too many requests.", "hint": "Wait."}
AWAY = {"status": 502, "code": "upstream_name_not_resolved", "detail": "jira.example could not be resolved."}
DOWN = {"status": 503, "code": "unavailable", "detail": "The database is away.", "hint": "Try again."}


def problem(status: str, document: object, **headers: str) -> bytes:
    return reply(status, json.dumps(document).encode(), "application/problem+json", **headers)


def echo(request: bytes) -> bytes:
    """Answer as a careless server does: with what it was sent."""
    sent = request.decode().partition("Authorization: ")[2].partition("\r")[0]
    return problem("403 Forbidden", {"code": "forbidden", "detail": f"Not for {sent}.", "hint": f"Not {sent}"})


# What answers, the exit code, and what is said.
ANSWERS: dict[str, tuple[Callable[[bytes], bytes] | bytes, int, str]] = {
    "a web page": (reply("200 OK", HTML, "text/html; charset=utf-8"), 5, "a web page, not JSON"),
    "a web page that says 404": (reply("404 Not Found", HTML, "text/html"), 5, "a web page, not JSON"),
    "plain text": (reply("200 OK", b"ok", "text/plain"), 5, "plain text, not JSON"),
    "another program's JSON": (reply("200 OK", b'{"hello": "world"}'), 5, "The answer lacks '"),
    "a list of no list": (reply("200 OK", b'{"api_keys": 5}'), 5, "The answer lacks '"),
    "a list": (reply("200 OK", b"[]"), 5, "is no Developer Mesh (200)."),
    "another program's refusal": (reply("401 Unauthorized", REFUSAL), 5, "is no Developer Mesh (401).\n  next: Is"),
    "a proxy's 503 in JSON": (reply("503 Service Unavailable", REFUSAL), 5, "not available now (503)"),
    "JSON cut off where it says so": (reply("200 OK", b'{"name": "A'), 5, "no whole JSON"),
    "a body cut short": (reply("200 OK", b'{"name": "Ada"}').replace(b"Length: 15", b"Length: 99"), 5, "cut short"),
    "a chunked body cut short": (
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{",
        5,
        "cut short",
    ),
    "nothing": (b"", 5, "ended the connection without an answer"),
    "no HTTP": (b"220 mail.example ESMTP\r\n", 5, "does not speak HTTP"),
    "a redirect": (reply("302 Found", b"", Location=f"http://evil.example/?{KEY}"), 5, "sends elsewhere (302)"),
    "a proxy's 502": (reply("502 Bad Gateway", HTML, "text/html"), 5, "not available now (502)"),
    "a proxy's 503": (reply("503 Service Unavailable", HTML, "text/html"), 5, "not available now (503)"),
    "our 503": (problem("503 Service Unavailable", DOWN, Retry_After="5"), 5, "The database is away."),
    "a service that is away": (problem("502 Bad Gateway", AWAY), 1, "could not be resolved"),
    "a service at rest": (problem("503 Service Unavailable", {**AWAY, "code": "upstream_resting"}), 1, "resolved"),
    "a limit that lasts": (problem("429 Too Many Requests", LIMITED, Retry_After="3600"), 6, "Too many requests."),
    "a limit without a time": (problem("429 Too Many Requests", LIMITED), 6, "Too many requests."),
    "a limit with nonsense": (problem("429 Too Many Requests", LIMITED, Retry_After="-1"), 6, "Too many requests."),
    "what it was sent": (echo, 3, "Not for Bearer [hidden]."),
    "deep JSON": (reply("200 OK", b"[" * 100_000), 5, "no whole JSON"),
    "escape codes": (
        problem("409 Conflict", {"code": "conflict", "detail": "\x1b[2J\x9b2J\u202eowned"}), 1, "\\x1b[2J\\x9b2J\\u202e"
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ANSWERS)
async def test_what_is_no_good_answer_is_one_clear_error(shell: Shell, name: str):
    answer, code, said = ANSWERS[name]
    async with Hostile(answer if callable(answer) else lambda _: answer) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": KEY}
        begun = time.monotonic()
        ran = await shell.run("keys", "list")
        assert time.monotonic() - begun < 50
    assert (ran.code, ran.out) == (code, ""), ran.err
    assert said in ran.err
    assert ran.err.count("devmesh: ") == 1
    assert KEY not in ran.err
    assert "Traceback" not in ran.err


async def test_a_server_that_is_down_is_said_with_the_next_step(shell: Shell):
    port = free_port()
    shell.environ |= {"DEVMESH_URL": f"http://127.0.0.1:{port}", "DEVMESH_API_KEY": KEY}
    ran = await shell.run("whoami")
    assert (ran.code, f"Nothing answers at http://127.0.0.1:{port}." in ran.err) == (5, True)
    assert "devmesh serve" in ran.err


async def test_a_host_that_there_is_none_of_is_said(shell: Shell):
    shell.environ |= {"DEVMESH_URL": "https://no-such-host.invalid", "DEVMESH_API_KEY": KEY}
    ran = await shell.run("whoami")
    assert (ran.code, "There is no host 'no-such-host.invalid'." in ran.err) == (5, True)


async def test_a_server_without_tls_is_said(shell: Shell, organization: Organization):
    shell.environ |= {"DEVMESH_URL": organization.mesh.url.replace("http", "https"), "DEVMESH_API_KEY": KEY}
    ran = await shell.run("whoami")
    assert (ran.code, "There is no TLS" in ran.err) == (5, True), ran.err


@pytest.mark.parametrize("drip", [0, 0.05])
async def test_a_server_that_falls_silent_or_drips_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch, drip: float
):
    whole = reply("200 OK", b'{"name": "Ada"}' + b" " * 1000)
    monkeypatch.setattr(wire, "SILENCE_SECONDS", 0.5)
    async with Hostile(lambda _: whole[:40] if not drip else whole, silent=True, drip=drip) as server:
        begun = time.monotonic()
        asking = Server(Address.of(server.url), Nobody(), whole_seconds=1.0)
        with pytest.raises(Away, match=r"did not answer whole within \d+ s"):
            await asyncio.to_thread(asking.ask, "GET", "/health")
        assert time.monotonic() - begun < 30


async def test_of_a_write_whose_answer_is_lost_it_is_said_that_nobody_knows(shell: Shell):
    async with Hostile(lambda _: b"") as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": KEY}
        ran = await shell.run("keys", "create", "mine")
        assert len(server.requests) == 1
    assert (ran.code, "not known: look before you repeat it" in ran.err) == (5, True)


@pytest.mark.parametrize(("words", "doubted"), [(("keys", "create", "mine"), True), (("keys", "list"), False)])
async def test_ctrl_c_ends_at_once_and_of_a_write_it_is_said_that_nobody_knows(
    shell: Shell,
    words: tuple[str, ...],
    doubted: bool,  # noqa: FBT001 - a column of the table
):
    arrived = asyncio.Event()

    def kept_waiting(_: bytes) -> bytes:
        arrived.set()
        return b""

    async with asyncio.timeout(60), Hostile(kept_waiting, silent=True) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": KEY}
        process = await shell.start(*words)
        # Not before: an interrupted connection has done nothing.
        await arrived.wait()
        process.send_signal(signal.SIGINT)
        out, err = await process.communicate()
    assert (process.returncode, out, b"Traceback" in err) == (130, b"", False)
    assert (b"Stopped. Whether it was done is not known" in err) == doubted, err


@pytest.mark.parametrize(
    "url",
    ["http://mesh.example.com", "http://10.0.0.1:8081", "http://127.0.0.1.example.com", "http://localhost.example"],
)
@pytest.mark.parametrize("command", [("whoami",), ("ide", "add", "cursor", "--yes")])
async def test_nothing_goes_to_another_machine_unencrypted(shell: Shell, url: str, command: tuple[str, ...]):
    shell.environ |= {"DEVMESH_API_KEY": KEY}
    ran = await shell.run(*command, "--url", url)
    assert (ran.code, "unencrypted" in ran.err, "--insecure" in ran.err) == (2, True, True)


@pytest.mark.parametrize(
    "url",
    [
        "localhost:8081",
        "ftp://localhost",
        "http://[::1",
        "x",
        "http://localhost:99999",
        "http://localhost:8081/mcp",
        "http://localhost:8081/api/v1",
        "https://mesh.example.com?key=1",
        "https://me:hunter2@mesh.example.com",
        "http://",
        "https://mesh example.com",
    ],
)
async def test_a_wrong_address_is_refused_with_an_example_and_without_its_password(shell: Shell, url: str):
    shell.environ |= {"DEVMESH_URL": url, "DEVMESH_API_KEY": KEY}
    ran = await shell.run("whoami")
    assert (ran.code, "http://localhost:8081" in ran.err) == (2, True), ran.err
    assert "hunter2" not in ran.err
    assert "Traceback" not in ran.err


def test_every_way_to_write_this_machine_is_taken_and_insecure_takes_the_rest():
    for url in ("http://localhost:8081/", "http://127.0.0.1", "http://[::1]:8081", "HTTPS://Mesh.example.com"):
        assert Address.of(url).url
    assert Address.of("https://Mesh.Example.com:443/").url == "https://mesh.example.com"
    assert Address.of("http://10.0.0.1:8081", insecure=True).url == "http://10.0.0.1:8081"


async def test_a_revoked_key_and_a_mistyped_one_end_with_3_and_the_next_step(shell: Shell, organization: Organization):
    key = await organization.new_key(key_type="user")
    shell.environ["DEVMESH_API_KEY"] = key
    [found] = [one for one in (await shell.run("keys", "list")).json["api_keys"] if key.startswith(one["key_prefix"])]
    await organization.ask("DELETE", f"/api/v1/api-keys/{found['id']}")
    for given in (key, KEY, key[:-1]):
        shell.environ["DEVMESH_API_KEY"] = given
        ran = await shell.run("whoami")
        assert (ran.code, "DEVMESH_API_KEY was revoked" in ran.err) == (3, True), ran.err
        assert given not in ran.err


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb"])
async def test_what_cannot_be_a_key_is_sent_nowhere(shell: Shell, key: str):
    shell.environ["DEVMESH_API_KEY"] = key
    ran = await shell.run("whoami")
    assert (ran.code, "holds no key" in ran.err, key in ran.err) == (2, True, False)


async def test_a_short_limit_is_waited_out(shell: Shell, organization: Organization):
    shell.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="user", rate_limit=1, rate_window=2)
    assert [(await shell.run("whoami")).code for _ in range(3)] == [0, 0, 0]


@pytest.fixture
async def tls_server(tmp_path: Path) -> AsyncIterator[str]:
    """A server of TLS whose certificate, `certificate.pem` of the directory, nobody signed but itself."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mesh")])
    now, alternative = datetime.now(UTC), x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))])
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    made = made.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=1))
    certificate = made.add_extension(alternative, critical=False).sign(key, hashes.SHA256())
    form = serialization.Encoding.PEM
    (tmp_path / "certificate.pem").write_bytes(certificate.public_bytes(form))
    private = key.private_bytes(form, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (tmp_path / "key.pem").write_bytes(private)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(problem("401 Unauthorized", {"code": "invalid_api_key", "detail": "Unknown."}))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=context)
    yield f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


async def test_a_certificate_that_nobody_vouches_for_is_refused_before_the_key_is_sent(tls_server: str, shell: Shell):
    shell.environ |= {"DEVMESH_URL": tls_server, "DEVMESH_API_KEY": KEY}
    ran = await shell.run("whoami", "--insecure")
    assert (ran.code, "is not trusted" in ran.err, "SSL_CERT_FILE" in ran.err) == (5, True, True), ran.err
    shell.environ["SSL_CERT_FILE"] = str(shell.home / "certificate.pem")
    trusted = await shell.run("whoami")
    assert (trusted.code, "Unknown." in trusted.err) == (3, True), trusted.err


def test_an_error_shows_no_secret_that_it_was_made_with():
    assert KEY not in repr(Failed("x")) + repr(Server(Address.of("http://localhost"), Nobody()))
