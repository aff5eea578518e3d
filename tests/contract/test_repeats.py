"""What is shown once is kept nowhere: a route whose reply can hold a secret says so beside its Idempotency-Key."""

from __future__ import annotations

import types
import typing
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar import Response

from devmesh import app

# The names under which replies show what is shown once.
SECRET = {"api_key", "secret", "recovery_codes", "access_token", "refresh_token", "token", "mfa_token", "otpauth_url"}
# Authenticated POSTs that ignore the header, each with the reason.
IGNORING = {
    "/auth/logout": "it ends the session, whose repeat is nobody's",
    "/auth/validate": "it says how things are now, and changes nothing",
}
# POSTs that act beyond our database: what a crash leaves of them, nobody can say.
OUTSIDE = {"/tools/{name:str}/execute"}

POSTS = sorted(
    (
        (path, handler.opt["plan"])
        for handler in app._ROUTES
        if "POST" in handler.http_methods
        for path in sorted(handler.paths)
    ),
    key=lambda route: route[0],
)


def structs(kind: Any) -> Iterator[type[msgspec.Struct]]:
    """Yield every Struct that a reply of this kind can hold."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        yield kind
        for inner in typing.get_type_hints(kind).values():
            if inner is not kind:
                yield from structs(inner)
    elif typing.get_origin(kind) is not None or isinstance(kind, types.UnionType):
        for inner in typing.get_args(kind):
            yield from structs(inner)


def shown(kind: Any) -> set[str]:
    return {name for struct in structs(kind) for name in struct.__struct_fields__}


@pytest.mark.parametrize(("path", "plan"), POSTS, ids=[path for path, _ in POSTS])
def test_a_reply_with_a_secret_is_kept_nowhere(path: str, plan: Any):
    if plan.repeat is None:
        assert not plan.caller_required or path in IGNORING
    else:
        found = shown(plan.returns) & SECRET
        assert bool(found) == (plan.repeat.shown_once is not None), f"{path} shows {found}"


def test_the_lists_are_of_routes():
    paths = {path for path, _ in POSTS}
    assert set(IGNORING) | OUTSIDE <= paths
    assert {path for path, plan in POSTS if plan.repeat and plan.repeat.outside} == OUTSIDE
    # One that acts outside is not run for a repeat: something else must ask whether the caller still may.
    assert all(plan.repeat.allowed for _, plan in POSTS if plan.repeat and plan.repeat.outside)


def test_a_secret_is_seen_wherever_it_stands_in_a_reply():
    inner = msgspec.defstruct("Inner", [("api_key", str)])
    outer = msgspec.defstruct("Outer", [("parts", list[inner] | None)])
    assert "api_key" in shown(Response[outer])
    assert "api_key" in shown(dict[str, outer] | None)
