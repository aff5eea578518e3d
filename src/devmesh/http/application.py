"""The REST application: routes under their prefix, the OpenAPI document and its page, and one form of error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import Any, NoReturn, cast

from litestar import Litestar, Router
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler

from devmesh.errors import BadRequest, Forbidden, MeshError, NotFound, TooLarge
from devmesh.http import documentation
from devmesh.http.plan import Plan
from devmesh.http.problem import MethodNotAllowed
from devmesh.http.repeat import Once
from devmesh.http.routing import Endpoint, Response, get

PREFIX = "/api/v1"


def litestar(
    handlers: Sequence[HTTPRouteHandler],
    services: Mapping[str, Any],
    *,
    root: Sequence[HTTPRouteHandler] = (),
    once: Once | None = None,
) -> Litestar:
    """Return the application: `handlers` under /api/v1, `root` at the root, beside /openapi.json and /docs.

    `services` holds what routes name in their signatures; a name that is missing fails here, not at a request.
    `once` serves requests under an Idempotency-Key; without it the header is ignored.
    Errors of any kind leave it as exceptions, for the edge to answer.
    """
    _check_services([*handlers, *root], services)
    everything: list[HTTPRouteHandler | Router] = [Router(PREFIX, route_handlers=list(handlers)), *root]

    @cache
    def document() -> bytes:
        return documentation.openapi(everything)

    @get("/openapi.json", scope=None)
    async def openapi_json() -> Response[bytes]:
        return Response(document(), headers={"content-type": "application/vnd.oai.openapi+json"})

    @get("/docs", scope=None)
    async def docs() -> Response[bytes]:
        return Response(documentation.PAGE, headers=documentation.PAGE_HEADERS)

    @get("/", scope=None, status=302)
    async def start() -> Response[bytes]:
        return Response(b"", headers={"location": "/docs"})

    return Litestar(
        [*everything, start, openapi_json, docs],
        openapi_config=None,
        logging_config=None,
        # Its types are ours, looser than Litestar's.
        middleware=[cast("Any", partial(Endpoint, services=services, once=once))],
        exception_handlers={Exception: _leave},
    )


def _leave(_: Any, error: Exception) -> NoReturn:
    if isinstance(error, HTTPException):
        raise _ours(error) from error
    raise error


def _ours(error: HTTPException) -> MeshError:
    if error.status_code == NotFound.status:
        return NotFound("There is nothing at this address.")
    if error.status_code == MethodNotAllowed.status:
        allowed = {name.strip() for name in (error.headers or {}).get("allow", "").split(",")}
        return MethodNotAllowed(sorted(allowed | {"HEAD"} if "GET" in allowed else allowed))
    known = {kind.status: kind for kind in (Forbidden, TooLarge)}
    if BadRequest.status <= error.status_code < MeshError.status:
        return known.get(error.status_code, BadRequest)()
    return MeshError()


def _check_services(handlers: Sequence[HTTPRouteHandler], services: Mapping[str, Any]) -> None:
    for handler in handlers:
        plan: Plan = handler.opt["plan"]
        if missing := [name for name in plan.services if name not in services]:
            raise TypeError(f"{plan.fn.__qualname__} names services that there are not: {', '.join(missing)}")
