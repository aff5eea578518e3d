"""A tool's arguments: what of a function's signature agents see."""

from typing import Annotated, Literal

import msgspec
import pytest

from devmesh.errors import Invalid
from devmesh.upstream.arguments import Arguments


def compare(from_: str, to: int | None = None):
    return f"{from_}..{to}"


ARGUMENTS = Arguments.of(compare, paged=None, projected=False)


def test_an_argument_that_python_keeps_for_itself_is_shown_without_its_underscore():
    assert set(ARGUMENTS.schema["properties"]) == {"from", "to"}
    assert ARGUMENTS.schema["required"] == ["from"]
    assert compare(**ARGUMENTS.check({"from": "main", "to": 2}).own) == "main..2"


@pytest.mark.parametrize(
    ("values", "fields"),
    [({}, ["from"]), ({"from": 1, "to": "x"}, ["from", "to"]), ({"from_": "main"}, ["from_", "from"])],
)
def test_its_faults_are_named_as_it_is_shown(values, fields):
    with pytest.raises(Invalid) as refusal:
        ARGUMENTS.check(values)
    assert [fault.field for fault in refusal.value.faults] == fields


@pytest.mark.parametrize(
    "values", [{"x" * 1_000_000: 1}, {f"{number}": 1 for number in range(90_000)}, {"from": 1, "to": {"x" * 99_999: 1}}]
)
def test_a_refusal_is_short_whatever_was_sent(values):
    with pytest.raises(Invalid) as refusal:
        ARGUMENTS.check(values)
    assert 0 < len(refusal.value.faults) <= 50
    assert len(refusal.value.detail) < 5_000


def test_of_a_long_name_in_a_refusal_its_beginning_is_told():
    with pytest.raises(Invalid) as refusal:
        ARGUMENTS.check({"from": "main", "because" * 100: 1})
    (fault,) = refusal.value.faults
    assert (fault.field[:7], len(fault.field), fault.message) == ("because", 200, "unknown argument")


class Turn(msgspec.Struct):
    direction: Literal["left", "right"]


def steer(
    gear: Annotated[Literal["low", "high"] | None, msgspec.Meta(description="The gear.")] = None,
    lamps: list[Literal["front", "rear"]] | None = None,
    turns: list[Turn] | None = None,
    plate: Annotated[str, msgspec.Meta(pattern="^[A-Z]+$", description="Letters of the plate.")] = "A",
):
    return (gear, lamps, turns, plate)


STEERED = Arguments.of(steer, paged=None, projected=False)


@pytest.mark.parametrize(
    ("values", "field", "message"),
    [
        ({"gear": "s3cret"}, "gear", "must be one of: high, low"),
        ({"gear": "s3cret - at `$x`"}, "gear", "must be one of: high, low"),
        ({"lamps": ["rear", "s3cret"]}, "lamps[1]", "must be one of: front, rear"),
        ({"lamps": ["s3cret - at `$x`"]}, "lamps[0]", "must be one of: front, rear"),
        (
            {"turns": [{"direction": "s3cret"}]},
            "turns[0].direction",
            "must be one of the values in the tool's input schema",
        ),
        ({"plate": "s3cret"}, "plate", "Expected `str` matching regex '^[A-Z]+$': Letters of the plate."),
    ],
)
def test_a_refusal_says_what_would_be_right_and_not_what_was_sent(values, field, message):
    with pytest.raises(Invalid) as refusal:
        STEERED.check(values)
    assert [(fault.field, fault.message) for fault in refusal.value.faults] == [(field, message)]
