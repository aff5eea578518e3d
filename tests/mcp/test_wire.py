"""The wire as MCP.md's tables have it: one row a case, over a plain socket."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

MODERN = "2026-07-28"
ALL = [MODERN, "2025-11-25", "2025-06-18", "2025-03-26"]
VERSION = "io.modelcontextprotocol/protocolVersion"
CAPABILITIES = "io.modelcontextprotocol/clientCapabilities"
SERVER = "io.modelcontextprotocol/serverInfo"
TOOL = "mesh.list_services"
JSON = "application/json"


def message(method: str, params: Any = None, **members: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, **({} if params is None else {"params": params}), **members}


def modern_meta(version: str) -> dict[str, Any]:
    return {"_meta": {VERSION: version, CAPABILITIES: {}}}


# What is sent, without any MCP header unless given; the HTTP status and the JSON-RPC code that come back.
REFUSED = {
    "no JSON": (b"{", {}, 400, -32700),
    "an empty body": (b"", {}, 400, -32700),
    "a byte order mark": (b"\xef\xbb\xbf{}", {}, 400, -32700),
    "invalid UTF-8": (b'{"jsonrpc":"2.0","id":1,"method":"\xff"}', {}, 400, -32700),
    "a lone surrogate": (b'{"jsonrpc":"2.0","id":1,"method":"\\ud800"}', {}, 400, -32700),
    "a key twice": (b'{"jsonrpc":"2.0","id":1,"id":2,"method":"ping"}', {}, 400, -32700),
    "a key twice inside": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":{"a":{"b":1,"b":1}}}', {}, 400, -32700),
    "100,000 levels": (b'{"jsonrpc":"2.0","id":1,"method":"ping","params":' + b"[" * 100_000, {}, 400, -32700),
    "101 levels": (message("ping", {"a": json.loads("[" * 101 + "]" * 101)}), {}, 400, -32700),
    "NUL in a string": (message("tools/call", {"name": "a\0"}), {}, 400, -32602),
    "a number": (b"1", {}, 400, -32600),
    "null": (b"null", {}, 400, -32600),
    "another JSON-RPC": (message("ping", jsonrpc="1.0"), {}, 400, -32600),
    "no JSON-RPC": ({"id": 1, "method": "ping"}, {}, 400, -32600),
    "a method that is no string": (message(7), {}, 400, -32600),  # type: ignore[arg-type]
    "no method": ({"jsonrpc": "2.0", "id": 1}, {}, 400, -32600),
    "a posted response": ({"jsonrpc": "2.0", "id": 1, "result": {}}, {}, 400, -32600),
    "params that are a list": (message("ping", []), {}, 400, -32600),
    "an id of null": (message("ping", id=None), {}, 400, -32600),
    "an id of true": (message("ping", id=True), {}, 400, -32600),
    "an id that is an object": (message("ping", id={}), {}, 400, -32600),
    "an id with a fraction": (message("ping", id=1.5), {}, 400, -32600),
    "an id of 1.0": (b'{"jsonrpc":"2.0","id":1.0,"method":"ping"}', {}, 400, -32600),
    "an id of 65 bits": (message("ping", id=2**64), {}, 400, -32600),
    "an id of 5,000 digits": (b'{"jsonrpc":"2.0","id":1%s,"method":"ping"}' % (b"0" * 5000), {}, 400, -32700),
    "an id of 257 characters": (message("ping", id="x" * 257), {}, 400, -32600),
    "a call without an id": ({"jsonrpc": "2.0", "method": "tools/call", "params": {"name": TOOL}}, {}, 400, -32600),
    "an unknown version": (message("ping"), {"MCP-Protocol-Version": "2024-11-05"}, 400, -32022),
    "an unknown version of a notification": (
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        {"MCP-Protocol-Version": "2031-01-01"},
        400,
        -32022,
    ),
    "a version that is not served without a handshake": (
        message("tools/list", modern_meta("2025-11-25")),
        {"MCP-Protocol-Version": "2025-11-25", "Mcp-Method": "tools/list"},
        400,
        -32022,
    ),
    "a modern body without headers": (message("tools/list", modern_meta(MODERN)), {}, 400, -32020),
    "a modern header over a bare body": (message("tools/list"), {"MCP-Protocol-Version": MODERN}, 400, -32602),
    "no capabilities": (
        message("tools/list", {"_meta": {VERSION: MODERN}}),
        {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"},
        400,
        -32602,
    ),
    "capabilities that are a list": (
        message("tools/list", {"_meta": {VERSION: MODERN, CAPABILITIES: []}}),
        {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"},
        400,
        -32602,
    ),
    "another version in the header": (
        message("tools/list", modern_meta("2026-01-01")),
        {"MCP-Protocol-Version": MODERN, "Mcp-Method": "tools/list"},
        400,
        -32020,
    ),
    "an unknown method of old": (message("no/such"), {}, 200, -32601),
    "server/discover of old": (message("server/discover"), {}, 200, -32601),
    "logging, which is not declared": (message("logging/setLevel", {"level": "info"}), {}, 200, -32601),
    "initialize without a version": (message("initialize", {}), {}, 200, -32602),
    "a call without a name": (message("tools/call", {}), {}, 200, -32602),
    "a name that is no string": (message("tools/call", {"name": 1}), {}, 200, -32602),
    "arguments that are a list": (message("tools/call", {"name": TOOL, "arguments": []}), {}, 200, -32602),
    "an unknown tool": (message("tools/call", {"name": "mesh.list_service"}), {}, 200, -32602),
    "a cursor that is none": (message("tools/list", {"cursor": "MTAw"}), {}, 200, -32602),
    "a cursor that is no string": (message("tools/list", {"cursor": 100}), {}, 200, -32602),
    "a form of names that is none": (message("tools/list"), {"X-Mesh-Tool-Names": "dash"}, 200, -32602),
    "an unknown prompt": (message("prompts/get", {"name": "x"}), {}, 200, -32602),
    "an unknown resource": (message("resources/read", {"uri": "x:"}), {}, 200, -32002),
    "a batch for a later version": ([message("ping")], {"MCP-Protocol-Version": "2025-06-18"}, 400, -32600),
    "an empty batch": (b"[]", {}, 400, -32600),
    "a batch of 21": ([message("ping")] * 21, {}, 400, -32600),
    "no content type": (message("ping"), {"Content-Type": ""}, 415, 415),
    "a form": (b"a=1", {"Content-Type": "application/x-www-form-urlencoded"}, 415, 415),
    "JSON in Latin-1": (message("ping"), {"Content-Type": "application/json; charset=latin-1"}, 415, 415),
    "a client that takes only streams": (message("ping"), {"Accept": "text/event-stream"}, 406, 406),
    "a client that takes anything but JSON": (message("ping"), {"Accept": "*/*, application/json;q=0"}, 406, 406),
}


@pytest.mark.parametrize(("body", "headers", "status", "code"), REFUSED.values(), ids=REFUSED.keys())
async def test_what_cannot_be_served_is_refused_by_number(ask, body, headers, status, code):
    answer = await ask(body, headers)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.headers["content-type"] == JSON
    assert "x-ratelimit-limit" in answer.headers
    assert b"Traceback" not in answer.body


# The changes to a right call of 2026-07-28, and what comes back.
MODERN_REFUSED = {
    "no method header": ("tools/list", {}, {"Mcp-Method": ""}, 400, -32020),
    "another method header": ("tools/list", {}, {"Mcp-Method": "prompts/list"}, 400, -32020),
    "a method header in capitals": ("tools/list", {}, {"Mcp-Method": "TOOLS/LIST"}, 400, -32020),
    "no name header": ("tools/call", {"name": TOOL}, {"Mcp-Name": ""}, 400, -32020),
    "another name header": ("tools/call", {"name": TOOL}, {"Mcp-Name": "x"}, 400, -32020),
    "a wrapped name that is broken": ("tools/call", {"name": TOOL}, {"Mcp-Name": "=?base64?bWVz?"}, 400, -32020),
    "a wrapped name with bad padding": ("tools/call", {"name": TOOL}, {"Mcp-Name": "=?base64?SGVsbG8?="}, 400, -32020),
    "a name that is no string": ("tools/call", {"name": 1}, {}, 400, -32602),
    "no uri": ("resources/read", {}, {}, 400, -32602),
    "an unknown version": (
        "server/discover",
        modern_meta("2031-01-01"),
        {"MCP-Protocol-Version": "2031-01-01"},
        400,
        -32022,
    ),
    "arguments that are a list": ("tools/call", {"name": TOOL, "arguments": []}, {}, 400, -32602),
    "a cursor that is none": ("tools/list", {"cursor": "!"}, {}, 400, -32602),
    "an unknown tool": ("tools/call", {"name": "mesh.list_service"}, {}, 200, -32602),
    "an unknown prompt": ("prompts/get", {"name": "x"}, {}, 400, -32602),
    **{
        f"{method}, which is gone": (method, {}, {}, 404, -32601)
        for method in ("initialize", "ping", "logging/setLevel", "resources/subscribe", "subscriptions/listen", "no")
    },
}


@pytest.mark.parametrize(
    ("method", "params", "headers", "status", "code"), MODERN_REFUSED.values(), ids=MODERN_REFUSED.keys()
)
async def test_a_modern_request_is_refused_by_number_and_with_its_id(ask, method, params, headers, status, code):
    answer = await ask.modern(method, params, headers)
    assert (answer.status, answer.code) == (status, code), answer.body
    assert answer.json()["id"] == 7


async def test_an_unsupported_version_is_told_those_that_are(ask):
    answer = await ask.modern("server/discover", modern_meta("v9"), {"MCP-Protocol-Version": "v9"})
    assert answer.json()["error"]["data"] == {"supported": ALL, "requested": "v9"}


async def test_discover_tells_versions_capabilities_and_how_long_they_hold(ask):
    result = (await ask.modern("server/discover")).json()["result"]
    assert result["supportedVersions"] == ALL
    assert set(result["capabilities"]) == {"tools", "prompts", "resources"}
    assert (result["resultType"], result["cacheScope"]) == ("complete", "private")
    assert result["ttlMs"] > 0
    assert result["_meta"][SERVER]["name"] == "devmesh"
    assert TOOL in result["instructions"]


@pytest.mark.parametrize(
    ("method", "member"),
    [
        ("tools/list", "tools"),
        ("prompts/list", "prompts"),
        ("resources/list", "resources"),
        ("resources/templates/list", "resourceTemplates"),
    ],
)
async def test_lists_carry_cache_hints_for_modern_clients_only(ask, method, member):
    result = (await ask.modern(method)).json()["result"]
    assert (result["resultType"], result["cacheScope"], type(result["ttlMs"])) == ("complete", "private", int)
    old = (await ask.legacy(method)).json()["result"]
    assert old == {member: result[member]}


@pytest.mark.parametrize("wrapped", [TOOL, f"  {TOOL}\t ", "=?base64?bWVzaC5saXN0X3NlcnZpY2Vz?="])
async def test_the_name_header_is_compared_unwrapped_and_without_blanks(ask, wrapped):
    answer = await ask.modern("tools/call", {"name": TOOL}, {"Mcp-Name": wrapped})
    assert answer.status == 200
    assert "result" in answer.json()


async def test_a_tool_call_answers_text_structure_and_stamps(ask):
    result = (await ask.modern("tools/call", {"name": TOOL, "arguments": {}})).json()["result"]
    assert result["resultType"] == "complete"
    assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
    assert result["_meta"][SERVER]["name"] == "devmesh"
    assert result["_meta"]["request_id"]


async def test_the_guides_own_post_is_answered_with_one_json_object(ask):
    body = (
        b'{\n  "jsonrpc": "2.0",\n  "id": 1,\n  "method": "tools/call",\n  "params": {"name": "mesh.list_services"}\n}'
    )
    answer = await ask(body, {"Accept": "*/*", "User-Agent": "curl/8.5.0"})
    assert answer.status == 200
    assert answer.headers["content-type"] == JSON
    assert answer.json()["id"] == 1
    assert "services" in answer.json()["result"]["structuredContent"]


async def test_the_guides_own_call_creates_the_issue_with_the_persons_own_token(ask, organization, github):
    await organization.connect(github, "ghp_adas_token_000000")
    arguments = {
        "owner": "my-org",
        "repo": "my-repo",
        "title": "New feature request",
        "body": "Description of the feature",
    }
    call = message("tools/call", {"name": "github.create_issue", "arguments": arguments})
    answer = await ask(call, key=await organization.new_key())
    assert answer.json()["result"]["structuredContent"]["title"] == "New feature request"
    sent = github.received[-1]
    assert (sent.method, sent.path) == ("POST", "/repos/my-org/my-repo/issues")
    assert sent.headers["authorization"] == "Bearer ghp_adas_token_000000"


async def test_an_alias_with_an_underscore_calls_the_same_tool(ask):
    answer = await ask.legacy("tools/call", {"name": "mesh_list_services"})
    assert "services" in answer.json()["result"]["structuredContent"]


async def test_the_header_chooses_the_form_of_the_listed_names(ask):
    dotted = await ask.legacy("tools/list")
    lined = await ask(message("tools/list"), {"X-Mesh-Tool-Names": "underscore"})
    assert TOOL in [tool["name"] for tool in dotted.json()["result"]["tools"]]
    assert "mesh_list_services" in [tool["name"] for tool in lined.json()["result"]["tools"]]


async def test_wrong_arguments_are_a_tool_error_and_no_http_error(ask):
    answer = await ask.legacy("tools/call", {"name": TOOL, "arguments": {"no": 1}})
    result = answer.json()["result"]
    assert (answer.status, result["isError"]) == (200, True)
    assert result["content"][0]["text"].startswith("Validation Failed\n")
    assert result["_meta"]["code"] == "validation_failed"


async def test_a_passed_through_header_without_a_field_is_a_tool_error(ask):
    answer = await ask(message("tools/call", {"name": TOOL}), {"X-Service-GitHub": "x"})
    result = answer.json()["result"]
    assert (answer.status, result["isError"]) == (200, True)
    assert "x-service-github" in result["content"][0]["text"]


@pytest.mark.parametrize(
    "accept", ["", "*/*", "application/*", "application/json", "text/html, application/json;q=0.1"]
)
async def test_json_is_what_these_clients_accept(ask, accept):
    assert (await ask(message("ping"), {"Accept": accept})).json()["result"] == {}


@pytest.mark.parametrize("version", ["2025-03-26", "2025-06-18", "2025-11-25"])
async def test_initialize_agrees_to_the_version_that_is_asked_for(ask, version):
    params = {"protocolVersion": version, "capabilities": {}, "clientInfo": {"name": "t", "version": "1"}}
    answer = await ask(message("initialize", params))
    assert answer.json()["result"]["protocolVersion"] == version
    assert "mcp-session-id" not in answer.headers


@pytest.mark.parametrize("version", ["2024-11-05", MODERN, "2031-01-01"])
async def test_initialize_offers_the_latest_version_with_a_handshake_for_any_other(ask, version):
    answer = await ask(message("initialize", {"protocolVersion": version}))
    assert answer.json()["result"]["protocolVersion"] == "2025-11-25"


@pytest.mark.parametrize("version", ["", "2025-03-26", "2025-06-18", "2025-11-25", MODERN])
async def test_a_notification_is_accepted_with_nothing(ask, version):
    answer = await ask({"jsonrpc": "2.0", "method": "notifications/initialized"}, {"MCP-Protocol-Version": version})
    assert (answer.status, answer.body) == (202, b"")
    assert "content-type" not in answer.headers
    assert "x-ratelimit-limit" in answer.headers


@pytest.mark.parametrize("method", ["GET", "DELETE", "PUT", "HEAD"])
async def test_only_post_is_allowed(ask, method):
    answer = await ask(b"", method=method)
    assert (answer.status, answer.headers["allow"]) == (405, "POST")


async def test_a_session_id_is_ignored_and_never_echoed(ask):
    answer = await ask(message("ping"), {"Mcp-Session-Id": "abc", "Last-Event-ID": "9"})
    assert answer.json()["result"] == {}
    assert "mcp-session-id" not in answer.headers


async def test_unknown_members_are_tolerated(ask):
    answer = await ask({**message("tools/list", {"_meta": {"progressToken": 1}, "new": 1}), "extra": True})
    assert "tools" in answer.json()["result"]


@pytest.mark.parametrize("request_id", [0, -5, 2**63 - 1, "", "é\n", "x" * 256])
async def test_an_id_comes_back_as_it_was_sent(ask, request_id):
    assert (await ask(message("ping", id=request_id))).json()["id"] == request_id


async def test_a_batch_is_answered_in_its_order_without_its_notifications(ask):
    batch = [
        message("ping", id="a"),
        {"jsonrpc": "2.0", "method": "notifications/initialized"},
        message("tools/call", {"name": TOOL}, id="b"),
        message("initialize", {"protocolVersion": "2025-03-26"}, id="c"),
        {"jsonrpc": "2.0", "id": "d"},
        message("tools/list", modern_meta(MODERN), id="e"),
        7,
    ]
    answer = await ask(batch)
    assert answer.status == 200
    assert [(item["id"], item.get("error", {}).get("code")) for item in answer.json()] == [
        ("a", None),
        ("b", None),
        ("c", -32600),
        ("d", -32600),
        ("e", -32600),
        (None, -32600),
    ]


async def test_a_batch_of_notifications_is_accepted_with_nothing(ask):
    answer = await ask([{"jsonrpc": "2.0", "method": "notifications/cancelled"}] * 2)
    assert (answer.status, answer.body) == (202, b"")


async def test_a_body_that_comes_in_pieces_is_read_whole(ask):
    content = json.dumps(message("ping")).encode()
    chunks = b"".join(b"1\r\n%c\r\n" % byte for byte in content) + b"0\r\n\r\n"
    answer = await ask(chunks, {"Content-Length": "", "Transfer-Encoding": "chunked"})
    assert b'"result":{}' in answer.body


@pytest.mark.parametrize(("key", "error"), [("", b""), ("agt_wrong", b'error="invalid_token"')])
async def test_without_a_valid_key_the_answer_is_401_with_a_challenge(ask, key, error):
    answer = await ask(b"{", {"Authorization": f"Bearer {key}"} if key else {"Authorization": ""})
    assert answer.status == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="devmesh"')
    assert error.decode() in answer.headers["www-authenticate"]
    assert answer.headers["ratelimit-policy"].startswith('"address";')


@pytest.mark.parametrize("body", [message("ping"), b"{", {"jsonrpc": "2.0", "method": "notifications/initialized"}])
async def test_a_used_up_limit_is_429_except_for_tool_calls(ask, spent_key, body):
    answer = await ask(body, key=spent_key)
    assert (answer.status, answer.code) == (429, 429)
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["error"]["data"]["retry_after"] == int(answer.headers["retry-after"])
    assert answer.json()["error"]["message"].endswith(f" retry_after: {answer.headers['retry-after']} s.")
    assert "x-ratelimit-limit" in answer.headers


async def test_a_used_up_limit_is_a_tool_error_for_tool_calls(ask, spent_key):
    answer = await ask(message("tools/call", {"name": TOOL}), key=spent_key)
    assert answer.status == 200
    result = answer.json()["result"]
    assert result["isError"] is True
    assert result["_meta"]["retry_after"] >= 1
    # An agent sees the text alone: the wait that it speaks of stands there too, and is no shorter.
    said = re.search(r"\nretry_after: ([0-9]+) s$", result["content"][0]["text"])
    assert said is not None
    assert int(said[1]) >= result["_meta"]["retry_after"]


async def test_a_key_in_a_tools_name_is_masked(ask, api_key):
    answer = await ask(message("tools/call", {"name": f"x{api_key}"}))
    assert answer.code == -32602
    assert api_key.encode() not in answer.body
