import asyncio
import gzip
import tracemalloc

import pytest

from devmesh import __version__
from devmesh.errors import Invalid
from devmesh.settings import AllowEntry
from devmesh.upstream import clients as clients_module
from devmesh.upstream.errors import AddressRefused, ResponseTooLarge
from devmesh.upstream.wire import Request

USER = Request(method="GET", path="/user")


async def test_only_what_was_given_travels_and_the_answer_comes_back_whole(loopback, sender):
    body = b'{"number": 1}'
    service = await loopback.serve(loopback.http("201 Created", body, Content_Type="application/json", X_Thing="ü"))
    request = Request(
        method="POST", path="/repos/a%2Fb/issues", query={"q": "x y"}, json={"title": "T"}, headers={"accept": "text/x"}
    )
    reply = await sender(service).send(
        request,
        base_url=f"{service.url}/api/v3/",
        organization="acme",
        headers={"Authorization": "Bearer t", "accept": "default", "x-api-version": "1"},
    )
    (received,) = service.received
    assert received.line == "POST /api/v3/repos/a%2Fb/issues?q=x%20y HTTP/1.1"
    assert received.headers == {
        "accept": "text/x",
        "accept-encoding": "gzip",
        "authorization": "Bearer t",
        "content-length": "13",
        "content-type": "application/json",
        "host": f"127.0.0.1:{service.port}",
        "user-agent": f"developer-mesh/{__version__}",
        "x-api-version": "1",
    }
    assert received.body == b'{"title":"T"}'
    assert (reply.status, reply.body, reply.host) == (201, body, "127.0.0.1")
    assert reply.headers == {"content-type": "application/json", "content-length": "13"}


