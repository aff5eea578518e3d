"""The rest of Jenkins' API, for what has no tool of its own."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from msgspec import Meta, structs

from devmesh.connectors.jenkins.arguments import XML, octets, written
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import ApiMethod, ApiPath, ApiQuery, Request, any_request

# An encoded slash could be another route to a server that decodes first.
_NAME = "(?:(?!%2[Ff]|%5[Cc])[^/])+"
_JOB = f"(?:/job/{_NAME})"
_BUILD = f"{_JOB}+/(?:[0-9]+|last[A-Za-z]*Build)"
_SHOWN = f"{_JOB}*|/me|/whoAmI|/queue|/queue/item/[0-9]+|/computer|/computer/{_NAME}|/view/{_NAME}|/pluginManager"
_OUTPUT = f"consoleText|logText/progressiveText|wfapi/describe|artifact(?:/{_NAME})+"
_READS = re.compile(
    f"(?:{_SHOWN}|{_BUILD}(?:/testReport)?)/api/json|{_JOB}+/config\\.xml|{_BUILD}/(?:{_OUTPUT})",
)

Body = Annotated[
    dict[str, Any] | list[Any] | str | None,
    Meta(description="What to send, as `body_format` says: an object of form fields, JSON, or a text; not with GET."),
]
BodyFormat = Annotated[
    Literal["form", "json", "xml"],
    Meta(description="form: most changes. json: some plugins. xml: `body` is the text of a configuration."),
]


def reads(request: Request) -> bool:
    """Whether the request is one of the tools' reads: Jenkins also changes things by GET, and runs scripts by POST."""
    if request.method == "POST":
        return request.path == "/pipeline-model-converter/validate"
    return request.method == "GET" and _READS.fullmatch(request.path) is not None


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=reads)
def call_api(
    method: ApiMethod, path: ApiPath, query: ApiQuery = None, body: Body = None, body_format: BodyFormat = "form"
) -> Request:
    """Call any operation of Jenkins that has no tool of its own, and return its reply as it is.

    Jobs are written as in Jenkins' addresses: /job/team/job/app. Without write rights only what the reading tools
    read is open. Operations that give out credentials, and the script console, need a scope with their own name.
    """
    if body_format == "json" and not isinstance(body, str):
        return any_request(method, path, query, body)
    request = any_request(method, path, query, None)
    if body is None:
        return request
    if method in ("GET", "HEAD"):
        raise Invalid([Fault("body", f"{method} takes none: give parameters in `query`")])
    if body_format == "xml" and isinstance(body, str):
        return structs.replace(request, content=octets(body, "body"), headers=XML)
    if body_format == "form" and isinstance(body, dict):
        return structs.replace(request, form={name: written(value) for name, value in body.items()})
    raise Invalid([Fault("body", "a form is an object, json an object or a list, xml a text")])
