"""What a service's reply becomes."""

from __future__ import annotations

from typing import Any

from devmesh.gateway.shape import project


def test_fields_are_chosen_of_an_object_and_of_each_object_of_a_list():
    value = [{"a": 1, "b": {"c": 2, "d": 3}}, "text"]
    assert project(value, ["a", "b.c"]) == [{"a": 1, "b": {"c": 2}}, "text"]


def test_lists_within_lists_within_lists_are_left_as_they_are():
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    assert project(nested, ["a"]) is not None
