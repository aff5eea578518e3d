import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyreqwest.http import Url

from devmesh.errors import Invalid
from devmesh.upstream.message import message_of
from devmesh.upstream.origin import Origin, base_of
from devmesh.upstream.wire import get, plain_path, url


@pytest.mark.parametrize(
    ("text", "origin"),
    [
        ("https://api.github.com", ("https", "api.github.com", 443)),
        ("https://API.GitHub.COM.", ("https", "api.github.com", 443)),
        ("https://api.github.com...", ("https", "api.github.com", 443)),
        ("https://api.github.com:0443/", ("https", "api.github.com", 443)),
        (" https:\\\\ghe.example\\api\t\n", ("https", "ghe.example", 443)),
        ("https://b\u00fccher.example", ("https", "xn--bcher-kva.example", 443)),
        ("https://ⓔⓧample.example", ("https", "example.example", 443)),
        ("https://127.1", ("https", "127.0.0.1", 443)),
        ("https://0x7f.1..", ("https", "127.0.0.1", 443)),
        ("https://2130706433", ("https", "127.0.0.1", 443)),
        ("https://017700000001", ("https", "127.0.0.1", 443)),
        ("https://\uff11\uff12\uff17。0。0。1", ("https", "127.0.0.1", 443)),
        ("https://%31%32%37.0.0.1", ("https", "127.0.0.1", 443)),
        ("https://[::FFFF:127.0.0.1]:8443", ("https", "::ffff:7f00:1", 8443)),
        ("https://good.example\\@evil.example/", ("https", "good.example", 443)),
    ],
)
def test_every_spelling_of_a_host_is_read_as_what_is_connected_to(text, origin):
    assert base_of(text).origin == Origin(*origin)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "api.github.com",
        "ftp://api.github.com",
        "file:///etc/passwd",
        "data:text/plain,x",
        "https://",
        "https://.",
        "https://a..b",
        f"https://{'a' * 64}.example",
        "https://user@api.github.com",
        "https://user:secret@api.github.com",
        "https://:secret@api.github.com",
        "https://api.github.com?x=1",
        "https://api.github.com#x",
        "https://[fe80::1%25eth0]",
        "https://[fe80::1%eth0]",
        "https://1.2.3.4.5",
        "https://256.1.1.1",
        "https://api.github.com:99999",
        "https://\ud800.example",
    ],
)
def test_what_is_no_plain_web_address_is_invalid_and_its_secret_not_repeated(text):
    with pytest.raises(Invalid) as caught:
        base_of(text)
    assert caught.value.faults[0].field == "base_url"
    assert "secret" not in str(caught.value)


def test_a_base_path_is_kept_and_its_trailing_slash_is_not_doubled():
    assert base_of("https://ghe.example/api/v3/").target("/user", {}) == "/api/v3/user"
    assert base_of("https://ghe.example/api/v3").target("", {}) == "/api/v3"
    assert base_of("https://api.github.com").target("", {}) == "/"


@pytest.mark.parametrize(
    "path",
    [
        "user",
        "@evil.example/",
        ":8080/",
        ".evil.example/",
        "\\evil",
        "/a/../b",
        "/a/%2e%2E/b",
        "/a/.%2e",
        "/a/./b",
        "/a\\b",
        "/a?x=1",
        "/a#x",
        "/a\tb",
        "/a b",
        "/\u00e9",
        f"/{'a' * 9000}",
    ],
)
def test_a_path_that_a_parser_could_take_for_another_is_invalid(path):
    with pytest.raises(Invalid):
        base_of("https://ghe.example/api/v3").target(path, {})


def test_a_path_that_starts_with_two_slashes_stays_with_its_host():
    assert message_of(get("//evil.example/x"), base_of("https://api.github.com"), {}).url.host_str == "api.github.com"


@given(st.text(alphabet='ab./\\%2eE5cC?#@:;\t\u00e9^|[]"', min_size=1))
def test_whatever_is_taken_for_a_path_a_parser_leaves_as_it_is(text):
    base = base_of("https://ghe.example/api/v3")
    try:
        target = base.target(f"/{text}", {})
    except Invalid:
        return
    url = Url(base.text + target)
    assert (url.path, url.query_string, url.fragment, url.origin_ascii) == (target, None, None, base.text)


@given(st.text(min_size=1))
def test_whatever_a_connector_encodes_is_sent_as_it_is(text):
    base = base_of("https://ghe.example/api/v3")
    for encode in (
        lambda: url("/repos/{name}", name=text),
        lambda: url("/repos/{+name}", name=text),
        lambda: plain_path(f"/{text}"),
    ):
        try:
            path = encode()
        except Invalid:
            continue
        assert base.target(path, {}) == f"/api/v3{path}"


def test_query_values_are_encoded_repeated_and_left_out():
    query = {"q": "a b&c=d+é", "labels": ["x", "y", None], "draft": True, "page": 2, "none": None, "x[]": (False,)}
    assert base_of("https://a.example").target("/s", query) == (
        "/s?q=a%20b%26c%3Dd%2B%C3%A9&labels=x&labels=y&draft=true&page=2&x%5B%5D=false"
    )
