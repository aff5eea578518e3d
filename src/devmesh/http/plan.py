"""What a route's function asks for by its signature, worked out once: path, query, body, caller, services."""

from __future__ import annotations

import inspect
import re
import typing
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from enum import Enum
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin
from urllib.parse import parse_qsl
from uuid import UUID

import msgspec

from devmesh.access import Caller
from devmesh.errors import BadRequest, Fault, Invalid, Unauthenticated
from devmesh.http.address import network
from devmesh.http.bodies import BODIES
from devmesh.http.body import check_content_type, decode
from devmesh.http.faults import faults_of
from devmesh.http.problem import Receive, Scope
from devmesh.http.repeat import Repeat

BODY = "data"
# In `scope["state"]`, once a route spends the request itself.
SPENDS_ITSELF = "spends_itself"
_PATH_NAME = re.compile(r"{(\w+):")
_PLAIN = (str, int, float, bool, UUID, datetime, date, Enum, NoneType)
_MAX_PARAMETERS = 100
_LONGEST_NAME = 100


class Request:
    """What a route may ask of the request beside its body and parameters."""

    __slots__ = ("_pairs", "_state")

    def __init__(self, scope: Scope) -> None:
        self._state = scope["state"]
        self._pairs = scope["headers"]

    @property
    def address(self) -> str:
        """The client's address."""
        return str(self._state["address"])

    @property
    def request_id(self) -> str:
        """The id that the reply and the record carry."""
        return str(self._state["request_id"])

    @property
    def pairs(self) -> Iterable[tuple[bytes, bytes]]:
        """The headers as they came, those that stand twice too, names in lower case."""
        return cast("Iterable[tuple[bytes, bytes]]", self._pairs)

    def header(self, name: str) -> str | None:
        """Return the header's value, None if it was not sent; the name in lower case."""
        value = self._state["headers"].get(name.encode())
        return None if value is None else value.decode("latin-1").strip()

    def spends_itself(self) -> None:
        """Say that what the route does from here on takes one from the caller's limits: nobody else is to."""
        self._state[SPENDS_ITSELF] = True


class Plan:
    """How to call one route's function: which of its arguments comes from where."""

    __slots__ = (
        "body", "caller", "caller_required", "fn", "kinds", "path", "query", "repeat", "request", "returns", "services",
        "template",
    )  # fmt: skip

    def __init__(self, fn: Callable[..., Any], path: str, repeat: Repeat | None = None) -> None:
        self.fn = fn
        self.template = path
        hints = typing.get_type_hints(fn, include_extras=True)
        self.returns = hints.pop("return")
        self.kinds = hints
        parameters = inspect.signature(fn).parameters
        self.path = tuple(name for name in _PATH_NAME.findall(path) if name in hints)
        self.body = hints.get(BODY)
        self.caller = next((name for name, kind in hints.items() if kind in (Caller, Caller | None)), None)
        self.caller_required = self.caller is not None and hints[self.caller] is Caller
        # Without a caller there is nobody whose key it could be.
        self.repeat = repeat if self.caller_required else None
        self.request = next((name for name, kind in hints.items() if kind is Request), None)
        taken = {*self.path, BODY, self.caller, self.request}
        rest = {name: kind for name, kind in hints.items() if name not in taken}
        asked = {name: kind for name, kind in rest.items() if _is_plain(kind)}
        self.services = tuple(name for name in rest if name not in asked)
        self.query = _query_struct(asked, parameters) if asked else None

    def __deepcopy__(self, _: object) -> Plan:
        """Return itself: Litestar copies routes with all they hold, and a plan never changes."""
        return self

    async def arguments(self, scope: Scope, receive: Receive, services: Mapping[str, Any]) -> dict[str, Any]:
        """Return the arguments for this request; raise what is wrong with it, the caller first."""
        state = scope["state"]
        found: dict[str, Any] = {name: services[name] for name in self.services}
        if self.caller is not None:
            found[self.caller] = caller = state.get("caller")
            if caller is None and self.caller_required:
                raise Unauthenticated
        for name in self.path:
            found[name] = scope["path_params"][name]
        if self.query is not None:
            found.update(_queried(scope["query_string"], self.query))
        if self.request is not None:
            found[self.request] = Request(scope)
        if self.body is not None:
            found[BODY] = await _read(receive, state, self.body)
        return found


async def _read(receive: Receive, state: Mapping[str, Any], kind: Any) -> Any:
    raw = await whole_body(receive, state)
    if raw:
        check_content_type(state["headers"].get(b"content-type"))
    return decode(raw, kind)


async def whole_body(receive: Receive, state: Mapping[str, Any]) -> bytes:
    """Return the request's whole body, counted for the caller's tenant, or for the address of whoever is unknown."""
    caller: Caller | None = state.get("caller")
    return await BODIES.whole(receive, network(state["address"]) if caller is None else caller.tenant_id)


def _queried(raw: bytes, kind: type[msgspec.Struct]) -> dict[str, Any]:
    values: dict[str, Any] = _parameters(raw, kind) if raw else {}
    try:
        return msgspec.structs.asdict(msgspec.convert(values, kind, strict=False))
    except msgspec.ValidationError:
        raise Invalid(faults_of(values, kind, strict=False)) from None


def _parameters(raw: bytes, kind: type[msgspec.Struct]) -> dict[str, Any]:
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MAX_PARAMETERS)
    except UnicodeError:
        raise BadRequest("The query string is not UTF-8 in percent-encoding.") from None
    except ValueError:
        raise BadRequest(f"The query string holds more than {_MAX_PARAMETERS} parameters.") from None
    values: dict[str, Any] = {}
    known = kind.__struct_fields__
    faults = [
        Fault(name[:_LONGEST_NAME], f"There is no such parameter; there are {', '.join(known)}")
        for name in dict.fromkeys(key for key, _ in pairs)
        if name not in known
    ]
    for name in known:
        sent = [value for key, value in pairs if key == name]
        if any("\0" in value for value in sent):
            faults.append(Fault(name, "The character U+0000 is not allowed"))
        if _is_list(kind.__annotations__[name]):
            values[name] = sent
        elif sent:
            values[name] = sent[0]
            faults += [Fault(name, "This parameter stands twice")] * (len(sent) > 1)
    if faults:
        raise Invalid(faults)
    return values


def _query_struct(asked: Mapping[str, Any], parameters: Mapping[str, inspect.Parameter]) -> type[msgspec.Struct]:
    fields: list[tuple[str, Any] | tuple[str, Any, Any]] = [
        (name, kind) if parameters[name].default is inspect.Parameter.empty else (name, kind, parameters[name].default)
        for name, kind in asked.items()
    ]
    return msgspec.defstruct("Query", fields, kw_only=True, frozen=True)


def _is_plain(kind: Any) -> bool:
    origin = get_origin(kind)
    if origin is Literal:
        return True
    if origin in (Union, UnionType):
        return all(map(_is_plain, get_args(kind)))
    if origin in (Annotated, list):
        return _is_plain(get_args(kind)[0])
    return isinstance(kind, type) and issubclass(kind, _PLAIN)


def _is_list(kind: Any) -> bool:
    if get_origin(kind) in (Union, UnionType, Annotated):
        return any(map(_is_list, get_args(kind)))
    return get_origin(kind) is list
