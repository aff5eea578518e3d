"""The edge on a real server: every reply here has crossed a socket."""

from __future__ import annotations

import asyncio
import logging

import pytest

from devmesh.crypto.tokens import new_api_key

SHOW = b"/api/v1/things/00000000-0000-0000-0000-000000000001"
MIB = 1024 * 1024


def head(line: bytes, *headers: bytes) -> bytes:
    return b"\r\n".join([line + b" HTTP/1.1", *headers, b"", b""])


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:9", "127.0.0.1", "127.9.9.9:8081", "[::1]:8081", "mesh.example.com", "mesh.example.com.",
     "mesh.example.com:8443", "also.example.com:1", "port.example.com:8443"],
)  # fmt: skip
async def test_our_hosts_are_answered(wire, host):
    assert (await wire.ask(head(b"GET /api/v1/maybe"), host=host)).status == 200


@pytest.mark.parametrize(
    "host",
    ["evil.example.com", "localhost.evil.example", "127.0.0.1.evil.example", "10.0.0.1", "port.example.com", "",
     "evil.example.com:8081", "localhost@evil.example", "localhost/x", "[::]", "\xff", "localhost:x",
     "2130706433"],
)  # fmt: skip
async def test_other_hosts_are_421_naming_the_setting(wire, host):
    raw = head(b"GET /api/v1/maybe", b"Host: " + host.encode("latin-1"))
    reply = await wire.ask(raw)
    assert reply.status == 421
    assert "DEVMESH_ALLOWED_HOSTS" in reply.json["hint"]


async def test_two_hosts_are_refused(wire):
    reply = await wire.ask(head(b"GET /api/v1/maybe", b"Host: localhost", b"Host: mesh.example.com"))
    assert reply.status == 400
    assert "host" in reply.json["detail"]


async def test_no_host_is_421(wire):
    reader, writer = await asyncio.open_connection("127.0.0.1", wire.port)
    writer.write(b"GET /api/v1/maybe HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert (await wire.read(reader)).status == 421
    writer.close()


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example.com",
        "https://mesh.example.com",
        "http://localhost:3000",
        "https://127.0.0.1",
        "http://[::1]:1",
    ],
)
async def test_a_page_of_an_allowed_origin_may_read_the_reply(wire, origin):
    raw = head(b"GET /api/v1/who", b"Origin: " + origin.encode(), b"X-Test-Caller: 1")
    for reply in (await wire.ask(raw), await wire.ask(raw.replace(b"X-Test-Caller: 1", b"X-Other: 1"))):
        assert reply.headers["access-control-allow-origin"] == origin
        assert "X-RateLimit-Limit" in reply.headers["access-control-expose-headers"]
        assert "Origin" in reply.headers["vary"]
        assert "access-control-allow-credentials" not in reply.headers


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example.com", "null", "http://app.example.com", "https://app.example.com.evil.example", "*",
     "http://localhost.evil.example", "ftp://localhost", "localhost", "http://localhost:3000/x", "http://evil@localhost"],
)  # fmt: skip
@pytest.mark.parametrize("method", [b"GET", b"POST", b"OPTIONS"])
async def test_a_page_of_a_foreign_origin_is_403(wire, origin, method):
    raw = head(method + b" /api/v1/maybe", b"Origin: " + origin.encode(), b"Access-Control-Request-Method: GET")
    reply = await wire.ask(raw)
    assert reply.status == 403
    assert "access-control-allow-origin" not in reply.headers
    assert "DEVMESH_ALLOWED_ORIGINS" in reply.json["hint"]


async def test_a_preflight_is_answered_with_our_headers_alone(wire):
    asked = b"authorization,x-api-key,x-service-github-token,mcp-session-id,x-evil,cookie"
    raw = head(
        b"OPTIONS /api/v1/who",
        b"Origin: https://app.example.com",
        b"Access-Control-Request-Method: POST",
        b"Access-Control-Request-Headers: " + asked,
    )
    reply = await wire.ask(raw)
    assert reply.status == 204
    assert reply.body == b""
    assert reply.headers["access-control-allow-origin"] == "https://app.example.com"
    assert reply.headers["access-control-allow-headers"] == (
        "authorization, x-api-key, x-service-github-token, mcp-session-id"
    )
    assert "DELETE" in reply.headers["access-control-allow-methods"]


@pytest.mark.parametrize(
    "query",
    [b"token=x", b"a=1&API_KEY=x", b"api%5Fkey=x", b"key", b"x=KEY", b"KEY", b"x=%75sr_REST", b"Access_Token=1"],
)
async def test_a_credential_in_the_query_is_400_and_never_shown(wire, query, caplog):
    key = new_api_key("user")
    query = query.replace(b"KEY", key.encode()) if b"API" not in query else query
    query = query.replace(b"REST", key[4:].encode())
    with caplog.at_level(logging.DEBUG):
        reply = await wire.ask(head(b"GET /api/v1/maybe?" + query))
    assert reply.status == 400
    assert reply.json["code"] == "credential_in_query"
    assert key not in caplog.text
    assert key.encode() not in reply.body


async def test_an_ordinary_query_is_no_credential(wire):
    assert (await wire.ask(head(b"GET " + SHOW + b"?limit=5&tag=tokens&tag=usr_short"))).status == 200


async def test_an_api_key_in_a_cookie_is_401_and_other_cookies_are_nothing_to_us(wire):
    cookie = b"Cookie: a=b; session=" + new_api_key("agent").encode()
    reply = await wire.ask(head(b"GET /api/v1/who", cookie, b"X-Test-Caller: 1"))
    assert reply.status == 401
    assert reply.json["code"] == "credential_in_cookie"
    assert (await wire.ask(head(b"GET /api/v1/maybe", b"Cookie: token=of-another-app"))).status == 200


