"""All faults of a value at once: msgspec stops at the first, a person filling in a form wants every one."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from devmesh.errors import MOST_FAULTS, Fault

_MAX_NAME = 64
# Of more members than a person writes, the first fault alone is told: looking at each takes too long.
_MAX_MEMBERS = 1000
_UNIONS = (Union, UnionType)
_LISTS = (list, tuple, set, frozenset)


def faults_of(value: Any, kind: Any, path: str = "", *, strict: bool = True) -> list[Fault]:
    """Return every fault that keeps `value` from being a `kind`, each with its dotted path; at most 50."""
    found: list[Fault] = []
    for fault in _faults(value, kind, path, strict=strict):
        found.append(fault)
        if len(found) == MOST_FAULTS:
            break
    return found


def _faults(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[Fault]:
    kind = _plain(kind)
    if isinstance(value, dict) and _is_struct(kind):
        yield from _struct_faults(value, kind, path, strict=strict)
        return
    found = list(_member_faults(value, kind, path, strict=strict))
    yield from found or _converted(value, kind, path, strict=strict)


def _struct_faults(value: dict[str, Any], kind: Any, path: str, *, strict: bool) -> Iterator[Fault]:
    found = list(_field_faults(value, kind, path, strict=strict))
    yield from found
    if not found:  # what only the whole can tell: __post_init__
        yield from _converted(value, kind, path, strict=strict)


def _field_faults(value: dict[str, Any], kind: Any, path: str, *, strict: bool) -> Iterator[Fault]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name, field in fields.items():
        if name in value:
            yield from _faults(value[name], field.type, joined(path, name), strict=strict)
        elif field.required:
            yield Fault(joined(path, name), "This field is required")
    if kind.__struct_config__.forbid_unknown_fields:
        for name in value:
            if name not in fields:
                yield Fault(joined(path, name), "There is no such field")


def _member_faults(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[Fault]:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        origin, inner = get_origin(inner[0]), get_args(inner[0])
    if isinstance(value, list | dict) and len(value) > _MAX_MEMBERS:
        return
    if isinstance(value, list) and origin in _LISTS and inner:
        for index, item in enumerate(value):
            yield from _faults(item, inner[0], f"{path}[{index}]", strict=strict)
    elif isinstance(value, dict) and origin is dict:
        for name, item in value.items():
            yield from _faults(item, inner[1], joined(path, name), strict=strict)


def _converted(value: Any, kind: Any, path: str, *, strict: bool) -> Iterator[Fault]:
    try:
        msgspec.convert(value, kind, strict=strict, str_keys=True)
    except msgspec.ValidationError as error:
        yield _fault(error, kind, path)


def _plain(kind: Any) -> Any:
    """Return what stands inside `X | None`, and inside `Annotated` where nothing but a Struct could fail."""
    if get_origin(kind) in _UNIONS:
        rest = [member for member in get_args(kind) if member not in (type(None), msgspec.UnsetType)]
        if len(rest) == 1 and _is_struct(_plain(rest[0])):
            return _plain(rest[0])
    if get_origin(kind) is Annotated and _is_struct(get_args(kind)[0]):
        return get_args(kind)[0]
    return kind


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct) and kind.__struct_config__.tag is None


def _fault(error: msgspec.ValidationError, kind: Any, path: str) -> Fault:
    message, _, where = str(error).partition(" - at `")
    inside = where.removesuffix("`").removeprefix("$")
    if message.startswith("Invalid enum value"):  # the message would repeat what was sent
        choices = "" if inside else ", ".join(_choices(kind))
        message = f"must be one of: {choices}" if choices else "must be one of the allowed values"
    elif message.startswith("Object contains unknown field"):
        inside, message = joined(inside, message.split("`")[1]), "There is no such field"
    elif " matching regex " in message and not inside and (described := _description(kind)):
        message = f"{message}: {described}"
    return Fault((path + inside).removeprefix("."), message)


def _description(kind: Any) -> str:
    """Return what the value is said to be; empty if nothing is."""
    if get_origin(kind) in _UNIONS:
        return next(filter(None, map(_description, get_args(kind))), "")
    told = (part.description for part in getattr(kind, "__metadata__", ()) if isinstance(part, msgspec.Meta))
    return next(filter(None, told), "")


def _choices(kind: Any) -> list[str]:
    if isinstance(kind, type) and issubclass(kind, Enum):
        return [str(member.value) for member in kind]
    if get_origin(kind) is Literal:
        return [str(choice) for choice in get_args(kind)]
    if get_origin(kind) is Annotated or get_origin(kind) in _UNIONS:
        return [choice for member in get_args(kind) for choice in _choices(member)]
    return []


def joined(path: str, name: str) -> str:
    """Return the path of a member: of a long name its beginning, for it may stand in thousands of paths."""
    short = name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME]}…"
    return f"{path}.{short}" if path else short
