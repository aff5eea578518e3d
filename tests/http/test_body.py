"""Strict JSON bodies."""

from __future__ import annotations

import json
import tracemalloc
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.errors import Invalid, UnsupportedMediaType
from devmesh.http.body import Body, MalformedJson, check_content_type, decode, parse


class Color(StrEnum):
    RED = "red"
    BLUE = "blue"


class Part(Body):
    name: str
    count: int = 1


class Thing(Body):
    name: Annotated[str, msgspec.Meta(min_length=1, max_length=5)]
    color: Color = Color.RED
    form: Literal["a", "b"] | None = None
    parts: list[Part] = []
    inner: Part | None = None
    by_name: dict[str, Part] = {}
    id: UUID | None = None


class Optional(Body):
    name: str | None = None


def faults(raw: bytes, kind: type[Any] = Thing) -> dict[str, str]:
    with pytest.raises(Invalid) as caught:
        decode(raw, kind)
    return {fault.field: fault.message for fault in caught.value.faults}


@pytest.mark.parametrize(
    ("raw", "says"),
    [
        (b'{"name": }', "byte 9"),
        (b'{"name": "x",}', "trailing comma"),
        (b'{"name": "x"', "ends before"),
        (b'{"name": "x"} x', "byte 14|byte 15"),
        (b"{'name': 1}", "byte 1"),
        (b'{"name": NaN}', "byte 9"),
        (b'\xef\xbb\xbf{"name": "x"}', "byte 0"),
        (b'{"name": "\xff"}', r"not valid UTF-8 \(byte 10\)"),
        (b'{"name": "\xed\xa0\x80"}', "not valid UTF-8"),
        (b'{"name": "a\x00b"}', "invalid character"),
        (b'{"name": "\\ud800"}', "malformed|ends before"),
        (b'{"name": "\\udc00 and more text"}', "surrogate"),
        (b'{"name": 1e999}', r"^The number at name is out of range: too large to be read\.$"),
        (b'{"name": [1, {"a": ' + b"9" * 5000 + b"}]}", r"^The number at name\[1\]\.a is out of range"),
        (b'{"name": "1e999", "count": [1.5, 7, -1e999, 1e999]}', r"^The number at count\[2\] is out of range"),
        (b"1e999", r"^A number in the JSON is out of range: too large to be read\.$"),
        (b'{"count": 1e999', r"^A number in the JSON is out of range: too large to be read\.$"),
        (b'{"count": 1e999, "a": ' + b"[" * 100_000, "^A number in the JSON is out of range"),
        (b'{"count": 1e999, "name": "' + b"x" * 70_000 + b'"}', "^A number in the JSON is out of range"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 100_000, "nested deeper"),
        (b"[" * 101 + b"]" * 101, "nested deeper"),
        (b'{"name": "x", "name": "y"}', '"name" stands twice'),
        (b'{"name": "x", "by_name": {"a": {"name": "q", "name": "q"}}}', '"name" stands twice'),
        (b'{"name": "x", "n\\u0061me": "y"}', '"name" stands twice'),
        (b'{"name": "x", "name": "y", "by_name": {"\\u003a": "z"}}', '"name" stands twice'),
        (b'{"name": "x", "name": "y", "by_name": {"a": "\\u003A"}}', '"name" stands twice'),
        (b'{"name": ":\\n", "name": "y"}', '"name" stands twice'),
    ],
)
def test_what_is_not_json_is_refused_saying_where(raw, says):
    with pytest.raises(MalformedJson, match=says):
        decode(raw, Thing)


def test_json_within_the_depth_is_taken():
    raw = b"[" * 100 + b"]" * 100
    assert json.dumps(parse(raw)).encode() == raw


def test_many_brackets_side_by_side_are_not_deep():
    assert len(parse(b"[" + b",".join([b"[]"] * 5_000) + b"]")) == 5_000


def test_more_values_than_any_request_needs_are_refused():
    ones = [1] * 99_999
    assert len(parse(msgspec.json.encode(ones))) == 99_999
    assert parse(msgspec.json.encode(["," * 200_000]))
    for many in ([*ones, 1], [[[], {}]] * 33_334, {str(number): 0 for number in range(100_000)}):
        with pytest.raises(MalformedJson, match="100000 values"):
            parse(msgspec.json.encode(many))


def test_of_very_many_members_the_first_fault_is_told():
    assert faults(msgspec.json.encode({"name": "n", "parts": [{"name": "a"}] * 1_001 + [{"name": 1}] * 2})) == {
        "parts[1001].name": "Expected `str`, got `int`"
    }


def test_colons_in_strings_and_spaces_are_no_repeated_keys():
    assert parse(b'{ "a:b" : "c:d:e" , "f" : [ {"a:b" : ":"} ] }') == {"a:b": "c:d:e", "f": [{"a:b": ":"}]}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON, st.booleans())
def test_any_json_without_nul_is_read_as_the_standard_library_reads_it(value, ascii_only):
    raw = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    if "\\u0000" in json.dumps(value) or "\\ud" in json.dumps(value):
        return
    assert parse(raw) == json.loads(raw)


@given(st.dictionaries(st.text(alphabet='ab:"\\é', max_size=3), JSON, min_size=1), st.data())
def test_a_repeated_key_is_always_found(value, data):
    pairs = [f"{json.dumps(key)}:{json.dumps(item)}" for key, item in value.items()]
    twice = data.draw(st.sampled_from(list(value)))
    pairs.insert(data.draw(st.integers(0, len(pairs))), f"{json.dumps(twice)}:1")
    with pytest.raises(MalformedJson, match="stands twice"):
        parse(("{" + ",".join(pairs) + "}").encode())


