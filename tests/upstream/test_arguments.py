"""A tool's arguments: what of a function's signature agents see."""

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
