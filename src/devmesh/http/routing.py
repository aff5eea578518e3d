"""Routes: Litestar finds them and describes them in OpenAPI; `Endpoint` runs them, strictly and without detours."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, get_args

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import BodyKwarg, PathParameter, QueryParameter
from litestar.types import ASGIApp

from devmesh.access import Caller
from devmesh.http.paging import Cursor, Limit, cursor_of, position_of
from devmesh.http.plan import BODY, Plan, Request, whole_body
from devmesh.http.problem import Header, Message, Receive, Scope, Send
from devmesh.http.repeat import HEADER, REPLAYED, Answer, Asked, Once, Repeat, key_of

__all__ = [
    "Cursor", "Endpoint", "Limit", "Repeat", "Request", "Response", "cursor_of", "delete", "get", "patch",
    "position_of", "post", "put",
]  # fmt: skip

Handler = Callable[[Callable[..., Any]], HTTPRouteHandler]
_JSON = (b"content-type", b"application/json")
_REPEAT = Repeat()
# Instead of a scope, for what only a person who has logged in may do, what every credential may, and what is asked for
# by the tool that the path names.
SESSION, ANY, BY_TOOL = "session", "any", "tool"
_NO_CONTENT = (204, 304)
_encode = msgspec.json.Encoder().encode


def get(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return a decorator that makes a function the route of GET (and HEAD) at `path`.

    The function is async and gets what its signature names: path parameters, `data` (the body, as its type),
    `caller: Caller` (`Caller | None` where none is needed), `request: Request`, query parameters of plain types
    (str, int, bool, UUID, datetime, enums and lists of them), and services, by name. It returns a Struct, or a
    `Response` of one for headers of its own, or None with status 204. `scope` is what the OpenAPI document says
    is needed; the service function is what requires it. SESSION, ANY and BY_TOOL stand for one; only a route that needs
    no caller has None.
    """
    return _route("GET", path, scope, status, summary)


def post(
    path: str | Sequence[str],
    *,
    scope: str | None,
    status: int = 200,
    summary: str | None = None,
    repeat: Repeat | None = _REPEAT,
) -> Handler:
    """Return the like of `get` for POST; `repeat` says what a repeat under an Idempotency-Key gets.

    With None the header is ignored, as it is where no caller is needed.
    """
    return _route("POST", path, scope, status, summary, repeat)


