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

from devmesh.http.paging import Cursor, Limit, cursor_of, position_of
from devmesh.http.plan import BODY, Plan, Request
from devmesh.http.problem import Receive, Scope, Send

__all__ = [
    "Cursor", "Endpoint", "Limit", "Request", "Response", "cursor_of", "delete", "get", "patch", "position_of", "post",
    "put",
]  # fmt: skip

Handler = Callable[[Callable[..., Any]], HTTPRouteHandler]
_JSON = (b"content-type", b"application/json")
_NO_CONTENT = 204
_encode = msgspec.json.Encoder().encode


def get(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return a decorator that makes a function the route of GET (and HEAD) at `path`.

    The function is async and gets what its signature names: path parameters, `data` (the body, as its type),
    `caller: Caller` (`Caller | None` where none is needed), `request: Request`, query parameters of plain types
    (str, int, bool, UUID, datetime, enums and lists of them), and services, by name. It returns a Struct, or a
    `Response` of one for headers of its own, or None with status 204. `scope` is what the OpenAPI document says
    is needed; the service function is what requires it.
    """
    return _route("GET", path, scope, status, summary)


def post(path: str | Sequence[str], *, scope: str | None, status: int = 200, summary: str | None = None) -> Handler:
    """Return the like of `get` for POST."""
    return _route("POST", path, scope, status, summary)


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

    __slots__ = ("_app", "_services")

    def __init__(self, app: ASGIApp, services: Mapping[str, Any]) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request by the route's function."""
        handler = scope["route_handler"]
        plan: Plan | None = handler.opt.get("plan")
        if plan is None:
            await self._app(scope, receive, send)  # type: ignore[arg-type]  # the same ASGI, typed loosely here
            return
        result = await plan.fn(**await plan.arguments(scope, receive, self._services))
        status, headers = handler.status_code, []
        if isinstance(result, Response):
            status = result.status_code or status
            headers = [(name.lower().encode(), str(value).encode("latin-1")) for name, value in result.headers.items()]
            result = result.content
        body = b""
        if status != _NO_CONTENT:
            body = result if isinstance(result, bytes) else _encode(result)
            headers += [(b"content-length", str(len(body)).encode())]
            if not any(name == b"content-type" for name, _ in headers):
                headers.append(_JSON)
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


def _route(method: Any, path: str | Sequence[str], scope: str | None, status: int, summary: str | None) -> Handler:
    paths = [path] if isinstance(path, str) else list(path)

    def register(fn: Callable[..., Any]) -> HTTPRouteHandler:
        plan = Plan(fn, paths[0])
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
