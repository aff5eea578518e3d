"""Arrays, objects and numbers where a text belongs: 422 naming the field, in every body of every route."""

from __future__ import annotations

import re
import types
from typing import TYPE_CHECKING, Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints
from uuid import UUID

import msgspec
import pytest

from devmesh import app
from devmesh.access import Role
from sessions_people import new_person

if TYPE_CHECKING:
    from running import Organization

WRONG: dict[str, Any] = {
    "an array": ["x"],
    "an object": {"$gt": ""},
    "a number": 7,
    "a boolean": True,
    "an array of arrays": [[["x"]]],
}


def kinds(told: Any) -> set[Any]:
    """Return the types that a field may have."""
    if get_origin(told) is Annotated:
        return kinds(get_args(told)[0])
    if get_origin(told) in (Union, types.UnionType):
        return set().union(*map(kinds, get_args(told)))
    return {told}


def good(told: Any) -> Any:
    """Return something that a field of that type takes."""
    (first, *_) = sorted(kinds(told) - {type(None), msgspec.UnsetType}, key=str)
    if get_origin(first) is Literal:
        return get_args(first)[0]
    origin = get_origin(first) or first
    return {str: "x", bool: True, int: 1}.get(origin, {} if origin is not list else [])


def fields() -> list[tuple[str, str, str, dict[str, Any]]]:
    """Return (method, path, field, body that is good but for that field) for every field that is a text."""
    found = []
    for handler in app._ROUTES:
        body = get_type_hints(handler.fn).get("data")
        if not (isinstance(body, type) and issubclass(body, msgspec.Struct)):
            continue
        method = min(handler.http_methods)
        path = re.sub(r"\{[^}]*:uuid\}", str(UUID(int=7)), re.sub(r"\{[^}]*:str\}", "github", min(handler.paths)))
        required = {one.encode_name: good(one.type) for one in msgspec.structs.fields(body) if one.required}
        found += [
            (method, path, one.encode_name, required)
            for one in msgspec.structs.fields(body)
            if str in kinds(one.type) and not kinds(one.type) & {int, float}
        ]
    return sorted(found, key=str)


def test_there_are_texts_to_be_wrong():
    asked = {(method, path, field) for method, path, field, _ in fields()}
    assert ("POST", "/auth/login", "password") in asked
    assert ("POST", "/auth/refresh", "refresh_token") in asked
    assert ("PATCH", f"/users/{UUID(int=7)}", "name") in asked
    assert ("DELETE", "/organization", "confirm") in asked


@pytest.mark.parametrize("kind", WRONG)
async def test_what_is_no_text_is_422_naming_the_field(organization: Organization, kind: str):
    owner = await new_person(organization, Role.OWNER)
    wrong = []
    for method, path, field, body in fields():
        status, problem = await owner.ask(method, f"/api/v1{path}", {**body, field: WRONG[kind]})
        named = {fault["field"].partition("[")[0] for fault in problem.get("errors", ())}
        if status != 422 or field not in named:
            wrong.append((method, path, field, status, problem))
    assert wrong == []
    # Nothing was done to whoever was meant.
    assert await owner.alive()
