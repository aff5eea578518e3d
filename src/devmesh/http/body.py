"""Strict JSON: what is not understood to the last byte is refused, with every fault named."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import islice
from typing import Any, Self, TypeVar

import msgspec

from devmesh.errors import MOST_FAULTS, BadRequest, Fault, Invalid, UnsupportedMediaType
from devmesh.http.faults import faults_of, joined

T = TypeVar("T")

# Deep enough for any real document, and far from every recursion limit and PostgreSQL's own.
MAX_DEPTH = 100
# More than any tool takes; each costs microseconds, in which nobody else is served.
MAX_VALUES = 100_000
# Each level takes two characters: nothing so short is too deep, or holds too many values.
_SHORT = 2 * MAX_DEPTH
# To find a number that is too large, each is looked at: where there are too many, it is not looked for.
_MOST_SEARCHED = 64 * 1024
_TOO_LARGE = object()
_HALF = re.compile(rb"\\u[dD][89abAB]")
# The hint of every 400 here.
_HINT = "Send one JSON object, in UTF-8, without comments, trailing commas or repeated keys."
_JSON = frozenset({b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"})


class Body(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of a request's body: fields that it does not declare are refused by name."""


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """Base of a body that may be any JSON object: its members come as the text that was sent, not as values.

    So numbers of any length, the order of members and how a fraction is written are kept by whoever stores them.
    """

    @classmethod
    def of(cls, members: Mapping[str, msgspec.Raw]) -> Self:
        """Return the body that these members are; raise Invalid naming every fault."""
        raise NotImplementedError


class MalformedJson(BadRequest):
    """The body is not JSON, or JSON that two readers may understand differently."""

    code = "malformed_json"
    hint = _HINT


def decode(raw: bytes, kind: type[T]) -> T:
    """Return the body as a `kind`, nothing coerced; MalformedJson (400) or Invalid (422) with all faults otherwise.

    An empty body is `{}`, so a `kind` whose fields are all optional accepts it.
    """
    if isinstance(kind, type) and issubclass(kind, Document):
        return kind.of(_members(raw or b"{}"))
    if not raw:
        return _empty(kind)
    return shape(parse(raw), kind)


def shape(value: Any, kind: type[T]) -> T:
    """Return a parsed JSON value as a `kind`, nothing coerced; otherwise raise Invalid naming every fault."""
    try:
        return msgspec.convert(value, kind, strict=True, str_keys=True)
    except msgspec.ValidationError as error:
        raise Invalid(faults_of(value, kind) or [Fault("", str(error))]) from None


def parse(raw: bytes) -> Any:
    """Return any JSON value; malformed, ambiguous, of over 100 levels or 100,000 values, or with NUL it is refused."""
    try:
        value = msgspec.json.decode(raw)
    except RecursionError:
        raise MalformedJson(f"The JSON is nested deeper than {MAX_DEPTH} levels.") from None
    except UnicodeDecodeError:
        raise MalformedJson(f"The JSON is not valid UTF-8{_where_not_utf8(raw)}.") from None
    except msgspec.DecodeError as error:
        raise MalformedJson(_reason(error, raw)) from None
    if len(raw) > _SHORT:
        containers = raw.count(b"[") + raw.count(b"{")
        if containers > MAX_DEPTH or containers + raw.count(b",") >= MAX_VALUES:
            _refuse_size(value)
    # Where no colon is written as an escape (\u003a), each key stands for one colon of its own, and encoding keeps the
    # others: a repeated key is a colon that is missing from the encoded form. Far cheaper than looking at each key.
    if raw.find(b"\\u003") >= 0 or raw.count(b":") != msgspec.json.encode(value).count(b":"):
        _refuse_repeated_keys(raw)
    if raw.find(b"\\u0000") >= 0:
        _refuse_nul(value)
    return value


