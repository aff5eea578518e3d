"""Routes and problem documents on a real server."""

from __future__ import annotations

import re

import pytest

from devmesh.errors import Conflict, InsufficientScope, InvalidKey, RateLimited, Unauthenticated
from devmesh.http.application import litestar
from devmesh.http.problem import render
from devmesh.http.routing import cursor_of, get

SHOW = b"/api/v1/things/00000000-0000-0000-0000-000000000001"
REQUIRED = {"type", "title", "status", "detail", "instance", "code", "error", "hint", "request_id"}


def request(line: bytes, body: bytes = b"", *headers: bytes) -> bytes:
    lines = [line + b" HTTP/1.1", *headers]
    if body:
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", body])


JSON = b"Content-Type: application/json"


async def test_a_route_gets_its_caller_and_its_services(wire):
    reply = await wire.ask(request(b"GET /api/v1/who", b"", b"X-Test-Caller: 1"))
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json"
    assert reply.json["name"] == "Ada"


async def test_a_route_that_needs_a_caller_is_401_without(wire):
    reply = await wire.ask(request(b"GET /api/v1/who"))
    assert reply.status == 401
    assert reply.headers["www-authenticate"] == 'Bearer realm="devmesh"'
    assert reply.headers["content-type"] == "application/problem+json"
    assert reply.json.keys() >= REQUIRED
    assert reply.json["instance"] == "/api/v1/who"
    assert reply.json["title"] == "Authentication required"


async def test_401_comes_before_what_is_wrong_with_the_request(wire):
    assert (await wire.ask(request(b"POST /api/v1/who", b"{", JSON))).status == 405
    assert (await wire.ask(request(b"GET /api/v1/who?limit=x"))).status == 401


async def test_a_body_is_read_as_its_type_at_every_path_of_the_route(wire):
    for path in (b"/api/v1/things", b"/api/v1/also/things"):
        reply = await wire.ask(request(b"POST " + path, b'{"name": "x", "count": 3}', JSON))
        assert reply.status == 201
        assert reply.headers["etag"] == '"1"'
        assert reply.json == {"id": "00000000-0000-0000-0000-000000000003", "name": "x"}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b'{"name": "x", "name": "y"}', 400),
        (b"[" * 100_000, 400),
        (b'{"name": "\xff"}', 400),
        (b'{"name": "\\u0000"}', 422),
        (b'{"name": 1, "more": 2}', 422),
        (b"[]", 422),
        (b"null", 422),
    ],
)
async def test_a_bad_body_is_a_clear_problem(wire, body, status):
    reply = await wire.ask(request(b"POST /api/v1/things", body, JSON))
    assert reply.status == status
    assert reply.json.keys() >= REQUIRED
    assert status == 400 or reply.json["errors"]


async def test_all_faults_of_a_body_are_listed(wire):
    reply = await wire.ask(request(b"POST /api/v1/things", b'{"count": "3", "more": 2}', JSON))
    assert {fault["field"] for fault in reply.json["errors"]} == {"name", "count", "more"}


async def test_a_body_of_another_type_is_415(wire):
    form = b"Content-Type: application/x-www-form-urlencoded"
    assert (await wire.ask(request(b"POST /api/v1/things", b"name=x", form))).status == 415
    assert (await wire.ask(request(b"POST /api/v1/things", b'{"name": "x"}'))).status == 415


async def test_an_empty_body_without_a_type_does_where_all_is_optional(wire):
    assert (await wire.ask(request(b"POST /api/v1/notes", b"", b"Content-Length: 0"))).json == {"text": None}
    assert (await wire.ask(request(b"POST /api/v1/notes"))).status == 200
    assert (await wire.ask(request(b"POST /api/v1/things"))).status == 400


async def test_parameters_are_read_as_their_types(wire):
    path = SHOW + b"?limit=7&tag=a&tag=b%26c&cursor=" + cursor_of(41).encode()
    reply = await wire.ask(request(b"GET " + path, b"", b"X-Name: n"))
    assert reply.json == {"address": "127.0.0.1", "name": "n", "limit": 7, "tags": ["a", "b&c"], "position": 41}


