"""`POST /mcp`: one exchange, from the request's bytes to the reply's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, Final, NoReturn

from devmesh.access import Caller
from devmesh.auth.service import Authenticator
from devmesh.errors import AddressNotAllowed, Invalid, MeshError, RateLimited
from devmesh.gateway.call import Gateway, refused
from devmesh.gateway.model import Listing, Passed, ToolResult, UnknownTool
from devmesh.gateway.rests import most_of
from devmesh.http.address import network
from devmesh.http.bodies import BODIES
from devmesh.http.body import check_content_type, parse
from devmesh.http.problem import Header, Receive, Scope, Send
from devmesh.limits.service import Limits
from devmesh.mcp import headers as wire
from devmesh.mcp.envelope import Message, message_of
from devmesh.mcp.errors import Refused, told
from devmesh.mcp.exchange import Exchange
from devmesh.mcp.listing import Pages, form_of
from devmesh.mcp.protocol import BATCHING, INVALID_PARAMS, INVALID_REQUEST
from devmesh.mcp.replies import ACCEPTED, Id, Reply, called, failure, succeed
from devmesh.mcp.results import fixed_result

_MAX_BATCH: Final = 20
_JSON: Final = (b"content-type", b"application/json")
_NOT_ALLOWED: Final = failure(
    405, None, 405, "Method Not Allowed. POST JSON-RPC messages here; there is no GET stream and no session.", None
)._replace(headers=((b"allow", b"POST"),))


class Endpoint:
    """The ASGI application of `/mcp` behind the edge, whose are the request id, address, Host, Origin and body size."""

    def __init__(
        self,
        authenticator: Authenticator,
        limits: Limits,
        gateway: Gateway,
        passed: Callable[[Iterable[Header]], Passed],
    ) -> None:
        self._authenticator = authenticator
        self._limits = limits
        self._gateway = gateway
        self._passed = passed
        self._pages = Pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request; nothing but cancellation gets out."""
        if scope["method"] == "POST":
            state = scope["state"]
            exchange = Exchange(scope["headers"], state["headers"], receive, state["request_id"])
            try:
                status, body, extra = await (await self._asked(exchange, state))
            except Exception as error:  # noqa: BLE001 - one of the three places that catch everything
                status, body, extra = told(error, exchange)
            headers = [] if exchange.caller is None else self._limits.headers(exchange.caller)
        else:
            (status, body, extra), headers = _NOT_ALLOWED, []
        headers += extra
        headers.append((b"content-length", b"%d" % sum(map(len, body))))
        if body:
            headers.append(_JSON)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _asked(self, exchange: Exchange, state: Mapping[str, Any]) -> Awaitable[Reply]:
        """Return what answers the request, once it is known who asks and what."""
        try:
            caller = exchange.caller = await self._authenticator.authenticate(
                exchange.fields, state["address"], exchange.trace_id, state["reply_headers"]
            )
        except AddressNotAllowed as error:
            return _told_to_agent(error, exchange, state["address"])
        try:
            check_content_type(exchange.fields.get(b"content-type"))
            wire.check_accept(exchange.fields.get(b"accept", b""))
            value = parse(await BODIES.whole(exchange.receive, caller.tenant_id))
            message = None if type(value) is list else message_of(value)
            batch = _batch_of(value, exchange) if message is None else []
        except (Refused, MeshError):
            await self._limits.spend(caller)
            raise
        if message is None:
            return self._answer_all(batch, exchange, caller)
        exchange.request_id = message.request_id
        return self._answer(message, exchange, caller)

    async def _answer_all(self, batch: list[Any], exchange: Exchange, caller: Caller) -> Reply:
        replies = []
        for value in batch:
            exchange.request_id = None
            try:
                replies.append(await self._answer_one_of(value, exchange, caller))
            except Exception as error:  # noqa: BLE001 - one of a batch does not end the others
                replies.append(told(error, exchange))
        bodies = [b"".join(reply.body) for reply in replies if reply.body]
        return Reply(200, (b"[", b",".join(bodies), b"]")) if bodies else ACCEPTED

    async def _answer_one_of(self, value: Any, exchange: Exchange, caller: Caller) -> Reply:
        try:
            message = message_of(value)
            _check_member(message, exchange)
        except Refused:
            await self._limits.spend(caller)
            raise
        exchange.request_id = message.request_id
        return await self._answer(message, exchange, caller)

    def _answer(self, message: Message, exchange: Exchange, caller: Caller) -> Awaitable[Reply]:
        """Return what answers one message; it spends one, a tool call in the gateway and all else here."""
        modern = wire.is_modern(exchange.fields, message)
        calls = message.method == "tools/call"
        try:
            if modern:
                wire.check_modern(exchange.fields, message)
            else:
                wire.legacy_version(exchange.fields)
            if message.request_id is None:
                _check_notification(message)
            if calls:
                _check_call(message, modern=modern)
        except Refused as refusal:
            return self._refuse(refusal, caller)
        if message.request_id is None:
            return self._accept(caller)
        if calls:
            return self._call(message.request_id, message.params, exchange, caller, modern=modern)
        return self._tell(message.request_id, message, exchange, caller, modern=modern)

    async def _refuse(self, refusal: Refused, caller: Caller) -> NoReturn:
        await self._limits.spend(caller)
        raise refusal

    async def _accept(self, caller: Caller) -> Reply:
        await self._limits.spend(caller)
        return ACCEPTED

    async def _tell(
        self, request_id: Id, message: Message, exchange: Exchange, caller: Caller, *, modern: bool
    ) -> Reply:
        await self._limits.spend(caller)
        if message.method == "tools/list":
            result = self._page(message, exchange, caller, await self._gateway.listing(caller), modern=modern)
        else:
            result = fixed_result(message, modern=modern)
        return succeed(request_id, result)

    async def _call(
        self, request_id: Id, params: Mapping[str, Any], exchange: Exchange, caller: Caller, *, modern: bool
    ) -> Reply:
        """Run the tool, and answer every refusal in words for an agent; an unknown name alone is a JSON-RPC error."""
        try:
            passed = self._passed(exchange.headers)
            most = most_of(caller, exchange.fields.get(b"x-mesh-result-bytes"))
        except Invalid as error:
            return _told(request_id, refused(caller.request_id, await self._counted(caller, error)), modern=modern)
        try:
            result = await self._gateway.run(caller, params["name"], params.get("arguments") or {}, passed, most)
        except UnknownTool as unknown:
            text = f"Unknown tool. {unknown.detail} {unknown.hint}"
            data = {"code": unknown.code, "hint": unknown.hint, **unknown.extra}
            raise Refused(INVALID_PARAMS, text, status=200, data=data) from None
        except MeshError as error:
            result = refused(caller.request_id, error)
        return _told(request_id, result, modern=modern)

    async def _counted(self, caller: Caller, error: MeshError) -> MeshError:
        """Spend one for a call that does not reach the gateway; return `error`, or the limit that comes before it."""
        try:
            await self._limits.spend(caller)
        except RateLimited as limited:
            return limited
        return error

    def _page(self, message: Message, exchange: Exchange, caller: Caller, listing: Listing, *, modern: bool) -> bytes:
        try:
            form = form_of(exchange.fields.get(b"x-mesh-tool-names", b"")) or caller.bounds.tool_names or "dot"
            return self._pages.page(listing, message.params.get("cursor"), form=form, is_modern=modern)
        except Refused as refused:
            if not modern:
                refused.status = 200
            raise


