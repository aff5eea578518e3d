"""jenkins.call_api: a read key reads what the tools read, and no wildcard opens what gives out credentials."""

import json

import pytest

from connectors.catalogue import HERE
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

JENKINS = CONNECTORS["jenkins"]
TOOL = JENKINS.tools["call_api"]
RECORDED = json.loads((HERE / "recorded" / "jenkins.json").read_text())


def built(**arguments):
    return TOOL.request(TOOL.arguments.check(arguments))


def requests(*, read_only):
    for name, entries in RECORDED.items():
        if JENKINS.tools[name].read_only == read_only:
            for entry in entries:
                yield name, Request(method=entry["method"], path=entry["path"])


def test_every_request_of_a_reading_tool_is_open_to_a_read_key():
    assert [name for name, request in requests(read_only=True) if not TOOL.reads(request)] == []


def test_no_request_of_a_writing_tool_is_open_to_a_read_key_by_any_method():
    changing = [request for _, request in requests(read_only=False)]
    assert len(changing) >= 14
    for request in changing:
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE"):
            # config.xml is read by GET and replaced by POST.
            if (method, request.path.endswith("/config.xml")) != ("GET", True):
                assert not TOOL.reads(Request(method=method, path=request.path)), request.path


@pytest.mark.parametrize(
    "path",
    [
        "/job/app/build",
        "/job/app/build/api/json",
        "/job/app%2Fbuild/api/json",
        "/job/app%5cbuild/api/json",
        "/job/app/7/stop",
        "/job/app/7/stop/api/json",
        "/job/app/polling",
        "/job/app/7/artifact/x%2F..%2Fy",
        "/computer/x/script",
        "/script",
        "/scriptText",
        "/quietDown",
        "/reload",
        "/exit",
        "/safeRestart",
        "/user/alice/api/json",
        "/credentials/store/system/domain/_/api/json",
        "/crumbIssuer/api/json",
        "/computer/x/jenkins-agent.jnlp",
        "/asynchPeople/api/json",
        "/",
    ],
)
def test_any_other_get_needs_write_rights(path):
    assert not TOOL.reads(Request(method="GET", path=path))


def test_a_check_of_a_jenkinsfile_is_a_read_and_no_other_post_is():
    assert TOOL.reads(built(method="POST", path="/pipeline-model-converter/validate", body={"jenkinsfile": "x"}))
    assert not TOOL.reads(built(method="POST", path="/pipeline-model-converter/toJson", body={"jenkinsfile": "x"}))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/user/alice/descriptorByName/jenkins.security.ApiTokenProperty/generateNewToken", "create_api_token"),
        ("/me/descriptorByName/jenkins.security.ApiTokenProperty/addFixedNewToken", "create_api_token"),
        ("/user/a/descriptorByName/jenkins.security.ApiTokenProperty/changeToken/", "create_api_token"),
        ("/user/a/descriptorByName/jenkins.security.ApiTokenProperty/generateNewToken;x=1", "create_api_token"),
        ("/user/a/descriptorByName/jenkins.security.ApiTokenProperty/generate%4eewToken", "create_api_token"),
        ("/user/a/descriptorByName/jenkins.security.ApiTokenProperty/generate%254eewToken", "create_api_token"),
        ("/crumbIssuer/api/json", "get_crumb"),
        ("/manage/credentials/store/system/domain/_/credential/key/config.xml", "get_stored_credentials"),
        ("/job/team/credentials/store/folder/domain/_/api/json", "get_stored_credentials"),
        ("/computer/linux-1/jenkins-agent.jnlp", "get_agent_secret"),
        ("/computer/linux-1/slave-agent.jnlp", "get_agent_secret"),
        ("/computer/linux-1", "get_agent_secret"),
        ("/computer/linux-1/", "get_agent_secret"),
        ("/manage/computer/linux-1/index", "get_agent_secret"),
        ("/computer/linux-1/launcher/main", "get_agent_secret"),
        ("/computer", None),
        ("/computer/doCreateItem", None),
        ("/computer/linux-1/api/json", None),
        ("/computer/linux-1/doDelete", None),
        ("/jwt-auth/token", "create_jwt_token"),
        ("/script", "run_script"),
        ("/manage/scriptText", "run_script"),
        ("/computer/%28built-in%29/scriptText", "run_script"),
        ("/computer/job/scriptText", "run_script"),
        ("/job/a%2FscriptText", "run_script"),
        ("/cli", "run_command"),
        ("/job/script/api/json", None),
        ("/job/team/job/credentials/api/json", None),
        ("/job/app/7/api/json", None),
        ("/job/app/description", None),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_gives_out_a_credential_has_a_name_that_a_scope_must_hold(method, path, operation):
    assert JENKINS.hands_out(built(method=method, path=path)) == operation


@pytest.mark.parametrize(
    ("arguments", "wire"),
    [
        ({"body": {"description": "x", "keep": True}}, {"form": {"description": "x", "keep": "true"}}),
        ({"body": {"a": 1}, "body_format": "json"}, {"json": {"a": 1}}),
        ({"body": "<a/>", "body_format": "xml"}, {"content": b"<a/>"}),
        ({}, {}),
    ],
)
def test_a_change_takes_a_form_json_or_xml(arguments, wire):
    request = built(method="POST", path="/job/app/x", **arguments)
    bodies = {
        name: getattr(request, name) for name in ("json", "form", "content") if getattr(request, name) is not None
    }
    assert bodies == wire


@pytest.mark.parametrize(
    ("method", "body", "body_format"),
    [
        ("GET", {"a": "b"}, "form"),
        ("GET", {"a": "b"}, "json"),
        ("POST", "<a/>", "form"),
        ("POST", {"a": "b"}, "xml"),
        ("POST", "text", "json"),
        ("POST", "\ud800", "xml"),
    ],
)
def test_a_body_of_another_kind_is_refused(method, body, body_format):
    with pytest.raises(Invalid, match="body"):
        built(method=method, path="/job/app/x", body=body, body_format=body_format)


@pytest.mark.parametrize("path", ["/job/../script", "/%2e%2e/script", "//evil.example", "/job//x", "/job/a?x"])
def test_a_path_that_could_leave_the_server_is_refused(path):
    with pytest.raises(Invalid, match="path"):
        built(method="GET", path=path)
