"""Errors as problem documents (RFC 9457): the one form of every refusal under REST."""

from __future__ import annotations

import logging
import math
import os
import re
import struct
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from devmesh.crypto.tokens import SECRETS, masked
from devmesh.errors import MeshError, Unauthenticated
from devmesh.metrics import REFUSALS

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Header = tuple[bytes, bytes]

KEY = re.compile(SECRETS.pattern.encode())
_LOG = logging.getLogger("devmesh.http")
_MASK = b"[key]"
_RANDOM = struct.Struct("7s")
_DRAWN_AT_ONCE = 128
_drawn: list[tuple[bytes]] = []
# A child must not draw what its parent has drawn.
os.register_at_fork(after_in_child=_drawn.clear)
_MAX_INSTANCE = 200
_CHALLENGE = (b"www-authenticate", b'Bearer realm="devmesh"')
_BAD_TOKEN = (b"www-authenticate", b'Bearer realm="devmesh", error="invalid_token"')
_CONTENT_TYPE = (b"content-type", b"application/problem+json")
# Where an error class's short text is not also the status's own title.
_TITLES = {401: "Authentication required"}


class MethodNotAllowed(MeshError):
    """The address exists and takes other methods: those in `allow`."""

    status = 405
    code = "method_not_allowed"
    error = "Method Not Allowed"

    def __init__(self, allow: Sequence[str]) -> None:
        self.allow = tuple(allow)
        super().__init__("This address does not take that method.", hint=f"It takes {', '.join(self.allow)}.")


@dataclass(frozen=True, slots=True)
class Rendered:
    """A whole reply, ready to be sent."""

    status: int
    headers: list[Header]
    body: bytes


def new_request_id() -> str:
    """Return an id for a request: no two are alike, and later ones are greater."""
    if not _drawn:
        _drawn.extend(_RANDOM.iter_unpack(os.urandom(_DRAWN_AT_ONCE * _RANDOM.size)))
    return ((time.time_ns() // 1_000_000).to_bytes(6) + _drawn.pop()[0]).hex()


def render(error: MeshError, *, path: str = "", request_id: str = "", headers: Iterable[Header] = ()) -> Rendered:
    """Return the problem document of `error` and the headers that its status calls for; keys in it are masked."""
    document: dict[str, object] = {
        "type": f"urn:devmesh:problem:{error.code}",
        "title": _TITLES.get(error.status, error.error),
        "status": error.status,
        "detail": error.detail,
        "instance": masked(path)[:_MAX_INSTANCE],
        "code": error.code,
        "error": error.error,
        "hint": error.hint,
        "request_id": request_id,
    }
    wait = math.ceil(error.retry_after) if error.retry_after is not None else None
    if wait is not None:
        document["retry_after"] = wait
    body = KEY.sub(_MASK, encode({**document, **error.extra}))
    found = [_CONTENT_TYPE, (b"content-length", str(len(body)).encode()), *headers]
    if wait is not None:
        found.append((b"retry-after", str(wait).encode()))
    if isinstance(error, MethodNotAllowed):
        found.append((b"allow", ", ".join(error.allow).encode()))
    if error.status == Unauthenticated.status:
        found.append(_CHALLENGE if type(error) is Unauthenticated else _BAD_TOKEN)
    return Rendered(error.status, found, body)


def encode(document: Mapping[str, object]) -> bytes:
    """Return the document as JSON; what JSON cannot hold (a lone surrogate from a path) is replaced."""
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode({name: _clean(value) for name, value in document.items()})


def of_unexpected(error: Exception, request_id: str) -> MeshError:
    """Return what a caller may know of `error`; a fault of our own is logged whole under the request's id."""
    if isinstance(error, MeshError):
        return error
    _LOG.error("request %s failed", request_id, exc_info=error)
    return MeshError("Something went wrong on our side; it is logged under the request_id.")


async def answer(scope: Scope, send: Send, error: MeshError, headers: Iterable[Header] = ()) -> None:
    """Send the problem document of `error` as the whole reply to the request of `scope`."""
    REFUSALS.add(error.code)
    state = scope["state"]
    rendered = render(error, path=state.get("path", scope["path"]), request_id=state["request_id"], headers=headers)
    await send({"type": "http.response.start", "status": rendered.status, "headers": rendered.headers})
    await send({"type": "http.response.body", "body": rendered.body})


def _clean(value: object) -> object:
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
