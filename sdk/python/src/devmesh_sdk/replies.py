"""Reads replies: JSON as it is, and everything else as the one error that it stands for."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from devmesh_sdk.errors import (
    AuthenticationError,
    ConflictError,
    ConnectionFailedError,
    DeveloperMeshError,
    MalformedReplyError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    RequestError,
    ServerError,
    TimedOutError,
    ValidationError,
)
from devmesh_sdk.masking import masked
from devmesh_sdk.steps import Lost, Outcome, Reply

_SUCCESS = range(200, 300)
_NOTHING = 204
_UNKNOWN_TOOL = "unknown_tool"
# JSON-RPC's own numbers, as the statuses that HTTP has for the same.
_RPC = {-32700: 400, -32600: 400, -32601: 404, -32602: 422, -32603: 500}
_REFUSED = 400
_FAILED = 500
_KINDS: Mapping[int, type[DeveloperMeshError]] = {
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    412: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}
_TOLD = frozenset(
    ("code", "status", "hint", "request_id", "retry_after", "detail", "error", "title", "type", "instance")
)
_ELSEWHERE = "Look at base_url: something other than Developer Mesh answers there."


def succeeded(outcome: Outcome) -> bool:
    """Return whether the server did what it was asked."""
    return isinstance(outcome, Reply) and outcome.status in _SUCCESS


def read(reply: Reply) -> Any:
    """Return the JSON object that the reply is, None if it is 204; raises MalformedReplyError."""
    if reply.status == _NOTHING:
        return None
    body = _object(reply)
    if body is None:
        raise _malformed(reply)
    return body


def holding(reply: Any, *names: str) -> Any:
    """Return the reply if it has these members; otherwise raise MalformedReplyError."""
    if any(name not in reply for name in names):
        raise MalformedReplyError("The reply is another one than asked for.", code="malformed_reply", hint=_ELSEWHERE)
    return reply


def error_of(outcome: Outcome, secrets: Iterable[str]) -> DeveloperMeshError:
    """Return the error that an outcome without success stands for, free of these secrets."""
    if isinstance(outcome, Lost):
        return _lost(outcome, secrets)
    problem = _problem(outcome)
    if problem is None:
        return _unexplained(outcome)
    return problem_error(masked(problem, secrets), outcome.status, retry_after_of(outcome))


def problem_error(
    problem: Mapping[str, Any],
    status: int | None,
    retry_after: float | None,
    kind: type[DeveloperMeshError] | None = None,
) -> DeveloperMeshError:
    """Return the error that a problem document (RFC 9457), or the `data` of a JSON-RPC error, tells of."""
    said, detail = str(problem.get("error") or ""), str(problem.get("detail") or "")
    request_id = problem.get("request_id")
    return (kind or kind_of(status))(
        f"{said}: {detail}" if said and detail and said != detail else said or detail or f"HTTP {status}.",
        code=str(problem["code"]),
        status=status,
        hint=str(problem.get("hint") or ""),
        request_id=None if request_id is None else str(request_id),
        retry_after=retry_after if retry_after is not None else _seconds(problem.get("retry_after")),
        details={name: value for name, value in problem.items() if name not in _TOLD},
    )


def rpc_error(message: Any, secrets: Iterable[str]) -> DeveloperMeshError:
    """Return the error that a JSON-RPC message without a result stands for (JSON-RPC 2.0, section 5.1)."""
    error = _rpc_error_in(message)
    if error is None:
        return MalformedReplyError("The reply is no JSON-RPC message.", code="malformed_reply", hint=_ELSEWHERE)
    problem = masked(_of_rpc(error), secrets)
    status = _RPC.get(error["code"], error["code"])
    kind = NotFoundError if problem["code"] == _UNKNOWN_TOOL else kind_of(status)
    return problem_error(problem, None, None, kind)


def kind_of(status: int | None) -> type[DeveloperMeshError]:
    """Return the class of error that a status stands for."""
    if status is None or status < _REFUSED:
        return DeveloperMeshError
    return _KINDS.get(status, ServerError if status >= _FAILED else RequestError)


def retry_after_of(reply: Reply) -> float | None:
    """Return the seconds that Retry-After asks to wait, given as such or as a date (RFC 9110, 10.2.3)."""
    value = reply.headers.get("retry-after")
    if value is None:
        return None
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)


def _seconds(value: Any) -> float | None:
    try:
        seconds = float(value)
    except (TypeError, ValueError):
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _object(reply: Reply) -> dict[str, Any] | None:
    try:
        body = json.loads(reply.body)
    except (ValueError, RecursionError):
        return None
    return body if isinstance(body, dict) else None


def _problem(reply: Reply) -> dict[str, Any] | None:
    """Return the problem document, or what a JSON-RPC error holds of one."""
    body = _object(reply) or {}
    error = _rpc_error_in(body)
    if error is not None:
        body = _of_rpc(error)
    return body if isinstance(body.get("code"), str) else None


def _rpc_error_in(body: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the error of a JSON-RPC message; other servers' JSON has an `error` too, and says not "2.0"."""
    error = body.get("error")
    if body.get("jsonrpc") != "2.0" or not isinstance(error, dict) or not isinstance(error.get("code"), int):
        return None
    return error


def _of_rpc(error: Mapping[str, Any]) -> dict[str, Any]:
    data = error.get("data")
    found = {"code": f"json_rpc_{error['code']}"} | (data if isinstance(data, dict) else {})
    # Developer Mesh's message ends with the hint, for those who show nothing else.
    hint = str(found.get("hint") or "")
    return found | {"error": str(error.get("message", "")).removesuffix(hint).rstrip(), "hint": hint}


def _unexplained(reply: Reply) -> DeveloperMeshError:
    """Return the error for a status that somebody on the way has answered with: a proxy, or another server."""
    kind = kind_of(reply.status)
    if kind in (ServerError, RateLimitError, AuthenticationError, PermissionDeniedError):
        message = f"HTTP {reply.status}, and not in Developer Mesh's words: a proxy before it may have said so."
        return kind(message, code=f"http_{reply.status}", status=reply.status, retry_after=retry_after_of(reply))
    return _malformed(reply)


def _malformed(reply: Reply) -> MalformedReplyError:
    what = reply.headers.get("content-type", "").partition(";")[0].strip().lower()
    described = what if what in {"text/html", "text/plain", "application/json"} else "something else"
    message = f"The reply (HTTP {reply.status}, {described}, {len(reply.body)} bytes) is not Developer Mesh's."
    return MalformedReplyError(message, code="malformed_reply", status=reply.status, hint=_ELSEWHERE)


def _lost(lost: Lost, secrets: Iterable[str]) -> DeveloperMeshError:
    reason: str = masked(lost.reason, secrets)
    if lost.kind == "timed_out":
        hint = "" if lost.unsent else "Whether the server acted is not known."
        return TimedOutError(reason, code=lost.kind, hint=hint)
    if lost.kind == "malformed_reply":
        return MalformedReplyError(reason, code=lost.kind, hint=_ELSEWHERE)
    hint = "Look at base_url, and whether the server runs." if lost.unsent else "Whether the server acted is not known."
    return ConnectionFailedError(reason, code=lost.kind, hint=hint)
