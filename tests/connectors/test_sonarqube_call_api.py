"""sonarqube.call_api: a read key reads what the tools read, and no wildcard opens what gives out tokens."""

import json

import pytest

from connectors.catalogue import HERE
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

SONARQUBE = CONNECTORS["sonarqube"]
TOOL = SONARQUBE.tools["call_api"]
RECORDED = json.loads((HERE / "recorded" / "sonarqube.json").read_text())


def built(**arguments):
    return TOOL.request(TOOL.arguments.check(arguments))


def requests(*, read_only):
    return {
        (entry["method"], entry["path"])
        for name, entries in RECORDED.items()
        for entry in entries
        if SONARQUBE.tools[name].read_only == read_only
    }


def test_every_request_of_a_reading_tool_is_open_to_a_read_key():
    reading = requests(read_only=True)
    assert len(reading) == 34
    assert [one for one in reading if not TOOL.reads(Request(method=one[0], path=one[1]))] == []


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"])
def test_no_request_of_a_writing_tool_is_open_to_a_read_key_by_any_method(method):
    writing = requests(read_only=False)
    assert len(writing) == 10
    assert [path for _, path in writing if TOOL.reads(Request(method=method, path=path))] == []


@pytest.mark.parametrize(
    "path",
    [
        "/api/project_badges/token",
        "/api/settings/values",
        "/api/system/logs",
        "/api/issues/search/x",
        "/api/issues/search.protobuf",
        "/api/issues%2Fsearch",
        "/api/webhooks/deliveries",
        "/",
    ],
)
def test_any_other_get_needs_write_rights(path):
    assert not TOOL.reads(Request(method="GET", path=path))


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
def test_a_reading_operation_by_another_method_needs_write_rights(method):
    assert not TOOL.reads(Request(method=method, path="/api/issues/search"))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/api/user_tokens/generate", "create_user_token"),
        ("/api/user_tokens/generate/", "create_user_token"),
        ("/api/user_tokens/generate.protobuf", "create_user_token"),
        ("/api/user_tokens/generat%65", "create_user_token"),
        ("/api/user_tokens/generat%2565", "create_user_token"),
        ("/api/user_tokens;x=1/generate", "create_user_token"),
        ("/API/User_Tokens/generate", "create_user_token"),
        ("/sonarqube/api/user_tokens/generate", "create_user_token"),
        ("/api/project_badges/token", "get_project_badge_token"),
        ("/api/project_badges/renew_token", "get_project_badge_token"),
        ("/api/v2/organizations/access-tokens", "create_token"),
        ("/api/user_tokens/search", None),
        ("/api/user_tokens/revoke", None),
        ("/api/project_badges/measure", None),
        ("/api/v2/users-management/users", None),
        ("/api/issues/search", None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_gives_out_a_token_has_a_name_that_a_scope_must_hold(method, path, operation):
    assert SONARQUBE.hands_out(built(method=method, path=path)) == operation


def test_a_body_goes_as_a_form_and_to_version_two_as_json():
    first = built(method="POST", path="/api/projects/update_visibility", body={"project": "a", "x": True, "y": None})
    assert (first.form, first.json) == ({"project": "a", "x": "true"}, None)
    second = built(method="PATCH", path="/api/v2/users-management/users/7", body={"name": "Ada"})
    assert (second.form, second.json) == (None, {"name": "Ada"})
    assert built(method="POST", path="/api/system/restart").form is None


def test_a_list_is_no_form():
    with pytest.raises(Invalid, match="body"):
        built(method="POST", path="/api/issues/assign", body=[1])


@pytest.mark.parametrize("path", ["/api/../x", "/%2e%2e/x", "//evil.example", "/api//x", "/api/x?y"])
def test_a_path_that_could_leave_the_server_is_refused(path):
    with pytest.raises(Invalid, match="path"):
        built(method="GET", path=path)
