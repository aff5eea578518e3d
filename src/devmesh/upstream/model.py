"""What a connector declares (Connector, Tool, Field, Verdict, Failure, Paging): the one import that it needs."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from devmesh.upstream.arguments import Arguments, Paged
from devmesh.upstream.wire import Method, Reply, Request, bounded, get, given, plain_path, send, url

__all__ = [
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
    "Tool",
    "Verdict",
    "basic",
    "bearer",
    "bounded",
    "get",
    "given",
    "plain_path",
    "send",
    "url",
]

_SUCCESS = range(200, 300)


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
    """Whom the service says that a credential belongs to, and what the service tells of it.

    `scopes` is None where the service does not say, `()` where it says that there are none.
    """

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

    `retry_after` is in seconds, never less than the real wait.
    """

    message: str
    next_step: str
    retry_after: float | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list; `next_cursor` is None on the last.

    `rest` is what the service said beside the items (a search's `total_count`); it joins the result.
    """

    items: Any
    next_cursor: str | None
    rest: Mapping[str, Any] = field(default_factory=dict)


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


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """One operation that an agent can call; `build` turns checked arguments into a Request.

    `items` is None for a tool that lists nothing, else the reply's key that holds the items (`""`:
    a bare array); such a tool also takes `limit` and `cursor`. A tool with `projects` takes `fields`.
    `safe` is set where only the request tells whether a call reads or writes (`call_api`).
    """

    name: str
    description: str
    arguments: Arguments
    build: Callable[..., Request]
    connector: Connector = field(repr=False)
    read_only: bool
    destructive: bool
    idempotent: bool
    items: str | None = None
    projects: bool = False
    safe: Callable[[Request], bool] | None = None

    @property
    def may_read(self) -> bool:
        """Whether some call of it only reads: then a caller without write rights sees it too."""
        return self.read_only or self.safe is not None

    def reads(self, request: Request) -> bool:
        """Whether this very call changes nothing upstream; only such a one is open to a caller without write rights."""
        return self.read_only or (self.safe is not None and self.safe(request))

    def request(self, checked: Paged) -> Request:
        """Return what to send for those arguments, the page asked for included.

        Raises Invalid for arguments that do not go together, and for a cursor that the service never gave.
        """
        request = self.build(**checked.own)
        paging = self.connector.paging
        if self.items is None or paging is None:
            return request
        return paging.ask(request, checked.limit, checked.cursor)


@dataclass(frozen=True, slots=True, eq=False)
class Connector:
    """One service: everything that the vault, the catalogue, the documents and the sender need to know of it.

    `base_url` is the default for `metadata.base_url`; None where the user must name one.
    `probe` is the cheapest read that proves a credential, `judge` reads its reply;
    `explain` puts a refusal (a status outside 200 to 299, or whatever `failed` says) into words;
    it quotes what the service said of the error, bounded, and never the body whole.
    `headers` go with every request, their names in lower case.
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
    failed: Callable[[Reply], bool] = lambda reply: reply.status not in _SUCCESS
    token_page: str = ""
    tools: dict[str, Tool] = field(default_factory=dict, repr=False)

    def tool(
        self,
        *,
        writes: bool = False,
        destructive: bool = False,
        idempotent: bool = False,
        items: str | None = None,
        max_limit: int | None = None,
        projects: bool | None = None,
        safe: Callable[[Request], bool] | None = None,
    ) -> Callable[[Callable[..., Request]], Callable[..., Request]]:
        """Register the decorated function as the tool `<connector>.<its name>`.

        The description is its docstring, the arguments its signature. A tool without `writes` is
        read-only (and so idempotent), and takes `fields` unless `projects` says otherwise.
        `max_limit` is for a list whose pages are smaller than the service's others.
        """

        def register(build: Callable[..., Request]) -> Callable[..., Request]:
            name = build.__name__
            if name in self.tools:
                raise ValueError(f"{self.name}.{name} is declared twice")
            projected = (not writes) if projects is None else projects
            paged = (max_limit or self.paging.max_limit) if items is not None and self.paging else None
            self.tools[name] = Tool(
                name=f"{self.name}.{name}",
                description=inspect.cleandoc(build.__doc__ or ""),
                arguments=Arguments.of(build, paged=paged, projected=projected),
                build=build,
                connector=self,
                read_only=not writes,
                destructive=destructive,
                idempotent=idempotent or not writes,
                items=items,
                projects=projected,
                safe=safe,
            )
            return build

        return register
