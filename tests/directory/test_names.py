import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.directory import names


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("my-company", "my-company"),
        ("  My-Company\n", "my-company"),
        ("\uff41\uff42\uff43", "abc"),
        ("\u2460\u2461\u2462", "123"),
        ("a" * 50, "a" * 50),
    ],
)
def test_a_slug_has_one_spelling(text, kept):
    assert names.slug(text) == kept


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ab",
        "a" * 51,
        "-ab",
        "ab-",
        "a b",
        "a_b",
        "a.b",
        "a/b",
        "a\0b",
        "a\u200bb",
        "m\u00fcller",
        "\u0430dmin",
        "a--b\n-",
        "019aa0c2-0000-7000-8000-000000000000",
        "019aa0c2000070008000000000000000",
        "x" * 1_000_000,
    ],
)
def test_what_is_no_slug_is_refused(text):
    with pytest.raises(ValueError, match="must"):
        names.slug(text)


@pytest.mark.parametrize("text", ["admin", " WWW ", "DevMesh", "\uff41\uff50\uff49", "oauth", "system"])
def test_reserved_slugs_are_no_organizations(text):
    with pytest.raises(ValueError, match="reserved"):
        names.organization_slug(text)


@given(st.text(max_size=60))
def test_a_kept_slug_is_its_own_spelling(text):
    try:
        kept = names.slug(text)
    except ValueError:
        return
    assert names.slug(kept) == kept
    assert kept.isascii()


@pytest.mark.parametrize(
    "text",
    [
        "Ada Lovelace",
        "Zo\u00eb & S\u00f8ns",
        "\u6771\u4eac",
        "O'Neil <x>",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "x" * 200,
    ],
)
def test_names_of_all_scripts_are_kept(text):
    assert names.name(f" {text} ") == text


@pytest.mark.parametrize(
    "text",
    ["", "  ", "\u200d", "x" * 201, "x" * 1_000_000, "a\nb", "a\r\nBcc: b", "a\0", "\u202eb", "a\u2028b", "\ud800"],
)
def test_names_that_deceive_or_break_a_line_are_refused(text):
    with pytest.raises(ValueError, match="must"):
        names.name(text)
