"""The grammar of scopes, held against a second reading of it that shares no line with the first."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devmesh.access import KeyType, Rights, Role
from devmesh.access.scopes import covers, includes, is_scope, is_usable, nearest

RESOURCES = ("keys", "tools", "contexts")
ACTIONS = ("read", "write", "execute")
NAMES = ("", "github", "github.get_issue", "github.get_repo", "github.create_issue", "gitlab", "gitlab.get_issue", "gi")
# Everything that can be done in a small world; a name stands for what is done to that tool alone.
WORLD = [(resource, action, name) for resource, action, name in itertools.product(RESOURCES, ACTIONS, NAMES)]
WORDS = {"read": ("*:read",), "write": ("*:read", "*:write", "tools:execute"), "admin": ("*:*",)}

part = st.sampled_from((*RESOURCES, "*"))
action = st.sampled_from((*ACTIONS, "*"))
name = st.sampled_from(
    ("", ":*", *(f":{name}" for name in NAMES if name), ":github.*", ":github.get_*", ":gi*", ":git*")
)
scope = st.one_of(
    st.builds(lambda resource, act, named: f"{resource}:{act}{named}", part, action, name),
    st.sampled_from(sorted(WORDS)),
)


def reach(scope: str) -> set[tuple[str, str, str]]:
    """Return everything in the world that whoever holds the scope may do, as API.md says it."""
    if scope in WORDS:
        return set().union(*map(reach, WORDS[scope]))
    resource, act, *rest = scope.split(":")
    return {
        (where, what, which)
        for where, what, which in WORLD
        if resource in (where, "*") and act in (what, "*") and (not rest or is_named(rest[0], which))
    }


def is_named(pattern: str, which: str) -> bool:
    """Whether a name is meant: itself, what begins as `x*` says, or a tool of the service that is named."""
    if pattern.endswith("*"):
        return which[: len(pattern) - 1] == pattern[:-1]
    return which == pattern or which.partition(".")[0] == pattern


def written(entry: tuple[str, str, str]) -> str:
    return ":".join(filter(None, entry))


@settings(max_examples=400, deadline=None)
@given(scope, st.sampled_from(WORLD))
def test_a_scope_covers_what_the_rules_say_and_no_more(granted: str, wanted: tuple[str, str, str]):
    assert covers(granted, written(wanted)) == (wanted in reach(granted))


@settings(max_examples=400, deadline=None)
@given(st.lists(scope, min_size=1, max_size=3), scope)
def test_whoever_grants_a_scope_can_do_all_that_it_lets_do(mine: list[str], wanted: str):
    if includes(mine, wanted):
        assert reach(wanted) <= set().union(*map(reach, mine))


@settings(max_examples=400, deadline=None)
@given(scope, scope)
def test_one_scope_includes_another_exactly_if_it_reaches_as_far(granted: str, wanted: str):
    # The world is too small to tell these from narrower ones: they also reach tools that it does not have.
    if any(text.endswith("*") or text.count(":") == 1 or text in WORDS for text in (granted, wanted)):
        return
    assert includes([granted], wanted) == (reach(wanted) <= reach(granted))


@settings(max_examples=300, deadline=None)
@given(st.lists(scope, min_size=1, max_size=3), st.sampled_from(list(Role)), st.sampled_from([None, *KeyType]))
def test_rights_never_exceed_scopes_role_or_type(scopes: list[str], role: Role, key_type: KeyType | None):
    rights = Rights(scopes, role, key_type)
    everything = Rights(["admin"], role, key_type)
    for entry in WORLD:
        if rights.allows(written(entry)):
            assert any(entry in reach(have) for have in scopes)
            assert everything.allows(written(entry))


@pytest.mark.parametrize(
    "text",
    ["read", "write", "admin", "*:*", "*:read", "keys:*", "keys:write", "tools:execute", "tools:execute:github",
     "tools:execute:github.get_*", "tools:execute:*", "tools:read:github.get_issue", "service-accounts:write"],
)  # fmt: skip
def test_what_is_a_scope(text: str):
    assert is_scope(text)


@pytest.mark.parametrize(
    "text",
    ["", "Read", "READ", "read ", " read", "keys", "keys:", ":read", "keys:reed", "kyes:read", "keys::read", "*",
     "*:*:*:*", "keys:read\n", "keys:rea*", "k*:read", "tools:execute:", "tools:execute:a*b", "tools:execute:**",
     "tools:execute:git hub", "tools:execute:GitHub", "tools:execute:" + "a" * 65, "keys:write,keys:read", "кeys:read"],
)  # fmt: skip
def test_what_is_none(text: str):
    assert not is_scope(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("raed", "read"), ("Write", "write"), ("contexts:reed", "contexts:read"), ("context:write", "contexts:write"),
     ("tool:execute:github", "tools:execute"), ("tools:exec:github.get_*", "tools:execute"), ("kyes:read", "keys:read"),
     ("", None), ("zzz", None), ("usr_" + "A" * 43, None), ("x" * 1_000_000, None), (":" * 1_000_000, None)],
    ids=lambda text: (text or "none")[:24],
)  # fmt: skip
def test_what_a_mistyped_scope_was_perhaps_to_be(text: str, meant: str | None):
    assert nearest(text) == meant
    assert meant is None or is_scope(meant)


@given(
    key_type=st.sampled_from(KeyType),
    scope=st.one_of(st.sampled_from(sorted(WORDS)), st.builds(":".join, st.tuples(part, action))),
)
@settings(max_examples=300)
def test_a_scope_is_usable_by_a_type_exactly_if_its_keys_can_do_something_by_it(key_type: KeyType, scope: str):
    rights = Rights([scope], Role.OWNER, key_type)
    assert is_usable(key_type, scope) == any(rights.allows(written(entry)) for entry in WORLD)
