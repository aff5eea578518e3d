"""What a service's reply becomes: whole, paged, projected, and without secrets."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.gateway.shape import project, shape
from devmesh.upstream.arguments import Paged
from devmesh.upstream.masking import masked, secrets_of
from devmesh.upstream.model import Reply, get

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

TOKEN = "ghp_a/secret+token=="
JSON = {"content-type": "application/json; charset=utf-8"}


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"echo": TOKEN}).encode(),
        json.dumps({"echo": TOKEN}).replace("/", "\\/").encode(),
        json.dumps({"echo": TOKEN}).replace("ghp", "\\u0067hp").encode(),
        json.dumps({TOKEN: [TOKEN, {"a": f"x{TOKEN}y"}]}).encode(),
    ],
)
def test_a_secret_is_removed_however_json_spells_it(body: bytes):
    shown = masked(Reply(200, JSON, body), [TOKEN])
    assert TOKEN not in repr(json.loads(shown.body))
    assert json.loads(shown.body)


def test_a_secret_in_plain_text_is_removed():
    shown = masked(Reply(200, {"content-type": "text/plain"}, f"{TOKEN}!".encode()), [TOKEN])
    assert shown.body == b"[secret removed]!"


async def test_a_key_of_ours_in_a_vendors_error_is_removed(organization: Organization, github: GitHub):
    await organization.connect(github, "ghp_adas_token_000000")
    github.answer = lambda _received: (422, {"message": f"do not send {organization.key} to us"}, {})
    result = await organization.call("github.create_issue", {"owner": "o", "repo": "r", "title": organization.key})
    assert result["isError"]
    assert "do not send [key] to us" in result["content"][0]["text"]


def test_a_basic_credential_is_removed_as_its_header_spelled_it():
    pair = base64.b64encode(b"me@example.com:api-token-123").decode()
    shown = masked(Reply(200, JSON, json.dumps({"auth": f"Basic {pair}"}).encode()), ["api-token-123", pair])
    assert pair.encode() not in shown.body


@pytest.mark.parametrize(
    "spelling",
    [
        'p"w\\d<&>/+ $é',  # as it is
        'p\\"w\\\\d<&>/+ $é',  # JSON
        "p%22w%5Cd%3C%26%3E%2F%2B%20%24%C3%A9",  # an address
        "p%22w%5Cd%3C%26%3E%2F%2B+%24%C3%A9",  # a form
        "p%22w%5Cd%3C%26%3E/%2B%20%24%C3%A9",
        "p&quot;w\\d&lt;&amp;&gt;/+ $é",  # HTML
    ],
)
@pytest.mark.parametrize("kind", ["text/html", "application/json"])
def test_a_secret_is_removed_as_addresses_forms_and_pages_spell_it(spelling: str, kind: str):
    secret = 'p"w\\d<&>/+ $é'
    shown = masked(Reply(200, {"content-type": kind}, f'["x{spelling}y"]'.encode()), [secret])
    assert shown.body == b'["x[secret removed]y"]'


def test_a_refusals_headers_show_no_secret_either():
    told = {"x-error": f"no user has {TOKEN}", "retry-after": "5"}
    assert masked(Reply(401, told, b""), [TOKEN]).headers == {
        "x-error": "no user has [secret removed]",
        "retry-after": "5",
    }


def test_what_is_secret_of_a_credential_is_what_its_fields_and_headers_say():
    jenkins = CONNECTORS["jenkins"]
    fields = {"username": "alice-the-admin", "api_token": "11aabbccdd"}
    pair = base64.b64encode(b"alice-the-admin:11aabbccdd").decode()
    assert secrets_of(jenkins, fields, {"authorization": f"Basic {pair}", "x": "short"}) == {"11aabbccdd", pair}


def test_a_reply_without_a_secret_is_left_as_it_is():
    reply = Reply(200, JSON, b'{"a":  "b"}')
    assert masked(reply, [TOKEN]) is reply
    refusal = Reply(404, {"x-error": "no such thing"}, b"no")
    assert masked(refusal, [TOKEN]) is refusal


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (None, {"a": 1, "b": {"c": 2, "d": [{"e": 3, "f": 4}]}}),
        (["a"], {"a": 1}),
        (["b.c"], {"b": {"c": 2}}),
        (["b.d.e", "a"], {"a": 1, "b": {"d": [{"e": 3}]}}),
        (["none", "b.none"], {"b": {}}),
        (["b", "b.c"], {"b": {"c": 2, "d": [{"e": 3, "f": 4}]}}),
    ],
)
def test_fields_choose_what_is_kept(fields: list[str] | None, expected: Any):
    assert project({"a": 1, "b": {"c": 2, "d": [{"e": 3, "f": 4}]}}, fields) == expected


async def test_what_happens_is_counted(mesh: Mesh, organization: Organization, github: GitHub):
    async def told() -> dict[str, float]:
        headers = {"Authorization": f"Bearer {organization.key}"}
        async with mesh.http.get("/metrics", headers=headers) as reply:
            assert reply.status == 200
            lines = (await reply.text()).splitlines()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if not line.startswith("#")}

    before = await told()
    await organization.connect(github, "ghp_adas_token_000000")
    await organization.call("github.get_authenticated_user")
    await organization.call("github.get_issue", {"owner": "o", "repo": "r", "issue_number": 404})
    await organization.call("github.create_issue", {"owner": 1})
    after = await told()

    def grown(name: str) -> float:
        return after.get(name, 0) - before.get(name, 0)

    assert grown('devmesh_tool_calls_total{service="github",outcome="ok"}') == 1
    assert grown('devmesh_tool_calls_total{service="github",outcome="error"}') == 1
    assert grown('devmesh_upstream_seconds_count{service="github"}') == 2
    assert grown('devmesh_refusals_total{code="validation_failed"}') == 1
    assert grown('devmesh_http_requests_total{kind="mcp",status="200"}') == 3
    assert grown('devmesh_http_request_seconds_count{kind="mcp"}') == 3


async def test_the_metrics_need_a_scope(organization: Organization):
    key = await organization.new_key(key_type="user")
    assert (await organization.ask("GET", "/metrics", key=key))[0] == 403
    async with organization.mesh.http.get("/metrics") as reply:
        assert reply.status == 401


async def test_every_way_that_a_call_ends_gives_its_place_back(
    organization: Organization, github: GitHub, monkeypatch: pytest.MonkeyPatch
):
    underway = organization.mesh.app.gateway._underway
    await organization.connect(github, "ghp_adas_token_000000")
    answers = (None, (500, {}, {}), (200, b"no json", {}), (302, {}, {"location": "http://10.0.0.1/"}))
    for answer in answers:
        github.answer = lambda _received, answer=answer: answer
        await organization.call("github.get_authenticated_user")
        assert underway._counts == {}
    monkeypatch.setattr(underway, "_most", 0)
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user")
    assert (result["isError"], result["_meta"]["code"]) == (True, "rate_limit_exceeded")
    assert len(github.received) == before


@pytest.mark.parametrize(
    ("tool", "code"),
    [
        ("get_issue", "upstream_error"),
        ("list_issues", "upstream_error"),
        ("create_issue", "upstream_outcome_unknown"),
        ("get_job_logs", None),
    ],
)
def test_a_web_page_is_no_answer_of_an_api(tool: str, code: str | None):
    page = Reply(200, {"content-type": "text/html; charset=utf-8"}, b"<html><title>Sign in</title></html>")
    one = CONNECTORS["github"].tools[tool]
    meta: dict[str, Any] = {}
    shown = shape(one, Paged({}), get("/"), page, meta, reads=one.read_only)
    assert (shown.is_error, meta.get("code")) == (code is not None, code)
    assert shown.is_error == ("base_url" in str(shown.text))


def test_what_is_neither_json_nor_text_comes_in_base64():
    body = bytes(range(256))
    tool = CONNECTORS["github"].tools["get_issue"]
    shown = shape(tool, Paged({}), get("/"), Reply(200, {"content-type": "image/png"}, body), {}, reads=True)
    assert json.loads(bytes(shown.text)) == {
        "content_type": "image/png",
        "bytes": 256,
        "base64": base64.b64encode(body).decode(),
    }


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"retry-after": "7200"}, 7200),
        ({"retry-after": "999999999"}, 86_400),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 86_400),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "999999999999"}, 86_400),
    ],
)
def test_nobody_is_told_to_wait_for_longer_than_a_day(said: dict[str, str], told: float):
    tool = CONNECTORS["github"].tools["get_authenticated_user"]
    meta: dict[str, Any] = {}
    shown = shape(tool, Paged({}), get("/user"), Reply(429, {**JSON, **said}, b"{}"), meta, reads=True)
    assert meta["retry_after"] == told
    assert str(shown.text).endswith(f"\nretry_after: {told} s")
