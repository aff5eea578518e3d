"""artifactory.call_api: a read key reads what the tools read, and no wildcard opens what gives out credentials."""

import json

import pytest

from connectors.catalogue import HERE
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

ARTIFACTORY = CONNECTORS["artifactory"]
TOOL = ARTIFACTORY.tools["call_api"]
RECORDED = json.loads((HERE / "recorded" / "artifactory.json").read_text())
AQL = ("POST", "/artifactory/api/search/aql")


def built(**arguments):
    return TOOL.request(TOOL.arguments.check(arguments))


def requests(*, read_only):
    return {
        (entry["method"], entry["path"])
        for name, entries in RECORDED.items()
        for entry in entries
        if ARTIFACTORY.tools[name].read_only == read_only
    }


def test_every_request_of_a_reading_tool_but_aql_is_open_to_a_read_key():
    reading = requests(read_only=True) - {AQL}
    assert len(reading) >= 27
    assert [one for one in reading if not TOOL.reads(Request(method=one[0], path=one[1]))] == []


def test_aql_is_not_for_it_can_delete():
    assert not TOOL.reads(Request(method=AQL[0], path=AQL[1]))


def test_no_request_of_a_writing_tool_is_open_to_a_read_key():
    writing = requests(read_only=False)
    assert len(writing) >= 13
    assert [one for one in writing if TOOL.reads(Request(method=one[0], path=one[1]))] == []


@pytest.mark.parametrize("method", ["HEAD", "POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path", ["/artifactory/libs-local/a.jar", "/artifactory/api/storage/libs-local/a", "/access/api/v2/users"]
)
def test_a_reading_operation_by_another_method_needs_write_rights(method, path):
    assert not TOOL.reads(Request(method=method, path=path))


@pytest.mark.parametrize(
    "path",
    [
        "/artifactory/api/security/apiKey",
        "/artifactory/API/security/apiKey",
        "/artifactory/%61pi/security/apiKey",
        "/artifactory/api%2Fsecurity%2FapiKey/x",
        "/artifactory/api;x/security/apiKey",
        "/artifactory/api/system/configuration",
        "/artifactory/api/npm/auth",
        "/artifactory/api/docker/docker-local/v2/token",
        "/artifactory/api/docker/docker-local%2Fv2/x/tags/list",
        "/artifactory/api/plugins/execute/x",
        "/artifactory/ui/api/v1/ui/auth/current",
        "/artifactory/webapp/x",
        "/access/api/v1/tokens",
        "/ui/api/v1/access/token",
        "/xray/api/v1/policies",
        "/",
    ],
)
def test_any_other_get_needs_write_rights(path):
    assert not TOOL.reads(Request(method="GET", path=path))


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/access/api/v1/tokens", "create_token"),
        ("POST", "/access/api/v1/tokens/", "create_token"),
        ("POST", "/access/api/v1/toke%6es", "create_token"),
        ("POST", "/access/api/v1/toke%256es", "create_token"),
        ("POST", "/access/api/v1/tokens;a=b", "create_token"),
        ("POST", "/access/api/v1/oidc/token", "create_token"),
        ("POST", "/access/api/v1/aws/token", "create_token"),
        ("POST", "/artifactory/api/security/token", "create_token"),
        ("GET", "/artifactory/api/docker/docker-local/v2/token", "create_token"),
        ("GET", "/artifactory/v2/token", "create_token"),
        ("POST", "/ui/api/v1/ui/token", "create_token"),
        ("GET", "/ui/api/v1/ui/userApiKey", "create_api_key"),
        ("GET", "/artifactory/ui/userApiKey/alice", "create_api_key"),
        ("POST", "/artifactory/ui/userProfile", "call_pages"),
        ("GET", "/ui", "call_pages"),
        ("GET", "/artifactory/ui-local/a.txt", None),
        ("GET", "/artifactory/api/security/apiKey", "create_api_key"),
        ("POST", "/artifactory/api/security/apiKey", "create_api_key"),
        ("PUT", "/artifactory/api/security/apikey", "create_api_key"),
        ("GET", "/api/security/apiKey", "create_api_key"),
        ("GET", "/artifactory/api/security/encryptedPassword", "get_encrypted_password"),
        ("GET", "/artifactory/api/system/configuration", "get_configuration"),
        ("POST", "/artifactory/api/signed/url", "create_signed_url"),
        ("GET", "/artifactory/api/npm/auth", "get_client_settings"),
        ("GET", "/artifactory/api/npm/npm-local/auth/acme", "get_client_settings"),
        ("PUT", "/artifactory/api/npm/npm-local/-/user/org.couchdb.user:ada", "get_client_settings"),
        ("GET", "/artifactory/api/gems/gems-local/api/v1/api_key.yaml", "get_client_settings"),
        ("GET", "/artifactory/api/conan/conan-local/v2/users/authenticate", "get_client_settings"),
        ("GET", "/access/api/v1/tokens/me", None),
        ("GET", "/access/api/v1/tokens", None),
        ("DELETE", "/access/api/v1/tokens/7f1e", None),
        ("GET", "/artifactory/api/storage/libs-local/a.jar", None),
        ("GET", "/artifactory/api/system/version", None),
        ("POST", "/artifactory/api/security/users/ada", None),
    ],
)
def test_what_gives_out_a_credential_has_a_name_that_a_scope_must_hold(method, path, operation):
    assert ARTIFACTORY.hands_out(built(method=method, path=path)) == operation


@pytest.mark.parametrize("path", ["/artifactory/../access/api", "/%2e%2e/x", "//evil.example", "/a//b", "/a?b"])
def test_a_path_that_could_leave_the_platform_is_refused(path):
    with pytest.raises(Invalid, match="path"):
        built(method="GET", path=path)
