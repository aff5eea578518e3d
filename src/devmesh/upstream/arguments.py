"""A tool's arguments: a Struct from the function's signature checks them, and its JSON Schema describes them."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_type_hints

import msgspec
from msgspec import Meta

from devmesh.errors import Fault, Invalid

_FIELDS = Annotated[
    Annotated[list[Annotated[str, Meta(min_length=1, max_length=200)]], Meta(max_length=100)] | None,
    Meta(description="Only these fields of each result, dotted for nested ones (`user.login`); omitted: everything."),
]
_CURSOR = Annotated[
    Annotated[str, Meta(max_length=2000)] | None,
    Meta(description="The next_cursor of the page before; omitted: the first page."),
]

_SHARED = ("limit", "cursor", "fields")
# How msgspec ends a message that concerns a part of the value.
_PLACE = re.compile(r"^(?P<said>.*) - at `\$(?P<place>.*)`$", re.DOTALL)
_INDEX = re.compile(r"\[[0-9]+\]")

_LISTED = "must be one of the values in the tool's input schema"

# The second for a lone surrogate where one of a few words is expected.
_REFUSED = (msgspec.ValidationError, UnicodeEncodeError)


class Paged(msgspec.Struct, frozen=True):
    """The arguments that all tools share, parted from the function's own."""

    own: dict[str, Any]
    limit: int | None = None
    cursor: str | None = None
    fields: list[str] | None = None


class Arguments:
    """The arguments of one tool: `check` them, or show their `schema` (JSON Schema 2020-12, one object)."""

    __slots__ = ("_shared", "_types", "schema", "struct")

    def __init__(self, struct: type[msgspec.Struct]) -> None:
        self.struct = struct
        # Made once: of most tools it is `fields` alone.
        self._shared = tuple(name for name in _SHARED if name in struct.__struct_fields__)
        self._types = get_type_hints(struct, include_extras=True)
        self.schema = _inline(struct)

    @classmethod
    def of(cls, function: Callable[..., Any], *, paged: int | None, projected: bool) -> Arguments:
        """Return the arguments that `function` takes; `paged` is the largest `limit`, None for no paging.

        One that Python keeps for itself is written with an underscore after it (`from_`), and called without (PEP 8).
        """
        hints = get_type_hints(function, include_extras=True)
        members: list[Any] = []
        for name, parameter in inspect.signature(function).parameters.items():
            default = parameter.default
            members.append((name, hints[name]) if default is parameter.empty else (name, hints[name], default))
        if taken := sorted({member[0] for member in members} & set(_SHARED)):
            raise TypeError(f"{function.__name__}: {', '.join(taken)} belong to every tool")
        if paged is not None:
            limit = Annotated[
                Annotated[int, Meta(ge=1, le=paged)] | None, Meta(description=f"Results per page, at most {paged}.")
            ]
            members += [("limit", limit, None), ("cursor", _CURSOR, None)]
        if projected:
            members.append(("fields", _FIELDS, None))
        struct = msgspec.defstruct(
            function.__name__, members, kw_only=True, forbid_unknown_fields=True, frozen=True, rename=_shown
        )
        return cls(struct)

    def check(self, values: Mapping[str, Any]) -> Paged:
        """Return the arguments with their defaults; raise Invalid naming every fault at once."""
        try:
            checked = msgspec.convert(values, self.struct, strict=True)
        except _REFUSED as error:
            raise Invalid(self._faults(values) or [Fault("", str(error))]) from None
        own = msgspec.structs.asdict(checked)
        return Paged(own, **{name: own.pop(name) for name in self._shared})

    def _faults(self, values: Mapping[str, Any]) -> list[Fault]:
        known = {field.encode_name: field for field in msgspec.structs.fields(self.struct)}
        faults = [Fault(name, "unknown argument") for name in values if name not in known]
        for name, member in known.items():
            if name not in values:
                if member.required:
                    faults.append(Fault(name, "required"))
                continue
            try:
                msgspec.convert(values[name], self._types[member.name], strict=True)
            except _REFUSED as error:
                faults.append(_fault(name, str(error), self.schema["properties"][name]))
        return faults


def _shown(name: str) -> str:
    """Return the argument's name as agents see it."""
    return name.removesuffix("_")


def _fault(name: str, message: str, schema: Mapping[str, Any]) -> Fault:
    """Return what would be right, with the place inside the argument (`comments[0].line`) as the field."""
    found = _PLACE.match(message)
    said, place = (found["said"], found["place"]) if found else (message, "")
    if said.startswith("Invalid enum value"):  # the message would repeat what was sent
        said = f"must be one of: {', '.join(map(str, choices))}" if (choices := _choices(schema, place)) else _LISTED
    elif " matching regex " in said and "description" in schema:
        said = f"{said}: {schema['description']}"
    return Fault(f"{name}{place}", said)


def _choices(schema: Mapping[str, Any], place: str) -> list[Any]:
    """Return what may stand at `place` of an argument of this schema: in the value itself, or in an item of a list."""
    kinds = [schema, *schema.get("anyOf", ())]
    if place:
        rest, inner = _INDEX.subn("", place, count=1)
        return [one for kind in kinds if inner for one in _choices(kind.get("items", {}), rest)]
    return [one for kind in kinds for one in kind.get("enum", ())]


def _inline(struct: type[msgspec.Struct]) -> dict[str, Any]:
    _, components = msgspec.json.schema_components([struct], ref_template="#/$defs/{name}")
    definitions = {name: _plain(member) for name, member in components.items()}
    top = definitions.pop(struct.__name__)
    return {**top, "$defs": definitions} if definitions else top


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """Return an object's schema as an agent needs it: no title, each member without its `null`."""
    members = {name: _without_null(member) for name, member in schema.get("properties", {}).items()}
    return {name: members if name == "properties" else value for name, value in schema.items() if name != "title"}


def _without_null(member: dict[str, Any]) -> dict[str, Any]:
    """Return the schema without its `null`: an agent leaves an optional argument out (null is taken all the same)."""
    kinds = [kind for kind in member.get("anyOf", []) if kind != {"type": "null"}]
    rest = {key: value for key, value in member.items() if key != "anyOf" and (key, value) != ("default", None)}
    if len(kinds) == 1:
        return {**rest, **kinds[0]}
    return {**rest, "anyOf": kinds} if kinds else rest
