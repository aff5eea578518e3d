"""The outermost callable: what holds for every request, before anything of it is believed."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from devmesh.errors import BadRequest
from devmesh.http.address import Addresses
from devmesh.http.allowed import Hosts, Origins, preflight
from devmesh.http.intake import MEBIBYTE, Intake, of_length
from devmesh.http.misplaced import refuse_in_cookie, refuse_in_query
from devmesh.http.problem import Header, Message, Receive, Scope, Send, answer, new_request_id, of_unexpected
from devmesh.metrics import REQUEST_SECONDS, REQUESTS
from devmesh.settings import Settings

App = Callable[[Scope, Receive, Send], Awaitable[None]]

_NOT_TWICE = frozenset(
    b"authorization content-length content-type host idempotency-key if-match mcp-method mcp-name mcp-protocol-version "
    b"mcp-session-id origin x-api-key x-mesh-result-bytes x-mesh-tool-names x-on-behalf-of "
    b"x-registration-token x-tenant-id".split()
)
_SECURITY: tuple[Header, ...] = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"no-referrer"))
_NO_STORE = (b"cache-control", b"no-store")
_POLICY_CLOSED: Message = {"type": "websocket.close", "code": 1008}


class Edge:
    """The ASGI callable around everything else.

    In `scope["state"]` it leaves `request_id`, `address` (the client's), `path` (as asked for), `headers` (the
    request's as a dict of bytes, one value a name), and `reply_headers`, a list that anyone inside may add to: it
    joins the reply, whether that is a success or an error. HEAD reaches the application as GET: that the reply has
    no body is the server's matter.
    """

    def __init__(self, app: App, settings: Settings, *, limits: Mapping[str, int] | None = None) -> None:
        self._app = app
        self._hosts = Hosts(settings.public_url, settings.allowed_hosts)
        self._origins = Origins(settings.public_url, settings.allowed_origins, loopback=settings.env != "production")
        self._addresses = Addresses(settings.trusted_proxies)
        self._limits = tuple((limits or {}).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection of ASGI; no request of any form ends without a reply."""
        if scope["type"] != "http":
            await self._not_http(scope, receive, send)
            return
        pairs = scope["headers"]
        headers: dict[bytes, bytes] = dict(pairs)
        peer = scope.get("client")
        request_id = new_request_id()
        reply_headers: list[Header] = [*_SECURITY, (b"x-request-id", request_id.encode())]
        state = scope["state"] = {
            "request_id": request_id,
            "address": self._addresses.of(peer[0] if peer else "", _forwarded(pairs, headers)),
            "path": scope["path"],
            "headers": headers,
            "reply_headers": reply_headers,
            "begun": False,
        }
        began, kind = time.perf_counter(), _kind(scope["path"])
        if scope["method"] == "HEAD":
            scope["method"] = "GET"

        def reply(message: Message) -> Awaitable[None]:
            if message["type"] == "http.response.start":
                state["begun"] = True
                REQUESTS.add(kind, str(message["status"]))
                REQUEST_SECONDS.observe(time.perf_counter() - began, kind)
                message["headers"] = _all_headers(message, reply_headers)
            return send(message)

        try:
            await self._checked(scope, receive, reply)
        except Exception as error:
            shown = of_unexpected(error, request_id)
            if state["begun"]:
                raise  # the server closes the connection, so that the client sees a cut reply as cut
            await answer(scope, reply, shown)

    def _checked(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        """Return what answers the request, once it has passed everything that is asked of any."""
        state = scope["state"]
        headers = state["headers"]
        if len(headers) != len(scope["headers"]):
            _refuse_repeated(scope["headers"])
        self._hosts.check(headers.get(b"host", b""))
        origin = headers.get(b"origin")
        if origin is not None:
            state["reply_headers"].extend(self._origins.headers(origin))
            if scope["method"] == "OPTIONS" and b"access-control-request-method" in headers:
                return _answer_preflight(headers, send)
        if scope["query_string"]:
            refuse_in_query(scope["query_string"])
        if b"cookie" in headers:
            refuse_in_cookie(b";".join(value for name, value in scope["headers"] if name == b"cookie"))
        if "\0" in scope["path"]:
            raise BadRequest("The path holds the character U+0000.")
        return self._app(scope, self._bounded(scope, headers, receive), send)

    def _bounded(self, scope: Scope, headers: dict[bytes, bytes], receive: Receive) -> Receive:
        """Return what receives a body of bounded length; one that tells its length is as long as it says."""
        length = headers.get(b"content-length")
        if length is None and b"transfer-encoding" not in headers and scope["http_version"] < "2":
            return receive
        limit = MEBIBYTE
        for prefix, most in self._limits:
            if scope["path"].startswith(prefix):
                limit = most
                break
        return Intake(receive, limit) if length is None else of_length(length, limit, receive)

    async def _not_http(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        else:
            await send(_POLICY_CLOSED)


def _all_headers(message: Message, ours: list[Header]) -> list[Header]:
    """Return the headers of a reply's first message and ours; what is not said to be kept is not to be kept."""
    found = [*message.get("headers", ()), *ours]
    for name, _ in found:
        if name == b"cache-control":
            return found
    found.append(_NO_STORE)
    return found


def _kind(path: str) -> str:
    """Return what a path is counted under: few kinds, whatever is asked for."""
    return "mcp" if path == "/mcp" else "api" if path.startswith("/api/") else "other"


def _forwarded(pairs: list[Header], headers: dict[bytes, bytes]) -> bytes | None:
    if b"x-forwarded-for" not in headers:
        return None
    return b",".join(value for name, value in pairs if name == b"x-forwarded-for")


def _refuse_repeated(pairs: list[Header]) -> None:
    seen: dict[bytes, bytes] = {}
    for name, value in pairs:
        if name in _NOT_TWICE and seen.setdefault(name, value) != value:
            raise BadRequest(f"The header {name.decode()} stands twice with different values.")


async def _answer_preflight(headers: dict[bytes, bytes], send: Send) -> None:
    told = preflight(headers.get(b"access-control-request-headers", b""))
    await send({"type": "http.response.start", "status": 204, "headers": told})
    await send({"type": "http.response.body", "body": b""})
