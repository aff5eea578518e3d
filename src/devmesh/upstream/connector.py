"""One service and its tools, as declared: the vault, the catalogue, the documents and the sender read it from here."""

from __future__ import annotations

import asyncio
import importlib
import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypedDict, Unpack

from devmesh.errors import Fault
from devmesh.upstream.arguments import Arguments, Paged
from devmesh.upstream.parts import Auth, Failure, Field, Page, Paging, Verdict
from devmesh.upstream.wire import Reply, Request

_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, eq=False)
class Tool:
    """One operation that an agent can call; `build` turns checked arguments into a Request.

    `items` is None for a tool that lists nothing, else the reply's key that holds the items (`""`:
    a bare array); such a tool also takes `limit` and `cursor`. A tool with `projects` takes `fields`.
    `safe` is set where only the request tells whether a call reads or writes (`call_api`).
    `needs` are scopes of the service, of which a token must have one; `()` where none is known.
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
    paging: Paging | None = None
    needs: tuple[str, ...] = ()

    @property
    def may_read(self) -> bool:
        """Whether some call of it only reads: then a caller without write rights sees it too."""
        return self.read_only or self.safe is not None

    def reads(self, request: Request) -> bool:
        """Whether this very call changes nothing upstream; only such a one is open to a caller without write rights."""
        return self.read_only or (self.safe is not None and self.safe(request))

    def handed_out(self, request: Request) -> str | None:
        """Return the name, within all services, of the operation whose reply to this call holds a credential."""
        hands_out = self.connector.hands_out
        operation = hands_out(request) if hands_out is not None and self.safe is not None else None
        return None if operation is None else f"{self.connector.name}.{operation}"

    def request(self, checked: Paged) -> Request:
        """Return what to send for those arguments, the page asked for included.

        Raises Invalid for arguments that do not go together, and for a cursor that the service never gave.
        """
        request = self.build(**checked.own)
        if self.paging is None:
            return request
        return self.paging.ask(request, checked.limit, checked.cursor)

    def page(self, reply: Reply, request: Request) -> Page | None:
        """Return the page in the reply to `request`; None for a tool that lists nothing in pages."""
        if self.items is None or self.paging is None:
            return None
        return self.paging.read(reply, self.items, request)


class Hints(TypedDict, total=False):
    """What a tool's declaration says beside its function; each is a member of Tool.

    `max_limit` is for a list whose pages are smaller than the service's others, `paging` for one that pages otherwise.
    """

    writes: bool
    destructive: bool
    idempotent: bool
    items: str
    max_limit: int
    paging: Paging
    projects: bool
    safe: Callable[[Request], bool]
    needs: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Connector:
    """One service: everything that the vault, the catalogue, the documents and the sender need to know of it.

    `base_url` is the default for `metadata.base_url`; None where the user must name one.
    `probe` is the cheapest read that proves a credential, `judge` reads its reply;
    `explain` puts a refusal (a status outside 200 to 299, or whatever `failed` says) into words;
    it quotes what the service said of the error, bounded, and never the body whole.
    `headers` go with every request, their names in lower case.

    `forms` are the sets of fields that a credential may consist of, beside the required ones, where there are several:
    exactly one set is given whole. `ready` loads what a request needs, beside the event loop, where that takes long.
    `complete` adds what only the credential knows (an account's id in the query); it sees a stored `base_url` among the
    fields. `root` finds the base URL of a service with many (a region in it); a stored one goes before it.
    `faults` are what is wrong with the values of the fields (`base_url` among them), as far as that is known without
    asking the service: such a credential is not stored. A base URL of the wrong product is one.
    `translate` makes JSON of a reply in the service's own format, before anything else reads it.
    `implies` tells whether a token's granted scopes include one that a tool needs.
    `hands_out` names the operation in a request of `call_api` whose reply holds a credential, None for any other: no
    wildcard opens it, only a scope with its name.
    `html` says that the service answers with web pages; of any other, one is no answer.
    `tools_in` is the package whose modules declare the tools: they are imported when a tool is first asked for.
    """

    name: str
    title: str
    base_url: str | None
    fields: tuple[Field, ...]
    auth: Auth
    probe: Request | Callable[[Mapping[str, str]], Request]
    judge: Callable[[Reply], Verdict]
    explain: Callable[[Reply], Failure]
    paging: Paging | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    failed: Callable[[Reply], bool] = lambda reply: reply.status not in _SUCCESS
    token_page: str = ""
    forms: tuple[tuple[str, ...], ...] = ()
    ready: Callable[[Request], Awaitable[None]] | None = None
    complete: Callable[[Request, Mapping[str, str]], Request] | None = None
    root: Callable[[Request, Mapping[str, str]], str] | None = None
    faults: Callable[[Mapping[str, str]], Iterable[Fault]] = lambda _fields: ()
    translate: Callable[[Request, Reply], Reply] | None = None
    implies: Callable[[Collection[str], str], bool] = lambda granted, needed: needed in granted
    hands_out: Callable[[Request], str | None] | None = None
    html: bool = False
    tools_in: str = ""
    _tools: dict[str, Tool] = field(default_factory=dict, repr=False)
    _loaded: set[str] = field(default_factory=set, repr=False)

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The tools by their names within the service."""
        if self.tools_in and self.tools_in not in self._loaded:
            self._loaded.add(self.tools_in)
            package = importlib.import_module(self.tools_in)
            for module in pkgutil.iter_modules(package.__path__):
                importlib.import_module(f"{self.tools_in}.{module.name}")
        return self._tools

    @property
    def is_loaded(self) -> bool:
        """Whether `tools` are there without importing anything."""
        return not self.tools_in or self.tools_in in self._loaded

    def probing(self, fields: Mapping[str, str]) -> Request:
        """Return the read that proves a credential of these fields."""
        return self.probe if isinstance(self.probe, Request) else self.probe(fields)

    async def prepared(
        self, request: Request, fields: Mapping[str, str], base_url: str | None
    ) -> tuple[Request, str, Mapping[str, str]]:
        """Return what `outgoing` does, once what it takes is loaded."""
        if self.ready is not None:
            await self.ready(request)
        return self.outgoing(request, fields, base_url)

    def outgoing(
        self, request: Request, fields: Mapping[str, str], base_url: str | None
    ) -> tuple[Request, str, Mapping[str, str]]:
        """Return the request complete, the base URL that it goes to, and the headers that carry the credential.

        `base_url` is the one stored with the credential, if there is one.
        """
        if self.complete is not None:
            request = self.complete(request, {**fields, "base_url": base_url} if base_url else fields)
        base_url = base_url or (self.root(request, fields) if self.root is not None else self.base_url) or ""
        return request, base_url, self.auth(request, fields, base_url)

    def tool(self, **hints: Unpack[Hints]) -> Callable[[Callable[..., Request]], Callable[..., Request]]:
        """Register the decorated function as the tool `<connector>.<its name>`.

        The description is its docstring, the arguments its signature. A tool without `writes` is read-only (and so
        idempotent), and takes `fields` unless `projects` says otherwise.
        """
        writes, items = hints.get("writes", False), hints.get("items")
        pages = (hints.get("paging") or self.paging) if items is not None else None
        projected = hints.get("projects", not writes)

        def register(build: Callable[..., Request]) -> Callable[..., Request]:
            paged = hints.get("max_limit", pages.max_limit) if pages is not None else None
            self._add(
                Tool(
                    name=f"{self.name}.{build.__name__}",
                    description=inspect.cleandoc(build.__doc__ or ""),
                    arguments=Arguments.of(build, paged=paged, projected=projected),
                    build=build,
                    connector=self,
                    read_only=not writes,
                    destructive=hints.get("destructive", False),
                    idempotent=hints.get("idempotent", False) or not writes,
                    items=items,
                    projects=projected,
                    safe=hints.get("safe"),
                    paging=pages,
                    needs=hints.get("needs", ()),
                )
            )
            return build

        return register

    def _add(self, tool: Tool) -> None:
        name = tool.build.__name__
        if name in self._tools:
            raise ValueError(f"{tool.name} is declared twice")
        self._tools[name] = tool


async def load_tools(connectors: Iterable[Connector]) -> None:
    """Import the tools of each, some 40 ms a service: one after the other, and other work goes on in between."""
    for connector in connectors:
        if not connector.is_loaded:
            _ = connector.tools
            await asyncio.sleep(0)
