"""What a connector declares and what travels: Connector, Tool, Request, Reply."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from urllib.parse import quote

import msgspec

from devmesh.errors import Fault, Invalid
from devmesh.upstream.arguments import Arguments

Method = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def url(template: str, /, **arguments: object) -> str:
    """Return `template` with `{name}` replaced by the argument, percent-encoded whole, and `{+name}` with its slashes kept.

    An argument can therefore never change the route. Raises Invalid, naming the argument, for one
    that is empty or holds an empty, `.` or `..` segment, which no encoding can carry (RFC 3986, 5.2.4).
    """
    parts: dict[str, str] = {}
    for name, value in arguments.items():
        text = str(value)
        keep = f"{{+{name}}}" in template
        segments = text.split("/") if keep else [text]
        if any(segment in ("", ".", "..") for segment in segments):
            raise Invalid([Fault(name, "must not be empty or hold an empty, '.' or '..' path segment")])
        parts[name] = "/".join(quote(segment, safe="") for segment in segments)
    return template.replace("{+", "{").format_map(parts)


def given(**values: object) -> dict[str, Any]:
    """Return the values that are not None: an argument left out is left out on the wire."""
    return {name: value for name, value in values.items() if value is not None}


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """What a tool wants sent, relative to the service's base URL; it holds no credential.

    `path` is already encoded (see `url`). In `query` None is left out, a list repeats its name and
    a bool is `true` or `false`. At most one of `json`, `form` and `content` is set.
    """

    method: Method
    path: str
    query: Mapping[str, Any] = {}
    json: Any = None
    form: Mapping[str, str] | None = None
    content: bytes | None = None
    headers: Mapping[str, str] = {}


def get(path: str, /, **query: object) -> Request:
    """Return a GET of `path` with the query arguments that are not None."""
    return Request(method="GET", path=path, query=given(**query))


def send(method: Method, path: str, json: Any = None, /, **query: object) -> Request:
    """Return a request with a JSON body (None: without a body)."""
    return Request(method=method, path=path, json=json, query=given(**query))


@dataclass(frozen=True, slots=True)
class Reply:
    """What the service answered: headers in lower case, the body after decompression."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    host: str = ""

    @property
    def is_json(self) -> bool:
        """Whether the reply says that its body is JSON."""
        kind = self.headers.get("content-type", "").partition(";")[0].strip().lower()
        return kind == "application/json" or kind.endswith("+json")

    def json(self) -> Any:
        """Return the decoded body; None if it is no JSON."""
        try:
            return msgspec.json.decode(self.body)
        except (msgspec.DecodeError, RecursionError):
            return None


@dataclass(frozen=True, slots=True)
class Field:
    """One value that a credential consists of, under the name that users send it by.

    A `metadata` field (`base_url`) is kept readable beside the sealed ones and sent under `metadata`.
    """

    name: str
    description: str = ""
    secret: bool = False
    metadata: bool = False
    required: bool = True


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom the service says that a credential belongs to, and what the service tells of it."""

    account: str
    scopes: tuple[str, ...] | None = None
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """A credential's standing: `unknown` when the service could not say (time-out, 5xx, 429)."""

    status: Literal["valid", "invalid", "unknown"]
    reason: str
    identity: Identity | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An upstream refusal in words for an agent: what the vendor said, and the next step.

    `retry_after` is in seconds.
    """

    message: str
    next_step: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_cursor` is None on the last."""

    items: Any
    next_cursor: str | None


class Paging(Protocol):
    """A service's way of paging, behind the arguments `limit` and `cursor` that all list tools share."""

    max_limit: int

    def ask(self, request: Request, limit: int | None, cursor: str | None) -> Request:
        """Return the request for that page; raise Invalid for a cursor that this service never gave."""
        ...

    def read(self, reply: Reply, items: str) -> Page:
        """Return the page in `reply`; `items` is the key that holds it, `""` for a bare array."""
        ...


# Headers that carry the credential, from its fields.
Auth = Callable[[Request, Mapping[str, str]], Mapping[str, str]]


def bearer(name: str) -> Auth:
    """Return the auth that sends the field as `Authorization: Bearer` (RFC 6750)."""
    return lambda _request, fields: {"authorization": f"Bearer {fields[name]}"}


def basic(user: str, password: str) -> Auth:
    """Return the auth that sends the two fields as `Authorization: Basic` (RFC 7617)."""

    def headers(_request: Request, fields: Mapping[str, str]) -> Mapping[str, str]:
        pair = f"{fields[user]}:{fields[password]}".encode()
        return {"authorization": f"Basic {base64.b64encode(pair).decode()}"}

    return headers


@dataclass(frozen=True, slots=True)
class Tool:
    """One operation that an agent can call; `build` turns checked arguments into a Request.

    `items` is None for a tool that lists nothing, else the reply's key that holds the items (`""`:
    a bare array); such a tool also takes `limit` and `cursor`. A tool with `projects` takes `fields`.
    """

    name: str
    description: str
    arguments: Arguments
    build: Callable[..., Request]
    connector: Connector
    read_only: bool
    destructive: bool
    idempotent: bool
    items: str | None = None
    projects: bool = False


@dataclass(frozen=True, slots=True)
class Connector:
    """One service: everything that the vault, the catalogue, the documents and the sender need to know of it.

    `base_url` is the default for `metadata.base_url`; None where the user must name one.
    `probe` is the cheapest read that proves a credential, `judge` reads its reply;
    `explain` puts a refusal (status ≥ 400, or whatever `failed` says) into words.
    """

    name: str
    title: str
    base_url: str | None
    fields: tuple[Field, ...]
    auth: Auth
    probe: Request
    judge: Callable[[Reply], Verdict]
    explain: Callable[[Reply], Failure]
    paging: Paging | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    failed: Callable[[Reply], bool] = lambda reply: reply.status >= 400
    token_page: str = ""
    tools: dict[str, Tool] = field(default_factory=dict)

    def tool(
        self,
        *,
        writes: bool = False,
        destructive: bool = False,
        idempotent: bool = False,
        items: str | None = None,
        projects: bool | None = None,
    ) -> Callable[[Callable[..., Request]], Callable[..., Request]]:
        """Register the decorated function as the tool `<connector>.<its name>`.

        The description is its docstring, the arguments its signature. A tool without `writes` is
        read-only (and so idempotent), and takes `fields` unless `projects` says otherwise.
        """

        def register(build: Callable[..., Request]) -> Callable[..., Request]:
            projected = (not writes) if projects is None else projects
            self.tools[build.__name__] = Tool(
                name=f"{self.name}.{build.__name__}",
                description=inspect.cleandoc(build.__doc__ or ""),
                arguments=Arguments.of(build, paged=self.paging.max_limit if items is not None and self.paging else None, projected=projected),
                build=build,
                connector=self,
                read_only=not writes,
                destructive=destructive,
                idempotent=idempotent or not writes,
                items=items,
                projects=projected,
            )
            return build

        return register
