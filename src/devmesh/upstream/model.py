"""What a connector declares (Connector, Tool, Field, Verdict, Failure, Paging): the one import that it needs."""

from devmesh.upstream.anything import (
    ApiBody,
    ApiMethod,
    ApiPath,
    ApiQuery,
    Routes,
    any_request,
    canonical,
    readings,
    respelled,
)
from devmesh.upstream.connector import Connector, Tool, load_tools
from devmesh.upstream.cursor import cursor_of, place_in, strange_cursor
from devmesh.upstream.omission import without_member
from devmesh.upstream.parts import Auth, Failure, Field, Identity, Page, Paging, Verdict, basic, bearer
from devmesh.upstream.wire import Method, Reply, Request, bounded, get, given, plain_path, send, url

__all__ = [
    "ApiBody",
    "ApiMethod",
    "ApiPath",
    "ApiQuery",
    "Auth",
    "Connector",
    "Failure",
    "Field",
    "Identity",
    "Method",
    "Page",
    "Paging",
    "Reply",
    "Request",
    "Routes",
    "Tool",
    "Verdict",
    "any_request",
    "basic",
    "bearer",
    "bounded",
    "canonical",
    "cursor_of",
    "get",
    "given",
    "load_tools",
    "place_in",
    "plain_path",
    "readings",
    "respelled",
    "send",
    "strange_cursor",
    "url",
    "without_member",
]
