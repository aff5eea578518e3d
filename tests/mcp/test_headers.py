"""Header values as other servers than ours would hand them on: padded, wrapped, broken."""

from __future__ import annotations

import pytest

from devmesh.mcp.envelope import Message
from devmesh.mcp.errors import Refused
from devmesh.mcp.headers import check_modern, decoded, is_modern, legacy_version
from devmesh.mcp.protocol import META_CAPABILITIES, META_VERSION, MODERN

CALL = Message(1, "tools/call", {"name": "a.b", "_meta": {META_VERSION: MODERN, META_CAPABILITIES: {}}})
FIELDS = {b"mcp-protocol-version": MODERN.encode(), b"mcp-method": b"tools/call", b"mcp-name": b"a.b"}


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("padding", [b" ", b"\t", b" \t "])
def test_blanks_around_a_value_are_no_part_of_it(name, padding):
    check_modern({**FIELDS, name: padding + FIELDS[name] + padding}, CALL)


def test_blanks_around_a_version_do_not_change_the_era():
    assert is_modern({b"mcp-protocol-version": b" 2026-07-28 "}, Message(1, "ping", {}))
    assert legacy_version({b"mcp-protocol-version": b" 2025-06-18\t"}) == "2025-06-18"


@pytest.mark.parametrize("name", FIELDS)
@pytest.mark.parametrize("value", [b"", b"x", b"\xff", None])
def test_a_value_that_differs_or_is_missing_is_refused(name, value):
    fields = {**FIELDS, name: value} if value is not None else {key: FIELDS[key] for key in FIELDS if key != name}
    with pytest.raises(Refused) as refused:
        check_modern(fields, CALL)
    assert refused.value.code == -32020


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (b"", b""),
        (b"a.b", b"a.b"),
        (b"=?base64?SGVsbG8=?=", b"Hello"),
        (b" =?base64?SGVsbG8=?=\t", b"Hello"),
        (b"=?base64??=", b""),
        (b"=?base64?SGVsbG8?=", None),  # no padding
        (b"=?base64?SGVsbG9=?=", None),  # bits that encode nothing
        (b"=?base64?SGVs!!!bG8=?=", None),
        (b"=?base64?=", b"=?base64?="),  # too short to be wrapped
        (b"=?base64?SGVsbG8=", b"=?base64?SGVsbG8="),
        (b"SGVsbG8=?=", b"SGVsbG8=?="),
        (b"=?BASE64?SGVsbG8=?=", b"=?BASE64?SGVsbG8=?="),
    ],
)
def test_a_wrapped_value_is_unwrapped_and_a_broken_one_is_none(value, plain):
    assert decoded(value) == plain
