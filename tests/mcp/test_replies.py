"""A tool's result and a failure, as each era wants them written."""

from __future__ import annotations

import json

import msgspec
import pytest

from devmesh.errors import Unavailable
from devmesh.gateway.model import ToolResult
from devmesh.mcp.errors import told
from devmesh.mcp.exchange import Exchange
from devmesh.mcp.protocol import META_SERVER, SERVER_INFO
from devmesh.mcp.replies import called as pieces

VALUES = ['{"a":1}', ' {"a":1}', "[1]", '"x"', "1", "false"]


def called(result: ToolResult, *, modern: bool) -> bytes:
    return b"".join(pieces(result, modern=modern))


@pytest.mark.parametrize("text", VALUES)
def test_the_latest_era_carries_any_structured_value_as_it_is(text):
    result = json.loads(called(ToolResult(text, msgspec.Raw(text.encode())), modern=True))
    assert result["structuredContent"] == json.loads(text)


@pytest.mark.parametrize("text", VALUES)
@pytest.mark.parametrize("raw", [True, False])
def test_the_eras_before_carry_objects_and_wrap_the_rest(text, raw):
    value = json.loads(text)
    result = json.loads(called(ToolResult(text, msgspec.Raw(text.encode()) if raw else value), modern=False))
    assert result["structuredContent"] == (value if isinstance(value, dict) else {"result": value})


@pytest.mark.parametrize(
    "text", [*VALUES, '{\t"a\\\\": "\\" \\u0007 \\n \x7f \u2028 \U0001f600",\r\n"b":[]}\n', json.dumps('\\"' * 9)]
)
@pytest.mark.parametrize("modern", [True, False])
def test_a_text_that_is_json_arrives_as_it_came(text, modern):
    raw = msgspec.Raw(text.encode())
    result = msgspec.json.decode(called(ToolResult(raw, raw), modern=modern))
    assert result == json.loads(called(ToolResult(text, json.loads(text)), modern=modern))
    assert result["content"] == [{"type": "text", "text": text}]


def test_a_result_of_text_alone_has_no_structure():
    assert json.loads(called(ToolResult("plain"), modern=False)) == {"content": [{"type": "text", "text": "plain"}]}


def test_meta_stands_beside_who_we_are():
    result = ToolResult("no", is_error=True, meta={"code": "x"})
    assert json.loads(called(result, modern=True)) == {
        "resultType": "complete",
        "content": [{"type": "text", "text": "no"}],
        "isError": True,
        "_meta": {META_SERVER: SERVER_INFO, "code": "x"},
    }
    assert json.loads(called(result, modern=False))["_meta"] == {"code": "x"}


def exchange(request_id: int | None) -> Exchange:
    return Exchange([], {}, None, "req-1", request_id=request_id)


def test_a_fault_of_ours_is_told_without_its_text(caplog):
    reply = told(RuntimeError("secret detail"), exchange(3))
    raw = b"".join(reply.body)
    body = json.loads(raw)
    assert (reply.status, body["id"], body["error"]["code"]) == (500, 3, -32603)
    assert body["error"]["data"] == {"request_id": "req-1"}
    assert b"secret" not in raw
    assert "req-1" in caplog.text


@pytest.mark.parametrize(
    ("error", "waits"),
    [(Unavailable(retry_after=0.2), b"1"), (Unavailable(retry_after=1.2), b"2"), (Unavailable(), None)],
)
def test_a_known_error_keeps_its_status_hint_and_wait(error, waits):
    reply = told(error, exchange(None))
    body = json.loads(b"".join(reply.body))["error"]
    assert (reply.status, body["code"]) == (503, 503)
    assert body["data"]["hint"] == error.hint
    assert dict(reply.headers).get(b"retry-after") == waits
