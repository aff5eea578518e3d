import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.mail import address


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("admin@mycompany.com", "admin@mycompany.com"),
        (" Ada.Lovelace+mesh@Example.COM ", "Ada.Lovelace+mesh@example.com"),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example"),
        ("ada@XN--Bcher-KVA.example", "ada@xn--bcher-kva.example"),
        ("ada@\uff45xample.com", "ada@example.com"),
        ("o'neil@example.co.uk", "o'neil@example.co.uk"),
        (f"{'a' * 64}@example.com", f"{'a' * 64}@example.com"),
    ],
)
def test_an_address_is_kept_in_one_spelling(text, kept):
    assert address.parse(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ada",
        "@example.com",
        "ada@",
        "ada@localhost",
        "ada@example",
        "ada@example.",
        "ada@.example.com",
        "ada@exa mple.com",
        "ada@-example.com",
        "ada@exa_mple.com",
        "ada@[127.0.0.1]",
        "ada@127.0.0.1",
        "a..b@example.com",
        ".a@example.com",
        "a.@example.com",
        '"a b"@example.com',
        "a(comment)@example.com",
        "a@b@example.com",
        "a,b@example.com",
        "<a@example.com>",
        "ada@example.com\n",
        "ada@example.com\r\nBcc: eve@example.com",
        "ada\r\nBcc:eve@example.com",
        "ada@example.com\0",
        "\u00e4da@example.com",
        "ada\uff20example.com",
        "ada@\ud800.com",
        "ada@ex\u200bample.com",
        "ada@ex\ufe0fample.com",
        "ada@ex\u034fample.com",
        "ada@ex\u3164ample.com",
        f"{'a' * 65}@example.com",
        f"a@{'b' * 64}.com",
        f"a@{'b.' * 125}com",
        f"a@{chr(0xFC) * 60}.{chr(0xFC) * 60}.{chr(0xFC) * 60}.com",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_address_is_refused(text):
    with pytest.raises(ValueError, match="must"):
        address.parse(text)


@given(st.text(max_size=80) | st.builds("{}@{}".format, st.text(max_size=20), st.text(max_size=40)))
def test_whatever_is_kept_is_its_own_spelling_on_one_line(text):
    try:
        kept = address.parse(text)
    except ValueError:
        return
    assert address.parse(kept) == kept
    assert kept.isascii()
    assert kept.isprintable()
    assert " " not in kept