def put(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return the like of `get` for PUT."""
    return _route("PUT", path, scope, status, summary)


def patch(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return the like of `get` for PATCH."""
    return _route("PATCH", path, scope, status, summary)


def delete(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return the like of `get` for DELETE."""
    return _route("DELETE", path, scope, status, summary)


class Endpoint:
    """The middleware that runs a planned route itself; Litestar's own way costs four times as much CPU."""

    __slots__ = ("_app", "_once", "_services")

    def __init__(self, app: ASGIApp, services: Mapping[str, Any], once: Once | None = None) -> None:
        self._app = app
        self._services = services
        self._once = once

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request by the route's function."""
        handler = scope["route_handler"]
        plan: Plan | None = handler.opt.get("plan")
        if plan is None:
            await self._app(scope, receive, send)  # type: ignore[arg-type]  # the same ASGI, typed loosely here
            return
        key = None if plan.repeat is None else scope["state"]["headers"].get(HEADER)
        if key is None or self._once is None:
            answer = _answer(handler, await plan.fn(**await plan.arguments(scope, receive, self._services)))
        else:
            answer = await self._answer_once(self._once, key, scope, receive)
        await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
        await send({"type": "http.response.body", "body": answer.body})

    async def _answer_once(self, once: Once, key: bytes, scope: Scope, receive: Receive) -> Answer:
        """Return the function's answer, or the first one under this key if the caller still may make the request."""
        handler = scope["route_handler"]
        plan: Plan = handler.opt["plan"]
        repeat = plan.repeat or _REPEAT
        body = await whole_body(receive, scope["state"])
        arguments = await plan.arguments(scope, _received(body), self._services)
        caller: Caller = arguments[plan.caller or ""]
        _check(caller, handler.opt["scope"])
        values = [f"{name}={value}" for name, value in sorted(scope["path_params"].items())]
        asked = Asked(key_of(key), (scope["method"], plan.template, *values), scope["query_string"] + b"\n" + body)

        async def act() -> Answer:
            return _answer(handler, await plan.fn(**arguments))

        turn = await once.begin(caller, asked, outside=repeat.outside)
        if turn.ours:
            return await turn.act(act, keep=repeat.shown_once is None)
        if repeat.allowed is not None:
            await repeat.allowed(**arguments)
        first = await turn.again(repeat.shown_once)
        scope["state"]["reply_headers"].append(REPLAYED)
        return first


def _answer(handler: HTTPRouteHandler, result: Any) -> Answer:
    status: int = handler.status_code
    headers: list[Header] = []
    if isinstance(result, Response):
        status = result.status_code or status
        headers = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in result.headers.items()]
        result = result.content
    if status in _NO_CONTENT:
        return Answer(status, headers, b"")
    body = result if isinstance(result, bytes) else _encode(result)
    headers += [(b"content-length", str(len(body)).encode())]
    if not any(name == b"content-type" for name, _ in headers):
        headers.append(_JSON)
    found = getattr(result, "id", None)
    return Answer(status, headers, body, None if found is None else str(found))


def _received(body: bytes) -> Receive:
    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _check(caller: Caller, scope: str | None) -> None:
    """Raise what the service would raise first to whoever may not do this (any more)."""
    if scope == SESSION:
        caller.require_session()
    elif scope not in (None, ANY, BY_TOOL):
        caller.require(scope)


def _route(
    method: Any,
    path: str | Sequence[str],
    scope: str | None,
    status: int,
    summary: str | None,
    repeat: Repeat | None = None,
) -> Handler:
    paths = [path] if isinstance(path, str) else list(path)

    def register(fn: Callable[..., Any]) -> HTTPRouteHandler:
        plan = Plan(fn, paths[0], repeat)
        if plan.caller_required and scope is None:
            raise TypeError(f"{method} {paths[0]}: a route that needs a caller names a scope")
        text = inspect.getdoc(fn)
        return HTTPRouteHandler(
            paths,
            http_method=method,
            status_code=status,
            opt={"scope": scope, "plan": plan},
            summary=summary or (text.partition("\n")[0] if text else None),
            description=text,
            operation_id=None,
        )(_described(plan))

    return register


def _constraints(kind: Any) -> dict[str, Any]:
    """Return what msgspec's Meta says of a kind, inside `X | None` too, in the words that Litestar has for OpenAPI."""
    names = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "description")
    found: dict[str, Any] = {}
    for part in get_args(kind):
        if isinstance(part, msgspec.Meta):
            found.update({name: value for name in names if (value := getattr(part, name)) is not None})
        else:
            found.update(_constraints(part))
    return found


def _described(plan: Plan) -> Callable[..., Any]:
    """Return a function that is never called: its signature is what OpenAPI is told of the route."""

    async def described(**_: Any) -> Any:
        raise NotImplementedError

    kinds: dict[str, Any] = {name: Annotated[plan.kinds[name], PathParameter()] for name in plan.path}
    if plan.body is not None:
        kinds[BODY] = Annotated[plan.body, BodyKwarg()]
    defaults = {}
    for field in msgspec.structs.fields(plan.query) if plan.query else ():
        kind = plan.kinds[field.name]
        kinds[field.name] = Annotated[kind, QueryParameter(**_constraints(kind))]
        defaults[field.name] = inspect.Parameter.empty if field.required else field.default
    described.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what inspect.signature reads first
        [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                annotation=kind,
                default=defaults.get(name, inspect.Parameter.empty),
            )
            for name, kind in kinds.items()
        ],
        return_annotation=plan.returns,
    )
    described.__annotations__ = {**kinds, "return": plan.returns}
    described.__name__ = plan.fn.__name__
    described.__qualname__ = plan.fn.__qualname__
    described.__module__ = plan.fn.__module__
    return described
