"""How the Python SDK tells Developer Mesh's refusals from those of something else that answers at its address."""

from __future__ import annotations

from typing import Any

import pytest

from devmesh_sdk import (
    ApiKey,
    AuthenticationError,
    DeveloperMeshError,
    MalformedReplyError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestError,
    ServerError,
    ValidationError,
)
from devmesh_sdk.api import operations as do
from devmesh_sdk.api import own
from devmesh_sdk.steps import Reply, Steps
from sdk.played import KEY, Play, problem, reply

ELSEWHERE = (MalformedReplyError, "malformed_reply")
PAGE = b"<!doctype html><title>Not Found</title>"
HINT = "Did you mean github.get_issue?"


def rpc(status: int, number: Any, message: str = "It is so.", **data: Any) -> Reply:
    return reply(status, {"jsonrpc": "2.0", "id": 1, "error": {"code": number, "message": message, "data": data}})


def refused(answer: Reply, call: Any = do.show_profile) -> DeveloperMeshError:
    play = Play(answer, auth=ApiKey(KEY), retries=0)
    steps: Steps[Any] = call(play.core)
    with pytest.raises(DeveloperMeshError) as raised:
        play.take(steps)
    return raised.value


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (reply(404, PAGE), *ELSEWHERE),
        (reply(405, PAGE), *ELSEWHERE),
        (reply(404, {"message": "Not Found"}), *ELSEWHERE),
        (reply(404, {"error": {"code": 404, "message": "No."}}), *ELSEWHERE),
        (reply(404, {"jsonrpc": "2.0", "error": {"code": "x"}}), *ELSEWHERE),
        (reply(409, b""), *ELSEWHERE),
        (reply(401, PAGE), AuthenticationError, "http_401"),
        (reply(403, PAGE), PermissionDeniedError, "http_403"),
        (reply(429, PAGE), RateLimitError, "http_429"),
        (reply(500, b""), ServerError, "http_500"),
        (reply(502, PAGE), ServerError, "http_502"),
        (reply(503, PAGE), ServerError, "http_503"),
        (reply(504, PAGE), ServerError, "http_504"),
        (problem(404, "not_found"), NotFoundError, "not_found"),
        (rpc(400, -32600), RequestError, "json_rpc_-32600"),
    ],
)
def test_a_refusal_is_developer_meshs_own_a_proxys_or_somebody_elses(answer, kind, code):
    error = refused(answer)
    assert (type(error), error.code, error.status) == (kind, code, answer.status)


def test_an_unknown_tool_is_not_found_over_mcp_too_with_the_servers_hint_told_once():
    message = f"Unknown tool. There is no tool 'github.nope'. {HINT}"
    answer = rpc(200, -32602, message, code="unknown_tool", hint=HINT, nearest=["github.get_issue"])
    error = refused(answer, lambda core: own.mcp_call_tool(core, "github.nope"))
    assert (type(error), error.code, error.hint) == (NotFoundError, "unknown_tool", HINT)
    assert str(error) == f"{message} [unknown_tool]"
    assert error.details["nearest"] == ["github.get_issue"]


@pytest.mark.parametrize(
    ("number", "kind"),
    [(-32601, NotFoundError), (-32602, ValidationError), (-32603, ServerError), (403, PermissionDeniedError)],
)
def test_a_json_rpc_error_is_of_the_class_that_http_has_for_it(number, kind):
    error = refused(rpc(200, number), own.mcp_list_tools)
    assert (type(error), error.code, str(error)) == (kind, f"json_rpc_{number}", f"It is so. [json_rpc_{number}]")


@pytest.mark.parametrize(
    "body",
    [{}, {"error": {"code": 404}}, {"jsonrpc": "2.0", "error": "no"}, {"jsonrpc": "2.0", "error": {"code": "x"}}],
)
def test_what_is_no_json_rpc_message_is_a_malformed_reply(body):
    assert type(refused(reply(200, body), own.mcp_list_tools)) is MalformedReplyError
