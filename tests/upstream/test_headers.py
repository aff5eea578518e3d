"""An answer's headers, looked up where they stand, against all of them read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.upstream.headers import Headers

TOKENS = st.text("abcXYZ-09", min_size=1, max_size=4)
VALUES = st.text("ab:, \u00e9\tc", max_size=6)


def head(pairs):
    return "\r\n".join(["HTTP/1.1 200 OK", *(f"{name}:{value}" for name, value in pairs)]).encode("latin-1")


def read(pairs):
    """Return what RFC 9110, 5.3 makes of the pairs."""
    found = {}
    for name, value in pairs:
        if value.isascii():
            found.setdefault(name.lower(), []).append(value.strip())
    return {name: ", ".join(values) for name, values in found.items()}


@given(st.lists(st.tuples(TOKENS, VALUES), max_size=5), TOKENS)
def test_a_header_is_found_as_if_all_had_been_read(pairs, other):
    expected = read(pairs)
    for name in {other.lower(), *(name.lower() for name, _ in pairs)}:
        headers = Headers(head(pairs))
        assert headers.get(name, "none") == expected.get(name, "none")
        assert (name in headers) == (name in expected)
    assert dict(Headers(head(pairs))) == expected
    assert (len(Headers(head(pairs))), Headers(head(pairs)).lines) == (len(expected), len(pairs))


@pytest.mark.parametrize("name", ["http/1.1 200 ok", "type", "content", "x"])
def test_a_part_of_a_line_is_no_header(name):
    headers = Headers(b"HTTP/1.1 200 OK\r\ncontent-type: x: y\r\nA: x:1")
    assert headers.get(name) is None
    with pytest.raises(KeyError):
        headers[name]


def test_its_repr_shows_no_values():
    assert "hidden" not in repr(Headers(b"HTTP/1.1 200 OK\r\nset-cookie: hidden"))
