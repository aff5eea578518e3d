"""Hostile bodies and paths, to every route that takes one: a clear refusal, never a 5xx, nothing half done."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec
import pytest
from yarl import URL

from devmesh import app

if TYPE_CHECKING:
    from running import Organization

DEEP = 100_000
BODIES: dict[str, tuple[bytes, set[int]]] = {
    "malformed": (b'{"name": ', {400}),
    "no JSON": (b"name=x", {400}),
    "two values": (b"{} {}", {400}),
    "invalid UTF-8": (b'{"name": "\xff\xfe"}', {400}),
    "deep arrays": (b'{"name": ' + b"[" * DEEP + b"]" * DEEP + b"}", {400}),
    "deep objects": (b'{"name": ' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}", {400}),
    "duplicate keys": (b'{"name": "a", "name": "b"}', {400}),
    "duplicate keys, escaped": (b'{"name": "a", "n\\u0061me": "b"}', {400}),
    "NUL": (b'{"name": "a\\u0000b"}', {400, 422}),
    "half a surrogate": (b'{"name": "\\ud800"}', {400, 422}),
    "an array": (b"[1, 2]", {422}),
    "a string": (b'"name"', {422}),
    "null": (b"null", {422}),
    "wrong types": (
        b'{"name": 1, "service_type": [], "credentials": 5, "token": {}, "email": [], "arguments": "x"}',
        {422},
    ),
    "an unknown field": (b'{"surely_no_such_field": true}', {422}),
    "too large": (b'{"name": "' + b"x" * 5_000_000 + b'"}', {413}),
    "numbers beyond reason": (b'{"rate_limit": 1e999, "name": "x"}', {400, 422}),
}
# What is sent there is a document of the caller's own.
ANY_OBJECT = {"/contexts"}
POSTS = sorted(
    {
        path.replace("{name:str}", "mesh.list_services").replace(
            "{key_id:uuid}", "01980000-0000-7000-8000-000000000000"
        )
        for handler in app._ROUTES
        if "POST" in handler.http_methods
        for path in sorted(handler.paths)
        if handler.opt["plan"].body is not None
    }
)


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize("kind", BODIES)
async def test_a_hostile_body_is_refused_in_words(organization: Organization, path: str, kind: str):
    body, expected = BODIES[kind]
    if kind == "an unknown field" and path in ANY_OBJECT:
        pytest.skip("any member may be sent there")
    headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
    async with organization.mesh.http.post(f"/api/v1{path}", data=io.BytesIO(body), headers=headers) as reply:
        problem = await reply.json(content_type="application/problem+json")
    assert reply.status in expected, problem
    assert problem["status"] == reply.status
    assert {"code", "error", "hint", "detail", "request_id"} <= set(problem)
    assert "Traceback" not in repr(problem)
    if reply.status == 422:
        assert problem["errors"]


@pytest.mark.parametrize("kind", sorted(set(BODIES) - {"an array"}))  # which is a batch, and answered as one
async def test_mcp_refuses_a_hostile_body_in_json_rpc(organization: Organization, kind: str):
    headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
    async with organization.mesh.http.post("/mcp", data=io.BytesIO(BODIES[kind][0]), headers=headers) as reply:
        answer = msgspec.json.decode(await reply.read())
    assert 400 <= reply.status < 500
    assert "Traceback" not in repr(answer)
    if reply.status != 413:
        assert answer["jsonrpc"] == "2.0"
        assert answer["error"]["code"] in (-32700, -32600, -32602)


@pytest.mark.parametrize(
    "arguments",
    [
        {"owner": 1},
        {"owner": "o", "repo": "r", "title": "t", "surprise": 1},
        {"owner": "o", "repo": "r", "title": "t", "labels": "bug"},
        {"owner": "", "repo": "r", "title": "t"},
        {"owner": "..", "repo": "r", "title": "t"},
        {"owner": "a\nb", "repo": "r", "title": "t"},
    ],
)
async def test_wrong_arguments_are_named_and_nothing_is_sent(organization: Organization, github, arguments):
    await organization.connect(github, "ghp_adas_token_000000")
    before = len(github.received)
    result = await organization.call("github.create_issue", arguments)
    assert result["isError"]
    assert result["_meta"]["code"] == "validation_failed"
    assert result["content"][0]["text"].startswith("Validation Failed\n")
    status, problem = await organization.ask(
        "POST", "/api/v1/tools/github.create_issue/execute", {"arguments": arguments}
    )
    assert (status, bool(problem["errors"])) == (422, True)
    assert len(github.received) == before


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/tools/%ed%a0%80/execute",
        "/api/v1/tools/%ff%fe/execute",
        "/api/v1/tools/a%00b/execute",
        "/api/v1/tools/..%2f..%2fapi-keys/execute",
        "/api/v1/api-keys/not-an-id",
        "/api/v1/api-keys/%2e%2e",
        "/api/v1/credentials/%2e%2e%2fapi-keys",
        "/api/v1//api-keys",
        "/api/v1/api-keys/" + "a" * 10_000,
        "/%",
        "/mcp/",
        "/mcp%2f",
        "/API/V1/AUTH/PROFILE",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "DELETE", "PUT"])
async def test_a_hostile_path_leads_nowhere(organization: Organization, method: str, path: str):
    url = URL(organization.mesh.url + path, encoded=True)
    headers = {"Authorization": f"Bearer {organization.key}"}
    async with organization.mesh.http.request(method, url, headers=headers) as reply:
        assert 400 <= reply.status < 500
        await reply.read()
    status, audit = await organization.ask("GET", "/api/v1/audit")
    assert status == 200
    assert "\\u0000" not in repr(audit)


async def test_a_tool_name_that_postgresql_could_not_read_leaves_the_audit_readable(organization: Organization):
    for name in ("a\u0000b", "\ud800", "x" * 5000, "😀", "{{"):
        body = msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": {"name": "?"}})
        body = body.replace(b'"?"', f'"{name}"'.encode("unicode-escape", "surrogatepass").replace(b"\\x00", b"\\u0000"))
        headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
        async with organization.mesh.http.post("/mcp", data=body, headers=headers) as reply:
            assert reply.status < 500
    assert (await organization.ask("GET", "/api/v1/audit"))[0] == 200


async def test_a_wrong_content_type_is_415(organization: Organization):
    for path in ("/api/v1/api-keys", "/mcp"):
        headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "text/plain"}
        async with organization.mesh.http.post(path, data=b'{"name": "x"}', headers=headers) as reply:
            assert reply.status == 415