@pytest.mark.parametrize(
    "query", [b"limit=0", b"limit=201", b"limit=x", b"limit=", b"limit=1&limit=2", b"cursor=%00", b"cursor=abc",
              b"cursor=" + b"x" * 600, b"cursor=" + cursor_of("text").encode(), b"cursor=%E2%82%AC", b"limt=5"]
)  # fmt: skip
async def test_a_wrong_parameter_is_422_by_name(wire, query):
    reply = await wire.ask(request(b"GET " + SHOW + b"?" + query))
    assert reply.status == 422
    assert [fault["field"] for fault in reply.json["errors"]] == [query.partition(b"=")[0].decode()]


async def test_two_wrong_parameters_are_told_together(wire):
    reply = await wire.ask(request(b"GET " + SHOW + b"?limit=x&cursor=" + b"x" * 600))
    assert {fault["field"] for fault in reply.json["errors"]} == {"limit", "cursor"}


async def test_the_bare_address_leads_to_the_documents(wire):
    reply = await wire.ask(request(b"GET /"))
    assert (reply.status, reply.headers["location"]) == (302, "/docs")


async def test_an_id_of_no_form_and_an_unknown_address_are_404(wire):
    for path in (b"/api/v1/things/17", b"/api/v1/nothing", b"/api/v1/things/"):
        assert (await wire.ask(request(b"GET " + path))).status in (404, 405)
    assert (await wire.ask(request(b"GET /api/v1/things/17"))).json["code"] == "not_found"


async def test_another_method_is_405_naming_those_that_do(wire):
    reply = await wire.ask(request(b"PUT " + SHOW))
    assert reply.status == 405
    assert set(reply.headers["allow"].split(", ")) == {"GET", "HEAD", "DELETE", "OPTIONS"}


async def test_204_has_no_body(wire):
    reply = await wire.ask(request(b"DELETE " + SHOW))
    assert (reply.status, reply.body) == (204, b"")
    assert "content-type" not in reply.headers


async def test_headers_that_the_application_adds_join_errors_too(wire):
    reply = await wire.ask(request(b"GET /api/v1/nothing", b"", b"X-Test-Caller: 1"))
    assert (reply.status, reply.headers["x-ratelimit-limit"]) == (404, "100")


async def test_the_document_describes_bodies_parameters_scopes_and_problems(wire):
    document = (await wire.ask(request(b"GET /openapi.json"))).json
    create = document["paths"]["/api/v1/things"]["post"]
    assert create["requestBody"]["required"] is True
    assert create["requestBody"]["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/NewThing"}
    assert create["x-required-scope"] == "things:write"
    assert "application/problem+json" in create["responses"]["default"]["content"]
    assert document["paths"]["/api/v1/notes"]["post"]["requestBody"]["required"] is False
    shown = document["paths"]["/api/v1/things/{thing_id}"]["get"]
    parameters = {parameter["name"]: parameter for parameter in shown["parameters"]}
    assert set(parameters) == {"thing_id", "limit", "cursor", "tag"}
    assert parameters["limit"]["schema"]["maximum"] == 200
    assert "security" not in shown
    who = document["paths"]["/api/v1/who"]["get"]
    assert who["security"] == [{"bearer": ["profile:read"]}, {"apiKey": ["profile:read"]}]
    assert "parameters" not in who
    assert document["paths"]["/api/v1/maybe"]["get"]["security"][-1] == {}


async def test_the_page_of_the_document_fetches_nothing_from_elsewhere(wire):
    reply = await wire.ask(request(b"GET /docs"))
    assert reply.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in reply.headers["content-security-policy"]
    assert "unsafe" not in reply.headers["content-security-policy"]
    assert not re.search(rb"https?://|//cdn| style=| on\w+=", reply.body)


def test_a_service_that_is_missing_is_told_at_start():
    @get("/x", scope=None)
    async def lost(nowhere: object) -> None:
        assert nowhere

    with pytest.raises(TypeError, match="nowhere"):
        litestar([lost], {})


def test_a_wait_is_told_in_whole_seconds_and_never_less():
    rendered = render(RateLimited("no", retry_after=1.001))
    assert (b"retry-after", b"2") in rendered.headers
    assert (b"retry-after", b"0") not in render(Conflict("no")).headers


def test_extra_joins_the_document():
    assert b'"required_scopes":["keys:write"]' in render(InsufficientScope(["keys:write"])).body


def test_an_invalid_credential_is_told_from_a_missing_one():
    assert dict(render(InvalidKey()).headers)[b"www-authenticate"] == b'Bearer realm="devmesh", error="invalid_token"'
    assert dict(render(Unauthenticated()).headers)[b"www-authenticate"] == b'Bearer realm="devmesh"'
