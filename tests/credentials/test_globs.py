"""Patterns with `*`."""

from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.credentials.globs import Glob


@pytest.mark.parametrize(
    ("pattern", "value", "matches"),
    [
        ("my-org", "my-org", True),
        ("my-org", "My-ORG", True),
        ("My-Org", "my-org", True),
        ("my-org", "my-org2", False),
        ("my-*", "my-", True),
        ("*/infra-*", "team/infra-eu", True),
        ("*/infra-*", "infra-eu", False),
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*ab*ab", "ab", False),
        ("*", "", True),
        ("*", None, False),
        ("*", ["x"], False),
        ("*", {"x": 1}, False),
        ("*", 1.5, False),
        ("42", 42, True),
        ("4*", 42, True),
        ("1", True, False),
        ("true", True, True),
        ("*", 10**31, False),
        ("*", "x" * 1001, False),
        ("a.c", "abc", False),
        ("a?c", "abc", False),
        ("[ab]", "a", False),
        ("k", "\u212a", False),
        ("i*", "\u0130", False),
    ],
)
def test_a_star_stands_for_any_text_and_all_else_for_itself(pattern: str, value: object, *, matches: bool):
    assert Glob(pattern).matches(value) is matches


@given(st.text("ab*", max_size=8), st.text("ab", max_size=12))
def test_it_agrees_with_the_shells_matching(pattern: str, text: str):
    assert Glob(pattern).matches(text) == fnmatch.fnmatchcase(text, pattern)


def test_a_hostile_pattern_comes_to_an_end():
    # Backtracking would take longer than the universe has been there.
    assert not Glob("*a" * 99 + "*b").matches("a" * 1000)
