"""What the `call_api` tools of the services share: their arguments, and which of the requests only read."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal
from urllib.parse import quote, unquote

from msgspec import Meta, structs

from devmesh.errors import Fault, Invalid
from devmesh.upstream.wire import Request, given, plain_path

_Scalar = str | int | float | bool
_NAMED = re.compile(r"\{\w+\}")
# What a server may take for a parameter of the segment, and no part of its name (RFC 3986, 3.3).
_PARAMETERS = re.compile(";[^/]*")

ApiMethod = Annotated[Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"], Meta(description="The HTTP method.")]
ApiPath = Annotated[
    str,
    Meta(
        description="Path below the base URL, filled in and without a query.",
        pattern="^/[^?#]*$",
        max_length=4096,
        examples=["/path/of/the/api"],
    ),
]
ApiQuery = Annotated[
    dict[str, _Scalar | list[_Scalar] | None] | None, Meta(description="Query parameters by name, paging included.")
]
ApiBody = Annotated[dict[str, Any] | list[Any] | None, Meta(description="The JSON body; not with GET or HEAD.")]


def any_request(method: ApiMethod, path: str, query: ApiQuery, body: ApiBody) -> Request:
    """Return the request that an agent spelled out; Invalid for a path that leaves the base URL, or a body to read."""
    if body is not None and method in ("GET", "HEAD"):
        raise Invalid([Fault("body", f"{method} takes none: give parameters in `query`")])
    return Request(method=method, path=plain_path(path), json=body, query=given(**(query or {})))


def canonical(request: Request) -> Request:
    """Return the request with the one spelling of its path: `%74okens/`, which servers take for `tokens`, becomes that.

    Each segment is decoded until nothing is left to decode, and encoded once. For a path from `plain_path`.
    """
    segments = [quote(_decoded(segment), safe="") for segment in request.path.removesuffix("/").split("/")]
    return structs.replace(request, path="/".join(segments))


def readings(path: str) -> list[str]:
    """Return each text that a server, or a proxy before it, may take the path from `plain_path` for.

    Each decodes once or not at all, and cuts a segment at its `;` before that, after it or never: `a;x%2Fy/b` is
    `a/b` to one, and `a/y/b` to another. For what must be recognized however it is spelled; without `%` and `;` it is
    the path alone, and without the slash that it may end with.
    """
    found = [path.removesuffix("/")]
    for one in found:
        if "%" in one or ";" in one:
            found += {unquote(one, errors="replace").removesuffix("/"), _PARAMETERS.sub("", one)}.difference(found)
    return found


def respelled(request: Request) -> list[Request]:
    """Return the request under each of the `readings` of its path, which are encoded as in `canonical`."""
    return [canonical(structs.replace(request, path=path)) for path in readings(request.path)]


def _decoded(segment: str) -> str:
    while (once := unquote(segment)) != segment:
        segment = once
    return segment


class Routes:
    """Some of a service's operations, each `METHOD /path/{argument}`; called with a request, whether it is one of them.

    An argument stands for one segment, as it is encoded; one at the end written `{+name}` for any number of them.
    """

    __slots__ = ("_routes",)

    def __init__(self, *routes: str) -> None:
        self._routes = [(route.partition(" ")[0], route.partition(" ")[2]) for route in routes]

    def __call__(self, request: Request) -> bool:
        """Return whether the request is one of these operations."""
        return any(request.method == method and _pattern(path).fullmatch(request.path) for method, path in self._routes)


# Made when first asked for: most services' routes never are.
@lru_cache(maxsize=2048)
def _pattern(path: str) -> re.Pattern[str]:
    fixed, plus, _ = path.partition("{+")
    parts = "[^/]+".join(re.escape(part) for part in _NAMED.split(fixed))
    return re.compile(parts + ".+" if plus else parts)