async def _told_to_agent(error: AddressNotAllowed, exchange: Exchange, address: str) -> Reply:
    """Answer a tool call as every refusal of a known caller's is answered; raise the error for all else."""
    check_content_type(exchange.fields.get(b"content-type"))
    value = parse(await BODIES.whole(exchange.receive, network(address)))
    if type(value) is list:
        raise error
    message = message_of(value)
    exchange.request_id = message.request_id
    if message.method != "tools/call" or message.request_id is None:
        raise error
    modern = wire.is_modern(exchange.fields, message)
    return _told(message.request_id, refused(exchange.trace_id, error), modern=modern)


def _told(request_id: Id, result: ToolResult, *, modern: bool) -> Reply:
    return succeed(request_id, *called(result, modern=modern))


def _batch_of(value: list[Any], exchange: Exchange) -> list[Any]:
    version = exchange.fields.get(b"mcp-protocol-version", BATCHING.encode()).strip()
    if version != BATCHING.encode():
        raise Refused(INVALID_REQUEST, f"Invalid request: send one message at a time; only {BATCHING} has batches.")
    if not 0 < len(value) <= _MAX_BATCH:
        raise Refused(INVALID_REQUEST, f"Invalid request: a batch holds 1 to {_MAX_BATCH} messages.")
    return value


def _check_member(message: Message, exchange: Exchange) -> None:
    if message.method == "initialize" or wire.is_modern(exchange.fields, message):
        text = f"Invalid request: {message.method} must not stand in a batch."
        raise Refused(INVALID_REQUEST, text, request_id=message.request_id)


def _check_notification(message: Message) -> None:
    if not message.method.startswith("notifications/"):
        raise Refused(INVALID_REQUEST, "Invalid request: a request needs an id; without one nothing is done.")


def _check_call(message: Message, *, modern: bool) -> None:
    name, arguments = message.params.get("name"), message.params.get("arguments")
    status = 400 if modern else 200
    if type(name) is not str:
        raise Refused(INVALID_PARAMS, "params.name must be a string.", status=status)
    if arguments is not None and type(arguments) is not dict:
        raise Refused(INVALID_PARAMS, "params.arguments must be an object.", status=status)