async def test_a_key_in_a_path_is_masked_in_the_problem(wire):
    key = new_api_key("user").encode()
    reply = await wire.ask(head(b"GET /api/v1/" + key))
    assert reply.status == 404
    assert key not in reply.body


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        (None, "127.0.0.1"),
        (b"203.0.113.7", "203.0.113.7"),
        (b"198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (b"198.51.100.1, 203.0.113.7, 10.1.1.1", "203.0.113.7"),
        (b"203.0.113.7:1234", "203.0.113.7"),
        (b"[2001:DB8::1]:443", "2001:db8::1"),
        (b"::ffff:203.0.113.7", "203.0.113.7"),
        (b"::ffff:10.0.0.9", "10.0.0.9"),
        (b"203.0.113.7, unknown, 10.1.1.1", "10.1.1.1"),
        (b"unknown", "127.0.0.1"),
        (b"", "127.0.0.1"),
        (b"\xff\xfe,,", "127.0.0.1"),
    ],
)
async def test_the_clients_address_is_what_a_trusted_proxy_says(wire, forwarded, address):
    headers = [] if forwarded is None else [b"X-Forwarded-For: " + forwarded]
    assert (await wire.ask(head(b"GET " + SHOW, *headers))).json["address"] == address


async def test_several_forwarded_headers_are_one_list(wire):
    raw = head(b"GET " + SHOW, b"X-Forwarded-For: 198.51.100.1", b"X-Forwarded-For: 203.0.113.7, 10.0.0.1")
    assert (await wire.ask(raw)).json["address"] == "203.0.113.7"


async def test_every_reply_has_an_id_of_its_own_and_the_security_headers(wire):
    seen = set()
    for raw in (head(b"GET /api/v1/maybe"), head(b"GET /nothing"), head(b"GET /api/v1/maybe", b"X-Request-Id: mine")):
        reply = await wire.ask(raw)
        seen.add(reply.headers["x-request-id"])
        assert reply.headers["x-content-type-options"] == "nosniff"
        assert reply.headers["cache-control"] == "no-store"
        assert reply.headers["referrer-policy"] == "no-referrer"
    assert len(seen) == 3
    assert "mine" not in seen


@pytest.mark.parametrize("path", [b"/api/v1/maybe", b"/api/v1/who", b"/nothing", b"/docs", b"/openapi.json", SHOW])
async def test_head_is_get_without_the_body(wire, path):
    got, headed = await wire.ask(head(b"GET " + path)), await wire.ask(head(b"HEAD " + path))
    assert headed.body == b""
    assert got.body
    assert headed.status == got.status
    for reply in (got, headed):
        del reply.headers["x-request-id"], reply.headers["date"]
    assert headed.headers == got.headers


WEIRD = [
    b"/%",
    b"/%zz",
    b"/%ff%fe",
    b"/%00",
    b"/api/v1/things/%00",
    b"/api/v1/things/%c0%ae%c0%ae/",
    b"/api/v1/things/..%2f..%2fetc",
    b"/api/v1//who//",
    b"/api/v1/things/" + b"9" * 5000,
    SHOW + b"?limit=%ff",
    SHOW + b"?limit=1&limit=2",
    SHOW + b"?limit=" + b"9" * 5000,
    SHOW + b"?cursor=%00",
    SHOW + b"?cursor=W10",
    SHOW + b"?cursor=%F0%9F%92%A9",
    SHOW + b"?" + b"&".join([b"a=b"] * 200),
    SHOW + b"?%=%&&&==&%ff=%ff",
    b"/api/v1/who/%E2%80%AE",
    b"*",
    b"//evil.example.com/",
    b"http://evil.example.com/api/v1/maybe",
]


@pytest.mark.parametrize("path", WEIRD)
@pytest.mark.parametrize("method", [b"GET", b"HEAD", b"POST", b"OPTIONS", b"FOO", b"PROPFIND"])
async def test_a_weird_address_is_never_our_fault(wire, path, method):
    assert (await wire.ask(head(method + b" " + path, b"Content-Length: 0"))).status < 500


@pytest.mark.parametrize(
    "header",
    [b"Content-Type: \xff\xfe", b"Origin: \xff", b"Cookie: \xff=%ff", b"X-Name: \xff\xfe", b"Accept: " + b"a" * 60_000,
     b"Content-Length: -1", b"Content-Length: 1, 2", b"Expect: 200-ok", b"Content-Encoding: gzip", b'If-Match: "\xe9"',
     b"X-Forwarded-For: " + b"1.1.1.1," * 2000, b"Transfer-Encoding: banana",
     b"Upgrade: websocket\r\nConnection: upgrade"],
)  # fmt: skip
@pytest.mark.parametrize("line", [b"GET " + SHOW, b"POST /api/v1/notes"])
async def test_a_weird_header_is_never_our_fault(wire, header, line):
    assert (await wire.ask(head(line, header))).status < 500


async def test_an_unexpected_fault_is_500_without_its_cause_and_logged_with_it(wire, caplog):
    reply = await wire.ask(head(b"GET /api/v1/broken"))
    assert reply.status == 500
    assert reply.headers["content-type"] == "application/problem+json"
    assert b"CANARY" not in reply.body
    assert b"Traceback" not in reply.body
    assert reply.json["request_id"] == reply.headers["x-request-id"]
    assert reply.json["request_id"] in caplog.text
    assert "CANARY" in caplog.text
