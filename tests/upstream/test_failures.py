import asyncio
import os
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from devmesh.settings import AllowEntry
from devmesh.upstream.errors import (
    NameNotResolved,
    OutcomeUnknown,
    RedirectRefused,
    ResponseTooLarge,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from devmesh.upstream.message import message_of
from devmesh.upstream.origin import base_of
from devmesh.upstream.wire import Request
from ports import free_port

READ = Request(method="GET", path="/x")
WRITE = Request(method="POST", path="/x", json={})
HEAD = b"HTTP/1.1 201 Created\r\ncontent-length: 200000\r\n\r\n"
MUCH = b"x" * 100_000


def refusing() -> tuple[AllowEntry, str]:
    """Return a place where nobody listens, opened."""
    port = free_port()
    return AllowEntry(None, "127.0.0.1", port, None), f"http://127.0.0.1:{port}"


def resolving(*addresses: str):
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        return list(addresses)

    return resolve


async def test_a_refused_connection_is_provably_unsent(sender):
    entry, url = refusing()
    with pytest.raises(UpstreamUnreachable, match="refused the connection") as caught:
        await sender(allow=(entry,)).send(WRITE, base_url=url, organization="acme")
    assert caught.value.code == "upstream_unreachable"


async def test_the_words_of_an_unsent_cause_in_the_path_prove_nothing(loopback, sender):
    service = await loopback.serve(loopback.broken())
    request = Request(method="POST", path="/client%20error%20(Connect)/client+error+(Connect)")
    with pytest.raises(OutcomeUnknown):
        await sender(service).send(request, base_url=service.url, organization="acme")


@pytest.mark.parametrize("pieces", [(), (b"HTTP/1.1 20",), (b"nonsense\r\n\r\n",), (HEAD, b"abc"), (HEAD + MUCH,)])
async def test_a_connection_that_breaks_after_the_request_leaves_the_outcome_unknown(loopback, sender, pieces):
    service = await loopback.serve(loopback.broken(*pieces))
    with pytest.raises(OutcomeUnknown) as caught:
        await sender(service).send(WRITE, base_url=service.url, organization="acme")
    assert (caught.value.code, caught.value.status) == ("upstream_outcome_unknown", 502)
    assert "may have happened" in caught.value.hint
    assert len(service.received) == 1
    with pytest.raises(OutcomeUnknown) as caught:
        await sender(service).send(READ, base_url=service.url, organization="acme")
    assert "send it again" in caught.value.hint


async def test_a_connection_that_is_accepted_and_dropped_unread_leaves_the_outcome_unknown(sender):
    def drop(listener: socket.socket) -> None:
        with listener.accept()[0] as connection:
            # A reset that comes before anything was written is provably unsent.
            connection.recv(1, socket.MSG_PEEK)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        dropping = asyncio.create_task(asyncio.to_thread(drop, listener))
        port = listener.getsockname()[1]
        one = sender(allow=(AllowEntry(None, "127.0.0.1", port, None),))
        with pytest.raises(OutcomeUnknown):
            await one.send(WRITE, base_url=f"http://127.0.0.1:{port}", organization="acme")
        await dropping


async def test_a_kept_connection_that_is_dropped_under_a_write_is_not_tried_again(loopback, sender):
    service = await loopback.serve(loopback.http(), loopback.broken())
    one = sender(service)
    await one.send(WRITE, base_url=service.url, organization="acme")
    with pytest.raises(OutcomeUnknown):
        await one.send(WRITE, base_url=service.url, organization="acme")
    assert (len(service.received), service.connections) == (2, 1)


@pytest.mark.parametrize("pieces", [(b"", b"late"), (HEAD, b"abc"), (HEAD + MUCH, b""), (HEAD, *[b"a"] * 10)])
async def test_an_answer_that_does_not_come_in_time_is_cut_off(loopback, sender, pieces):
    service = await loopback.serve(loopback.raw(*pieces, pause=0.2 if len(pieces) > 3 else 30))
    began = time.monotonic()
    with pytest.raises(UpstreamTimeout) as caught:
        await sender(service).send(WRITE, base_url=service.url, organization="acme", timeout=4)
    assert time.monotonic() - began < 20
    assert (caught.value.code, caught.value.status) == ("upstream_outcome_unknown", 504)
    assert ("answered 201" in str(caught.value)) == pieces[0].startswith(HEAD)


async def test_no_error_repeats_the_path_or_the_credential(loopback, sender):
    service = await loopback.serve(loopback.broken())
    request = Request(method="POST", path="/hidden", query={"q": "hidden"}, json="hidden")
    with pytest.raises(OutcomeUnknown) as caught:
        await sender(service).send(request, base_url=service.url, organization="acme", headers={"x-token": "hidden"})
    assert "hidden" not in f"{caught.value} {caught.value.detail} {caught.value.hint} {caught.value.extra}"


def test_a_message_shows_neither_its_path_nor_its_credential():
    request = Request(method="POST", path="/hidden", json="hidden", headers={"x": "hidden"})
    message = message_of(request, base_of("https://a.example/hidden"), {"authorization": "hidden"})
    assert repr(message) == "Message(POST a.example:443)"


async def test_a_caller_who_gives_up_ends_the_request(loopback, sender):
    service = await loopback.serve(loopback.raw(b"", b"late", pause=60))
    one = sender(service)
    asking = asyncio.create_task(one.send(READ, base_url=service.url, organization="acme"))
    while not service.received:  # noqa: ASYNC110 - a service's list
        await asyncio.sleep(0.01)
    assert one._clients._opened
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    async with asyncio.timeout(20):  # an idle connection would end by itself, but later
        while one._clients._opened:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    assert len(service.received) == 1


async def test_a_caller_who_gives_up_as_the_answer_comes_ends_no_one_elses_connection(loopback, sender):
    service = await loopback.serve()
    one = sender(service)
    client = one._clients.to(base_of(service.url).origin, "127.0.0.1", "acme")
    free = client._free
    tasks = []

    def freed(connection) -> None:
        free(connection)
        if len(tasks) == 1:
            tasks[0].cancel()
            tasks.append(asyncio.create_task(one.send(WRITE, base_url=service.url, organization="acme")))

    client._free = freed
    tasks.append(asyncio.create_task(one.send(READ, base_url=service.url, organization="acme")))
    with pytest.raises(asyncio.CancelledError):
        await tasks[0]
    assert (await tasks[1]).body == b"{}"
    assert service.connections == 1


async def test_the_next_address_is_tried_when_the_first_takes_no_connection_and_remembered(loopback, sender):
    service = await loopback.serve(host="127.0.0.2", port=free_port())
    one = sender(
        allow=(AllowEntry(None, "two.example", service.port, None),), resolve=resolving("127.0.0.1", "127.0.0.2")
    )
    for _ in range(3):
        await one.send(WRITE, base_url=f"http://two.example:{service.port}", organization="acme")
    assert (len(service.received), service.connections) == (3, 1)
    origin = base_of(f"http://two.example:{service.port}").origin
    assert one._guard.known(origin, "acme").addresses == ("127.0.0.2", "127.0.0.1")


async def test_the_next_address_is_not_tried_when_the_first_may_have_taken_the_request(loopback, sender):
    first = await loopback.serve(loopback.broken(), port=free_port())
    second = await asyncio.start_server(lambda _r, w: w.close(), "127.0.0.2", first.port)
    one = sender(
        allow=(AllowEntry(None, "two.example", first.port, None),), resolve=resolving("127.0.0.1", "127.0.0.2")
    )
    with pytest.raises(OutcomeUnknown):
        await one.send(WRITE, base_url=f"http://two.example:{first.port}", organization="acme")
    assert [address for _, _, address in one._clients._clients] == ["127.0.0.1"]
    second.close()


async def test_a_name_without_an_address_is_provably_unsent(sender):
    one = sender(resolve=resolving())
    with pytest.raises(NameNotResolved) as caught:
        await one.send(WRITE, base_url="https://no.example", organization="acme")
    assert isinstance(caught.value, UpstreamUnreachable)


async def test_closing_ends_the_requests_that_are_under_way(loopback, sender):
    service = await loopback.serve(loopback.raw(b"", b"late", pause=60))
    one = sender(service)
    task = asyncio.create_task(one.send(WRITE, base_url=service.url, organization="acme"))
    while not service.received:  # noqa: ASYNC110 - a service's list
        await asyncio.sleep(0.01)
    await one.close()
    with pytest.raises(OutcomeUnknown):
        await task


def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """Return the files of an authority, and of a certificate for ghe.example and 127.0.0.1 with its key."""
    made = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]) for name in ("authority", "service")]
    alternatives = x509.SubjectAlternativeName([x509.DNSName("ghe.example"), x509.IPAddress(ip_address("127.0.0.1"))])
    signed = []
    for name, key in zip(names, made, strict=True):
        builder = x509.CertificateBuilder(names[0], name, key.public_key(), x509.random_serial_number())
        builder = builder.not_valid_before(datetime.now(UTC) - timedelta(hours=1))
        builder = builder.not_valid_after(datetime.now(UTC) + timedelta(days=30))
        is_authority = key is made[0]
        builder = builder.add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
        if not is_authority:
            builder = builder.add_extension(alternatives, critical=False)
        signed.append(builder.sign(made[0], hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    private = made[1].private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    authority, service = tmp_path / "authority.pem", tmp_path / "service.pem"
    authority.write_bytes(signed[0])
    service.write_bytes(signed[1] + private)
    return authority, service


@pytest.fixture
def tls(tmp_path, monkeypatch) -> ssl.SSLContext:
    """A server's side of TLS, with a certificate that this process trusts."""
    authority, service = certificate(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(service)
    return context


async def test_a_certificate_is_checked_against_the_name_and_not_the_address(loopback, sender, tls):
    service = await loopback.serve(tls=tls)
    network = AllowEntry(None, None, None, ip_network("127.0.0.1/32"))
    one = sender(allow=(network,), resolve=resolving("127.0.0.1"))
    await one.send(READ, base_url=f"https://ghe.example.:{service.port}", organization="acme")
    assert service.received[0].headers["host"] == f"ghe.example:{service.port}"
    with pytest.raises(UpstreamUnreachable):
        await one.send(WRITE, base_url=f"https://other.example:{service.port}", organization="acme")
    assert len(service.received) == 1


async def test_under_tls_only_the_service_itself_can_end_a_body(loopback, sender, tls):
    async def cut(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nab")
        await asyncio.sleep(0.05)
        with socket.socket(fileno=os.dup(writer.get_extra_info("socket").fileno())) as beneath:
            beneath.shutdown(socket.SHUT_RDWR)

    service = await loopback.serve(cut, loopback.broken(b"HTTP/1.1 200 OK\r\n\r\nab"), tls=tls)
    with pytest.raises(OutcomeUnknown):
        await sender(service).send(READ, base_url=service.url, organization="acme")
    assert (await sender(service).send(READ, base_url=service.url, organization="acme")).body == b"ab"


async def test_a_connection_under_tls_is_used_again(loopback, sender, tls):
    service = await loopback.serve(loopback.http(body=MUCH), tls=tls)
    one = sender(service)
    for _ in range(3):
        assert (await one.send(WRITE, base_url=service.url, organization="acme")).body == MUCH
    assert service.connections == 1


async def test_a_redirect_from_https_to_plain_http_is_refused(loopback, sender, tls):
    plain = await loopback.serve()
    service = await loopback.serve(loopback.http("302 Found", Location=plain.url), tls=tls)
    with pytest.raises(RedirectRefused, match="from https to plain http"):
        await sender(service, plain).send(READ, base_url=service.url, organization="acme")
    assert plain.connections == 0


async def test_a_too_large_answer_to_a_write_says_not_to_repeat_it(loopback, sender):
    service = await loopback.serve(loopback.http("201 Created", b"x" * 100))
    with pytest.raises(ResponseTooLarge, match="answered 201") as caught:
        await sender(service).send(WRITE, base_url=service.url, organization="acme", max_bytes=10)
    assert "Do not repeat" in caught.value.hint
