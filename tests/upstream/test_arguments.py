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