@pytest.mark.parametrize(
    ("given", "body", "kind"),
    [
        ({"json": {}}, b"{}", "application/json"),
        ({"form": {"a": "1 2", "b": "&"}}, b"a=1+2&b=%26", "application/x-www-form-urlencoded"),
        ({"content": b"\0\1"}, b"\0\1", "application/octet-stream"),
        ({"content": b"x", "headers": {"Content-Type": "text/plain"}}, b"x", "text/plain"),
        ({}, b"", None),
    ],
)
async def test_each_kind_of_body_says_what_it_is(loopback, sender, given, body, kind):
    service = await loopback.serve()
    await sender(service).send(Request(method="PUT", path="/x", **given), base_url=service.url, organization="acme")
    assert service.received[0].body == body
    assert service.received[0].headers.get("content-type") == kind


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "PATCH"])
async def test_every_status_is_an_answer_and_no_error(loopback, sender, method):
    service = await loopback.serve(loopback.raw(b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\ncontent-length: 0\r\n\r\n"))
    reply = await sender(service).send(Request(method=method, path="/x"), base_url=service.url, organization="acme")
    assert (reply.status, reply.body, reply.retry_after()) == (503, b"", 7)
    assert service.received[0].line == f"{method} /x HTTP/1.1"


async def test_repeated_headers_are_joined_and_an_undecodable_one_is_left_out(loopback, sender):
    service = await loopback.serve(
        loopback.raw(b"HTTP/1.1 200 OK\r\nLink: <a>\r\nX-Raw: \xe9\r\nlink: <b>\r\ncontent-length: 0\r\n\r\n"),
        loopback.raw(b"HTTP/1.1 200 OK\r\nLink: <a>\r\nlink: <b>\r\ncontent-length: 0\r\n\r\n"),
    )
    one = sender(service)
    for _ in range(2):
        reply = await one.send(USER, base_url=service.url, organization="acme")
        assert reply.headers == {"link": "<a>, <b>", "content-length": "0"}


async def test_cookies_are_not_kept_between_requests(loopback, sender):
    service = await loopback.serve(loopback.http(Set_Cookie="session=1; Path=/"))
    one = sender(service)
    for _ in range(2):
        await one.send(USER, base_url=service.url, organization="acme")
    assert service.connections == 1
    assert all("cookie" not in received.headers for received in service.received)


async def test_proxies_from_the_environment_are_not_used(loopback, sender, monkeypatch):
    service, proxy = await loopback.serve(), await loopback.serve()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, proxy.url)
    await sender(service).send(USER, base_url=service.url, organization="acme")
    assert (len(service.received), proxy.connections) == (1, 0)


async def test_an_answer_in_several_pieces_arrives_whole(loopback, sender):
    service = await loopback.serve(
        loopback.raw(
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", b"3\r\nabc\r\n", b"2\r\nde\r\n", b"0\r\n\r\n"
        )
    )
    assert (await sender(service).send(USER, base_url=service.url, organization="acme")).body == b"abcde"


async def test_a_compressed_answer_is_unpacked(loopback, sender):
    service = await loopback.serve(loopback.http(body=gzip.compress(b"[1]"), Content_Encoding="gzip"))
    reply = await sender(service).send(USER, base_url=service.url, organization="acme")
    assert reply.body == b"[1]"


async def test_an_answer_of_the_most_bytes_is_taken_and_one_more_is_too_many(loopback, sender):
    service = await loopback.serve(loopback.http(body=b"x" * 1000))
    one = sender(service)
    reply = await one.send(USER, base_url=service.url, organization="acme", max_bytes=1000)
    assert len(reply.body) == 1000
    with pytest.raises(ResponseTooLarge, match="more than 999 bytes"):
        await one.send(USER, base_url=service.url, organization="acme", max_bytes=999)


async def test_a_small_answer_that_unpacks_to_a_huge_one_is_cut_off(loopback, sender):
    bomb = gzip.compress(bytes(100_000_000))
    service = await loopback.serve(loopback.http(body=bomb, Content_Encoding="gzip"))
    tracemalloc.start()
    try:
        with pytest.raises(ResponseTooLarge):
            await sender(service).send(USER, base_url=service.url, organization="acme", max_bytes=1_000_000)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert most < 8_000_000


@pytest.mark.parametrize("name", ["Host", "content-length", "Transfer-Encoding", "connection", "Proxy-Authorization"])
async def test_the_connections_own_headers_cannot_be_set(loopback, sender, name):
    service = await loopback.serve()
    one = sender(service)
    with pytest.raises(Invalid, match=name.lower()):
        await one.send(USER, base_url=service.url, organization="acme", headers={name: "x"})
    request = Request(method="GET", path="/", headers={name: "x"})
    with pytest.raises(Invalid, match=name.lower()):
        await one.send(request, base_url=service.url, organization="acme")
    assert service.connections == 0


@pytest.mark.parametrize("value", ["Bearer secret\r\nX-Other: 1", "Bearer secret\0"])
async def test_a_credential_that_no_header_can_carry_is_invalid_and_not_repeated(loopback, sender, value):
    service = await loopback.serve()
    with pytest.raises(Invalid) as caught:
        await sender(service).send(USER, base_url=service.url, organization="acme", headers={"authorization": value})
    assert "secret" not in repr(caught.value) + str(caught.value.__cause__)
    assert service.connections == 0


@pytest.mark.parametrize("given", [{"query": {"q": "\ud800"}}, {"json": {"q": "\ud800"}}, {"form": {"q": "\ud800"}}])
async def test_half_a_character_is_invalid(loopback, sender, given):
    service = await loopback.serve()
    with pytest.raises(Invalid, match="surrogate"):
        await sender(service).send(Request(method="POST", path="/", **given), base_url=service.url, organization="acme")


async def test_nothing_is_sent_to_a_closed_address(loopback, sender):
    service = await loopback.serve()
    one = sender()
    for url in (service.url, f"https://localhost:{service.port}", f"http://0x7f.1:{service.port}"):
        with pytest.raises(AddressRefused):
            await one.send(USER, base_url=url, organization="acme")
        with pytest.raises(AddressRefused):
            await one.check(url, "acme")
    assert service.connections == 0


async def test_the_entry_of_one_organization_serves_no_other(loopback, sender):
    service = await loopback.serve()
    one = sender(allow=(AllowEntry("acme", "127.0.0.1", service.port, None),))
    await one.send(USER, base_url=service.url, organization="acme")
    with pytest.raises(AddressRefused):
        await one.send(USER, base_url=service.url, organization="other")
    assert len(service.received) == 1


async def test_ipv6_loopback_is_closed_and_can_be_opened(loopback, sender):
    service = await loopback.serve(host="::1")
    with pytest.raises(AddressRefused):
        await sender().send(USER, base_url=service.url, organization="acme")
    await sender(service).send(USER, base_url=service.url, organization="acme")
    assert service.received[0].headers["host"] == f"[::1]:{service.port}"


async def test_the_connection_goes_to_the_checked_address_whatever_the_name_says_next(loopback, sender):
    good, evil = await loopback.serve(), await loopback.serve(host="127.0.0.2")
    answers = [["127.0.0.1"], ["127.0.0.2"]]
    now = [0.0]

    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        return answers.pop(0)

    one = sender(good, resolve=resolve, clock=lambda: now[0])
    for _ in range(3):
        await one.send(USER, base_url=f"http://rebind.example:{good.port}", organization="acme")
    now[0] = 60.0
    with pytest.raises(AddressRefused):
        await one.send(USER, base_url=f"http://rebind.example:{good.port}", organization="acme")
    assert [received.headers["host"] for received in good.received] == [f"rebind.example:{good.port}"] * 3
    assert evil.connections == 0


async def test_requests_outlive_the_client_that_falls_out_of_the_cache(loopback, sender, monkeypatch):
    monkeypatch.setattr(clients_module, "_KEPT", 64)
    slow = await loopback.serve(loopback.raw(b"HTTP/1.1 200 OK\r\n", b"content-length: 1\r\n\r\nx", pause=1.5))
    quick = await loopback.serve()
    one = sender(allow=(AllowEntry(None, "127.0.0.1", slow.port, None), *_names(quick.port)), resolve=_loopback_names)
    waiting = asyncio.create_task(one.send(USER, base_url=slow.url, organization="acme"))
    await asyncio.sleep(0.1)
    for number in range(66):
        await one.send(USER, base_url=f"http://n{number}.example:{quick.port}", organization="acme")
    assert len(one._clients._clients) == 64
    assert (await waiting).body == b"x"


def _names(port: int) -> tuple[AllowEntry, ...]:
    return tuple(AllowEntry(None, f"n{number}.example", port, None) for number in range(66))


async def _loopback_names(_host: str, _port: int) -> list[str]:
    await asyncio.sleep(0)
    return ["127.0.0.1"]
