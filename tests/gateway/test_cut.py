"""A long result, cut: every byte and every item is shown once, in order."""

from __future__ import annotations

import json

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from devmesh.gateway.cut import bytes_of, is_cut_by_items, items_from, size_of, text_from
from devmesh.gateway.model import ToolResult


def listed(items, **more):
    return msgspec.json.encode({"total_count": 3, "items": items, "next_cursor": "abc", **more})


@given(st.lists(st.text(max_size=30), min_size=1, max_size=40), st.integers(1, 120))
def test_a_lists_items_are_all_shown_once_and_in_order(items, most):
    whole, start, seen, parts = listed(items), 0, [], 0
    while start is not None:
        part = items_from(whole, start, most, "handle")
        shown = json.loads(bytes(part.text))
        seen += shown["items"]
        start, parts = part.next, parts + 1
        assert shown["total_count"] == 3
        assert shown["next_cursor"] == (None if start is not None else "abc")
        assert shown.get("more") == (None if start is None else {"handle": f"handle-{start}", "left_items": part.left})
        size = sum(len(msgspec.json.encode(item)) + 1 for item in shown["items"])
        assert size <= most or len(shown["items"]) == 1
    assert seen == items
    assert parts <= len(items)


@given(st.text(min_size=1, max_size=200), st.integers(4, 50))
def test_a_texts_characters_are_all_shown_once_and_whole(text, most):
    whole, start, seen = text.encode(), 0, ""
    while start is not None:
        part = text_from(whole, start, most, "handle")
        own = part.text if part.next is None else part.text.rpartition("\n\n[Bytes ")[0]
        assert len(own.encode()) <= most
        seen += own
        start = part.next
    assert seen == text


def test_only_a_list_of_short_items_is_cut_by_items():
    def result(text):
        return ToolResult(text if isinstance(text, str) else msgspec.Raw(text))

    assert is_cut_by_items(result(listed(["a" * 90, "b"])), 100)
    assert not is_cut_by_items(result(listed(["a" * 100, "b"])), 100)
    for other in (b"[1]", b'{"items": 7, "next_cursor": null}', b'{"items": [1]}', b"{", listed([1]).decode()):
        assert not is_cut_by_items(result(other), 100)


def test_a_handle_beyond_the_end_shows_nothing_more():
    assert json.loads(bytes(items_from(listed(["a"]), 99, 100, "h").text))["items"] == []
    assert text_from(b"abc", 99, 100, "h") == ("", None, None, 0)


def test_a_result_is_measured_in_bytes():
    assert size_of(ToolResult("äb")) == len(bytes_of(ToolResult("äb"))) == 3
    assert size_of(ToolResult(msgspec.Raw(b'"\xc3\xa4"'))) == 4


def test_a_list_of_millions_is_cut_by_bytes():
    few, many = (msgspec.Raw(b'{"items":[' + b"0," * count + b'0],"next_cursor":null}') for count in (9_999, 1_000_000))
    assert is_cut_by_items(ToolResult(few, few), 1000)
    assert not is_cut_by_items(ToolResult(many, many), 1000)


def test_a_list_with_more_beside_its_items_than_is_shown_at_once_is_cut_by_bytes():
    for beside, parted in (("x" * 800, True), ("x" * 1200, False)):
        whole = msgspec.Raw(listed(["a" * 300] * 9, note=beside))
        assert is_cut_by_items(ToolResult(whole, whole), 1000) == parted


def test_a_list_with_very_much_beside_its_items_is_cut_by_bytes_however_much_is_shown():
    for beside, parted in ((10_000, True), (30_000, False)):
        whole = msgspec.Raw(listed(["a"] * 9, **{f"key {number:05}": number for number in range(beside)}))
        assert is_cut_by_items(ToolResult(whole, whole), 8_000_000) == parted
