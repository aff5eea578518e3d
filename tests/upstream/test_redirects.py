import asyncio

import pytest
from msgspec import structs

from devmesh.settings import AllowEntry
from devmesh.upstream.errors import AddressRefused, OutcomeUnknown, RedirectRefused
from devmesh.upstream.wire import Request

READ = Request(method="GET", path="/a/b", headers={"accept": "text/x"})
WRITE = Request(method="POST", path="/a/b", json={"x": 1})
CREDENTIAL = {"authorization": "Bearer t", "x-token": "t"}


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "303 See", "307 Again", "308 Moved"])
async def test_a_read_follows_within_its_origin_with_its_credential(loopback, sender, status):
    service = await loopback.serve(loopback.http(status, Location="../c?x=1#part"), loopback.http(body=b"there"))
    reply = await sender(service).send(READ, base_url=service.url, organization="acme", headers=CREDENTIAL)
    assert reply.body == b"there"
    assert service.received[1].line == "GET /c?x=1 HTTP/1.1"
    assert service.received[1].headers["authorization"] == "Bearer t"
    assert "referer" not in service.received[1].headers


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2"])
async def test_the_credential_stays_behind_when_the_origin_changes_and_does_not_come_back(loopback, sender, host):
    home = await loopback.serve(loopback.http(body=b"home"))
    other = await loopback.serve(loopback.http("302 Found", Location=f"{home.url}/back"), host=host)
    start = await loopback.serve(loopback.http("302 Found", Location=f"//{host}:{other.port}/blob"))
    reply = await sender(home, other, start).send(READ, base_url=start.url, organization="acme", headers=CREDENTIAL)
    assert (reply.body, reply.host) == (b"home", "127.0.0.1")
    assert start.received[0].headers["x-token"] == "t"
    for received in (*other.received, *home.received):
        assert not CREDENTIAL.keys() & received.headers.keys()
        assert received.headers["accept"] == "text/x"


async def test_a_write_that_is_told_to_look_elsewhere_reads_there_without_its_body(loopback, sender):
    service = await loopback.serve(loopback.http("303 See Other", Location="/result"), loopback.http(body=b"done"))
    reply = await sender(service).send(WRITE, base_url=service.url, organization="acme", headers=CREDENTIAL)
    assert reply.body == b"done"
    followed = service.received[1]
    assert (followed.line, followed.body) == ("GET /result HTTP/1.1", b"")
    assert "content-type" not in followed.headers


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 Moved"])
async def test_a_write_is_never_repeated_elsewhere_and_the_new_place_is_named(loopback, sender, status):
    service = await loopback.serve(loopback.http(status, Location="/repositories/7/issues?token=secret"))
    with pytest.raises(RedirectRefused, match=r"now at http://127.0.0.1:\d+/repositories/7/issues\.$"):
        await sender(service).send(WRITE, base_url=service.url, organization="acme")
    assert len(service.received) == 1


@pytest.mark.parametrize("status", ["302 Found", "303 See Other"])
@pytest.mark.parametrize("request_", [READ, WRITE], ids=["read", "write"])
async def test_a_redirect_that_is_the_answer_is_given_as_it_came_and_not_followed(loopback, sender, request_, status):
    service = await loopback.serve(loopback.http(status, Location="http://127.0.0.1:1/queue/item/7/"))
    asked = structs.replace(request_, follows=False)
    reply = await sender(service).send(asked, base_url=service.url, organization="acme", headers=CREDENTIAL)
    assert (reply.status, reply.headers["location"]) == (int(status[:3]), "http://127.0.0.1:1/queue/item/7/")
    assert len(service.received) == 1


@pytest.mark.parametrize(
    "location",
    [
        "http://127.0.0.1:1/",
        "http://169.254.169.254/latest/meta-data/",
        "https://[::ffff:127.0.0.1]/",
        "https://0x7f.1/",
        "//localhost/",
        "http://inside.example/",
    ],
)
async def test_a_redirect_to_a_closed_address_is_refused(loopback, sender, location):
    async def resolve(_host: str, _port: int) -> list[str]:
        await asyncio.sleep(0)
        return ["10.0.0.1"]

    service = await loopback.serve(loopback.http("302 Found", Location=location))
    with pytest.raises(AddressRefused):
        await sender(service, resolve=resolve).send(READ, base_url=service.url, organization="acme")


@pytest.mark.parametrize(
    "location", ["ftp://a.example/", "http://u:p@127.0.0.1/", "https://", "http://a..b/", "data:,x"]
)
async def test_a_redirect_to_no_plain_web_address_is_refused(loopback, sender, location):
    service = await loopback.serve(loopback.http("302 Found", Location=location))
    with pytest.raises(RedirectRefused):
        await sender(service).send(READ, base_url=service.url, organization="acme")


async def test_a_redirect_without_a_place_is_refused(loopback, sender):
    service = await loopback.serve(loopback.http("302 Found"))
    with pytest.raises(RedirectRefused, match="without saying where"):
        await sender(service).send(READ, base_url=service.url, organization="acme")


async def test_an_unchanged_answer_is_no_redirect(loopback, sender):
    service = await loopback.serve(loopback.raw(b"HTTP/1.1 304 Not Modified\r\nLocation: /x\r\n\r\n"))
    assert (await sender(service).send(READ, base_url=service.url, organization="acme")).status == 304


async def test_five_redirects_are_followed_and_a_sixth_is_not(loopback, sender):
    onward = loopback.http("302 Found", Location="/next")
    service = await loopback.serve(*[onward] * 5, loopback.http(body=b"end"))
    reply = await sender(service).send(READ, base_url=service.url, organization="acme")
    assert reply.body == b"end"
    endless = await loopback.serve(onward)
    with pytest.raises(RedirectRefused, match="more than 5 times"):
        await sender(endless).send(READ, base_url=endless.url, organization="acme")
    assert len(endless.received) == 6


async def test_redirects_share_one_time_limit(loopback, sender):
    service = await loopback.serve(
        loopback.raw(b"HTTP/1.1 302 Found\r\nLocation: /x\r\n", b"content-length: 0\r\n\r\n", pause=1.2)
    )
    # Each by itself would come to the sixth, which is one too many.
    with pytest.raises(OutcomeUnknown):
        await sender(service).send(READ, base_url=service.url, organization="acme", timeout=5)
    assert 2 <= len(service.received) <= 5


async def test_a_write_whose_result_cannot_be_read_may_have_happened(loopback, sender):
    service = await loopback.serve(loopback.http("303 See Other", Location="http://10.0.0.1/result"))
    with pytest.raises(OutcomeUnknown, match="took the request") as caught:
        await sender(service).send(WRITE, base_url=service.url, organization="acme")
    assert caught.value.wrote


async def test_an_entry_of_another_organization_opens_no_redirect(loopback, sender):
    target = await loopback.serve()
    service = await loopback.serve(loopback.http("302 Found", Location=target.url))
    one = sender(service, allow=(AllowEntry("other", "127.0.0.1", target.port, None),))
    with pytest.raises(AddressRefused):
        await one.send(READ, base_url=service.url, organization="acme")
    assert target.connections == 0
