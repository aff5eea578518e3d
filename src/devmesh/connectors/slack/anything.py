"""The rest of Slack's Web API, for what has no tool of its own."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, structs

from devmesh.connectors.slack.calls import post
from devmesh.connectors.slack.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import ApiQuery, Request, Routes, get, given, plain_path

_WORD = re.compile("[A-Za-z][A-Za-z0-9_]*")

# Slack writes by GET too (`chat.postMessage?…`), so what reads is named: the methods of the tools that only read.
_READS = Routes(
    "GET /auth.test",
    "GET /chat.getPermalink",
    "GET /chat.scheduledMessages.list",
    "GET /conversations.history",
    "GET /conversations.info",
    "GET /conversations.list",
    "GET /conversations.members",
    "GET /conversations.replies",
    "GET /files.info",
    "GET /files.list",
    "GET /pins.list",
    "GET /reactions.get",
    "GET /search.messages",
    "GET /team.info",
    "GET /usergroups.list",
    "GET /usergroups.users.list",
    "GET /users.conversations",
    "GET /users.getPresence",
    "GET /users.info",
    "GET /users.list",
    "GET /users.lookupByEmail",
    "GET /users.profile.get",
)


@CONNECTOR.tool(writes=True, destructive=True, projects=True, safe=_READS)
def call_api(
    method: Annotated[
        Literal["GET", "POST"],
        Meta(description="GET sends `query`, POST both `query` and `body`.", examples=["POST", "GET"]),
    ],
    path: Annotated[
        str,
        Meta(
            description="The method's name after a slash.",
            pattern=r"^/[A-Za-z]+(\.[A-Za-z]+[0-9]?)+$",
            max_length=100,
            examples=["/bookmarks.list"],
        ),
    ],
    query: ApiQuery = None,
    body: Annotated[
        dict[str, Any] | None, Meta(description="Arguments as JSON, with POST; methods that take none: in `query`.")
    ] = None,
) -> Request:
    """Call any method of Slack's Web API that has no tool of its own, and return its reply as it is.

    Methods and arguments are those of https://docs.slack.dev/reference/methods. Without write rights only the
    methods of the tools that read are open, by GET.
    """
    path = plain_path(path)
    for argument, values in (("query", query or {}), ("body", body or {})):
        _check_names(argument, values)
    if method == "POST":
        plain = Request(method="POST", path=path) if body is None else post(path.removeprefix("/"), **body)
        return structs.replace(plain, query=given(**(query or {})))
    if body is not None:
        raise Invalid([Fault("body", "GET takes none: give the arguments in `query`")])
    return get(path, **(query or {}))


def _check_names(argument: str, values: Mapping[str, Any]) -> None:
    """Raise Invalid for a name that is no word, which a server could read as another, and for a token."""
    for name in values:
        if not _WORD.fullmatch(name):
            raise Invalid([Fault(argument, "must hold nothing but arguments whose names are words")])
        if name.lower() == "token":
            raise Invalid([Fault(argument, "must hold no token: the stored credential is used")])
