"""github.call_api reaches any operation, and nothing but GitHub's API."""

import pytest
from pyreqwest.http import Url

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

TOOL = CONNECTORS["github"].tools["call_api"]


def built(**arguments):
    return TOOL.request(TOOL.arguments.check(arguments))


def test_it_sends_what_it_is_given():
    request = built(method="PUT", path="/repos/o/r/topics", query={"page": 2, "x": None}, body={"names": ["cli"]})
    assert (request.method, request.path) == ("PUT", "/repos/o/r/topics")
    assert (request.query, request.json) == ({"page": 2}, {"names": ["cli"]})


@pytest.mark.parametrize(
    ("path", "wire"),
    [
        ("/", "/"),
        ("/user", "/user"),
        ("/repos/o/r/branches/feature%2Fx", "/repos/o/r/branches/feature%2Fx"),
        ("/repos/o/r/labels/good first issue", "/repos/o/r/labels/good%20first%20issue"),
        ("/repos/o/r/labels/100%", "/repos/o/r/labels/100%25"),
        ("/repos/o/r/labels/ä", "/repos/o/r/labels/%C3%A4"),
        ("/repos/o/r/compare/main...x", "/repos/o/r/compare/main...x"),
        ("/repos/o/r/contents/.github/a{b}^`|\"<>'", "/repos/o/r/contents/.github/a%7Bb%7D%5E%60%7C%22%3C%3E'"),
    ],
)
def test_a_plain_path_is_encoded_where_it_must_be(path, wire):
    request = built(method="GET", path=path)
    assert request.path == wire
    assert Url(f"https://ghe.example/api/v3{wire}").path == f"/api/v3{wire}"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "user",
        "https://evil.example/user",
        "//evil.example/user",
        "/\\evil.example",
        "/repos//r",
        "/..",
        "/../graphql",
        "/repos/o/../../user",
        "/repos/./o",
        "/%2e%2e/graphql",
        "/%2E./graphql",
        "/.%2e",
        "/%252e%252e/graphql",
        "/%25252e%25252e/graphql",
        "/a%2f..%2fb",
        "/a%2f%2e%2e%2fb",
        "/a%5c..%5cb",
        "/a%2f%2fb",
        "/..;/user",
        "/..;x=1/user",
        "/%2e%2e%3b/user",
        "/user?per_page=1",
        "/user#x",
        "/user\n",
        "/user%0d%0aHost:evil.example",
        "/user%00",
        "/\ud800",
        "/a\x85",
    ],
    ids=ascii,
)
def test_a_path_that_could_leave_the_api_is_refused(path):
    with pytest.raises(Invalid) as refusal:
        built(method="GET", path=path)
    assert refusal.value.faults[0].field == "path"


@pytest.mark.parametrize("path", [f"/%{'25' * 3}41", f"/%{'25' * 2000}41"], ids=len)
def test_a_path_that_is_encoded_over_and_over_is_refused(path):
    with pytest.raises(Invalid, match="more than 3 times"):
        built(method="GET", path=path)
    assert built(method="GET", path=f"/%{'25' * 2}41").path == f"/%{'25' * 2}41"


@pytest.mark.parametrize("method", ["get", "TRACE", "CONNECT", "OPTIONS", ""])
def test_no_other_method_is_sent(method):
    with pytest.raises(Invalid, match="method"):
        built(method=method, path="/user")


def test_a_read_takes_no_body():
    with pytest.raises(Invalid, match="body"):
        built(method="GET", path="/user", body={})


def test_a_read_key_may_use_it_to_read_alone():
    assert not TOOL.read_only
    assert TOOL.may_read
    assert [TOOL.reads(built(method=method, path="/user")) for method in ("GET", "HEAD")] == [True, True]
    assert not any(TOOL.reads(built(method=method, path="/user")) for method in ("POST", "PUT", "PATCH", "DELETE"))


def test_a_graphql_query_counts_as_a_write():
    assert not TOOL.reads(built(method="POST", path="/graphql", body={"query": "{ viewer { login } }"}))


@pytest.mark.parametrize(
    ("method", "path", "body", "operation"),
    [
        ("POST", "/admin/users/ann/authorizations", {"scopes": ["repo"]}, "create_impersonation_token"),
        ("POST", "/authorizations", {"note": "x"}, "create_authorization"),
        ("PUT", "/authorizations/clients/x/y", {}, "create_authorization"),
        ("DELETE", "/admin/users/ann/authorizations", None, None),
        ("POST", "/graphql", {"query": "{ repository(owner: o) { x: tempCloneToken } }"}, "query_credential"),
        ("POST", "/%67raphql/", {"query": "mutation { x { identityProvider { recoveryCodes } } }"}, "query_credential"),
        ("POST", "/graphql", {"query": "{ viewer { login } }"}, None),
        ("POST", "/repos/o/r/issues", {"title": "tempCloneToken is null"}, None),
    ],
)
def test_what_answers_with_a_credential_is_known(method, path, body, operation):
    assert CONNECTORS["github"].hands_out(built(method=method, path=path, body=body)) == operation
