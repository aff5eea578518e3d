"""The OpenAPI document, and a page that shows it without fetching anything from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Sequence
from importlib import resources
from typing import Any

import msgspec
from litestar import Litestar, Router
from litestar.handlers import HTTPRouteHandler
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin

from devmesh import __version__
from devmesh.http.faults import faults_of
from devmesh.http.repeat import MOST_CHARACTERS

PAGE = resources.files(__package__).joinpath("docs.html").read_bytes()
# What stands for a scope in routing.py: how the document shows it, and in words.
_SHOWN = {
    "session": ("session", "Needs the session of a person who has logged in: no API key may do it."),
    "any": ("any", "Every valid credential may do it."),
    "tool": (
        "tools:execute:{name}",
        "Needs the scope `tools:execute:{name}`; for a tool that only reads `tools:read:{name}` will do.",
    ),
}
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key or a session's access token."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "An API key."},
}
_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "error", "hint", "request_id"],
    "properties": {
        **{name: {"type": "string"} for name in ("type", "title", "detail", "instance", "code", "error", "hint")},
        "status": {"type": "integer"},
        "request_id": {"type": "string"},
        "retry_after": {"type": "integer"},
        "required_scopes": {"type": "array", "items": {"type": "string"}},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "message"],
                "properties": {"field": {"type": "string"}, "message": {"type": "string"}},
            },
        },
    },
}


_REPEAT = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "A value of your own for this one action, such as a UUID: a repeat within 24 hours does not act "
    "again.",
    "schema": {"type": "string", "minLength": 1, "maxLength": MOST_CHARACTERS},
}


def _hash_of(tag: str) -> str:
    found = re.search(rf"<{tag}>(.*?)</{tag}>".encode(), PAGE, re.DOTALL)
    text = found[1] if found else b""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text).digest()).decode() + "'"


_POLICY = (
    f"default-src 'none'; script-src {_hash_of('script')}; style-src {_hash_of('style')}; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
PAGE_HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": _POLICY,
    "x-frame-options": "DENY",
}


def openapi(handlers: Sequence[HTTPRouteHandler | Router]) -> bytes:
    """Return the OpenAPI document of the routes: their bodies, parameters, replies, problems and scopes."""
    config = OpenAPIConfig(
        title="Developer Mesh", version=__version__, path="/openapi", render_plugins=[JsonRenderPlugin()]
    )
    app = Litestar(list(handlers), openapi_config=config, logging_config=None)
    document: dict[str, Any] = app.openapi_schema.to_schema()
    components = document.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM
    components["securitySchemes"] = _SCHEMES
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            plan = handler.opt.get("plan")
            for method in handler.http_methods if plan else ():
                operation = document["paths"][route.path_format][method.lower()]
                _complete(operation, plan, handler.opt["scope"])
    return msgspec.json.encode(document)


def _complete(operation: dict[str, Any], plan: Any, scope: str | None) -> None:
    operation["responses"].pop("400", None)
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"]["default"] = {"description": "What went wrong.", "content": problem}
    if plan.repeat is not None:
        operation.setdefault("parameters", []).append(_REPEAT)
    if scope is not None:
        named, said = _SHOWN.get(scope, (scope, f"Needs the scope `{scope}`."))
        operation["x-required-scope"] = named
        operation["description"] = f"{operation.get('description', '')}\n\n{said}".strip()
    if plan.caller is not None:
        operation["security"] = _security(scope, required=plan.caller_required)
    if plan.body is not None and not faults_of({}, plan.body):
        operation["requestBody"]["required"] = False


def _security(scope: str | None, *, required: bool) -> list[dict[str, list[str]]]:
    """Return which schemes will do, each with the scope: OpenAPI 3.1 lets it be named for any kind of scheme."""
    named = [_SHOWN.get(scope, (scope, ""))[0]] if scope not in (None, "any", "session") else []
    # An access token is no API key.
    schemes: list[dict[str, list[str]]] = [{"bearer": named}]
    if scope != "session":
        schemes.append({"apiKey": named})
    return schemes if required else [*schemes, {}]