def test_nul_in_a_string_or_a_key_is_refused_by_name():
    raw = b'{"name": "a\\u0000", "parts": [{"name": "\\u0000"}], "k\\u0000": 1}'
    assert set(faults(raw)) == {"name", "parts[0].name", "k\\u0000"}


@pytest.mark.parametrize("inner", [b'["\\u0000"%s]', b'{"a": ["\\u0000"%s]}', b'{"\\u0000": ["\\u0000"%s]}'])
def test_to_tell_of_many_nuls_takes_no_more_room_than_they_do(inner):
    raw = b'{"%s": %s}' % (b"n" * 100_000, inner % (b', "\\u0000"' * 5_000))
    tracemalloc.start()
    try:
        with pytest.raises(Invalid) as refusal:
            parse(raw)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(refusal.value.faults) == 50
    assert most < 20 * len(raw)


def test_an_escaped_backslash_before_u0000_is_no_nul():
    assert parse(b'["\\\\u0000"]') == ["\\u0000"]


def test_all_faults_are_told_at_once_with_their_paths():
    raw = msgspec.json.encode(
        {
            "name": "",
            "color": "CANARY-1",
            "form": "CANARY-2",
            "parts": [{"name": 1}, {"count": "3", "extra": 1}],
            "inner": {"name": "x", "count": 1.0},
            "by_name": {"k": {"name": True}},
            "id": "not-a-uuid",
            "surplus": 1,
        }
    )
    found = faults(raw)
    assert set(found) == {
        "name",
        "color",
        "form",
        "parts[0].name",
        "parts[1].name",
        "parts[1].count",
        "parts[1].extra",
        "inner.count",
        "by_name.k.name",
        "id",
        "surplus",
    }
    assert found["color"] == "must be one of: red, blue"
    assert found["form"] == "must be one of: a, b"
    assert found["surplus"] == "There is no such field"
    assert found["parts[1].name"] == "This field is required"
    assert "CANARY" not in str(found)


def test_no_value_is_coerced():
    assert set(faults(b'{"name": 1, "parts": "x", "inner": []}')) == {"name", "parts", "inner"}
    assert set(faults(b'{"name": "x", "count": "1"}', Part)) == {"count"}
    assert set(faults(b'{"name": "x", "count": true}', Part)) == {"count"}


def test_a_body_of_another_shape_is_one_fault_of_the_whole():
    assert faults(b"[]") == {"": "Expected `object`, got `array`"}


def test_a_rule_of_the_whole_is_told_too():
    class Pair(Body):
        low: int
        high: int

        def __post_init__(self) -> None:
            if self.low > self.high:
                raise ValueError("low is above high")

    assert faults(b'{"low": 2, "high": 1}', Pair) == {"": "low is above high"}


def test_a_value_of_the_wrong_form_is_answered_with_what_is_said_of_it_in_words():
    class Named(Body):
        label: Annotated[str, msgspec.Meta(pattern="^[a-z]+$", description="Small letters.")] | None = None
        code: Annotated[str, msgspec.Meta(pattern="^[0-9]+$")] = "1"

    assert faults(b'{"label": "A b", "code": "x"}', Named) == {
        "label": "Expected `str` matching regex '^[a-z]+$': Small letters.",
        "code": "Expected `str` matching regex '^[0-9]+$'",
    }
    assert faults(b'{"label": 1}', Named) == {"label": "Expected `str | null`, got `int`"}


def test_faults_are_bounded_in_number_and_length():
    raw = msgspec.json.encode({f"{index}{'x' * 500}": 1 for index in range(1000)})
    found = faults(raw)
    assert len(found) == 50
    assert max(map(len, found)) < 70


def test_an_empty_body_is_accepted_where_nothing_is_required():
    assert decode(b"", Optional) == Optional()
    with pytest.raises(MalformedJson, match=r"empty.*name"):
        decode(b"", Thing)


def test_any_object_can_be_asked_for():
    assert decode(b'{"a": {"b": [1]}}', dict[str, Any]) == {"a": {"b": [1]}}
    assert faults(b"[1]", dict[str, Any]) == {"": "Expected `object`, got `array`"}


@pytest.mark.parametrize(
    "good",
    [
        b"application/json",
        b"Application/JSON; charset=UTF-8",
        b'application/json;charset="utf-8"',
        b"application/merge-patch+json",
    ],
)
def test_json_in_utf_8_is_the_type_of_a_body(good):
    check_content_type(good)


@pytest.mark.parametrize(
    "bad",
    [
        None,
        b"",
        b"text/plain",
        b"application/x-www-form-urlencoded",
        b"application/json; charset=latin-1",
        b"application/jsonx",
        b"text/json",
        b"\xff\xfe",
        b"application/json, text/plain",
    ],
)
def test_other_types_of_body_are_refused(bad):
    with pytest.raises(UnsupportedMediaType):
        check_content_type(bad)


@pytest.mark.parametrize("text", [b'{"a": "\\ud83d"}', b'{"\\uD83D": 1}', b'{"a": "\\uDBFFx"}'])
def test_half_a_surrogate_pair_is_not_taken_for_an_end_alone(text: bytes):
    with pytest.raises(MalformedJson, match="half of a surrogate pair"):
        parse(text)
    with pytest.raises(MalformedJson, match=r"before it is complete\.$"):
        parse(b'{"a": "x')