def check_content_type(content_type: bytes | None) -> None:
    """Return if a body of this type is JSON in UTF-8; otherwise raise UnsupportedMediaType."""
    if content_type in _JSON:
        return
    if content_type is None:
        raise UnsupportedMediaType("The body has no Content-Type.")
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    family, _, name = media_type.strip().partition("/")
    if family != "application" or not (name == "json" or name.endswith("+json")):
        raise UnsupportedMediaType("The body's Content-Type is not JSON.")
    for parameter in parameters:
        key, _, value = parameter.strip().partition("=")
        if key == "charset" and value.strip('"') not in ("utf-8", "utf8"):
            raise UnsupportedMediaType("The body's charset is not UTF-8.")


def _members(raw: bytes) -> dict[str, msgspec.Raw]:
    parse(raw)
    try:
        return msgspec.json.decode(raw, type=dict[str, msgspec.Raw])
    except msgspec.ValidationError as error:
        raise Invalid([Fault("", str(error))]) from None


def _empty(kind: type[T]) -> T:
    try:
        return msgspec.convert({}, kind)
    except msgspec.ValidationError:
        required = "" if not faults_of({}, kind) else ": " + ", ".join(fault.field for fault in faults_of({}, kind))
        raise MalformedJson(f"The body is empty; these fields are required{required}.") from None


def _reason(error: msgspec.DecodeError, raw: bytes) -> str:
    text = str(error)
    if text == "Input data was truncated":
        # It is said, too, of a text that ends with half of a pair.
        half = ", or a character in it is half of a surrogate pair" if _HALF.search(raw) else ""
        return f"The JSON ends before it is complete{half}."
    if " out of range" in text:  # what follows is no place that a reader could find
        place = _place_of_too_large(raw) if len(raw) <= _MOST_SEARCHED else ""
        named = f"The number at {place}" if place else "A number in the JSON"
        return f"{named} is out of range: too large to be read."
    return f"{text.removesuffix('.')}."


def _place_of_too_large(raw: bytes) -> str:
    """Return the path of the first number that cannot be read; "" if it is the whole text, or that ends in faults."""
    with suppress(ValueError, RecursionError):
        value = json.loads(raw, parse_int=_readable, parse_float=_readable)
        return next(_paths(value, "", lambda item: item is _TOO_LARGE), "")
    return ""


def _readable(number: str) -> object:
    try:
        return msgspec.json.decode(number)
    except msgspec.DecodeError:
        return _TOO_LARGE


def _where_not_utf8(raw: bytes) -> str:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        return f" (byte {error.start})"
    return ""


def _refuse_size(value: Any) -> None:
    level = [value]
    found = 1
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        found += len(level)
        if found > MAX_VALUES:
            raise MalformedJson(f"The JSON holds more than {MAX_VALUES} values.")
        if not level:
            return
    raise MalformedJson(f"The JSON is nested deeper than {MAX_DEPTH} levels.")


def _inside(value: Any) -> Any:
    if type(value) is list:
        return value
    return value.values() if type(value) is dict else ()


def _refuse_repeated_keys(raw: bytes) -> None:
    json.loads(raw, object_pairs_hook=_distinct, parse_int=len, parse_float=len)


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        for name, _ in pairs:
            if name in seen:
                raise MalformedJson(f"The key {json.dumps(name[:64])} stands twice in one object.")
            seen.add(name)
    return found


def _refuse_nul(value: Any) -> None:
    paths = islice(_paths(value, "", lambda item: isinstance(item, str) and "\0" in item), MOST_FAULTS)
    faults = [Fault(path, "The character U+0000 is not allowed") for path in paths]
    if faults:
        raise Invalid(faults)


def _paths(value: Any, path: str, found: Callable[[Any], bool]) -> Iterator[str]:
    """Yield where the values and the names stand that are `found`."""
    if found(value):
        yield path
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _paths(item, f"{path}[{index}]", found)
    elif isinstance(value, dict):
        for name, item in value.items():
            inner = joined(path, name).replace("\0", "\\u0000")
            if found(name):
                yield inner
            yield from _paths(item, inner, found)
