"""harness.call_api reaches any operation; reads and credentials are told by the request, behind any gateway."""

import json
from pathlib import Path

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

HARNESS = CONNECTORS["harness"]
TOOL = HARNESS.tools["call_api"]
RECORDED = json.loads((Path(__file__).parent / "recorded" / "harness.json").read_text())


def built(method, path, **more):
    return TOOL.request(TOOL.arguments.check({"method": method, "path": path, **more}))


def test_a_body_is_json_and_a_text_is_yaml():
    assert built("POST", "/v1/orgs", body={"org": {}}).json == {"org": {}}
    sent = built("PUT", "/pipeline/api/triggers/t", query={"x": 1, "y": None}, body="trigger:\n  name: ü\n")
    assert (sent.method, sent.path, sent.query) == ("PUT", "/pipeline/api/triggers/t", {"x": 1})
    assert (sent.content, sent.headers) == ("trigger:\n  name: ü\n".encode(), {"content-type": "application/yaml"})


@pytest.mark.parametrize("body", [{}, [], "x: 1", ""])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_read_takes_no_body(method, body):
    with pytest.raises(Invalid, match="body"):
        built(method, "/ng/api/projects", body=body)


@pytest.mark.parametrize("path", ["/../x", "//evil.example/x", "/ng/api/%2e%2e/x", "/x?y=1", "/x#y", "x", "/..;/x"])
def test_a_path_that_could_leave_the_api_is_refused(path):
    with pytest.raises(Invalid, match="path"):
        built("POST", path, body="x: 1")


def test_a_read_key_may_use_it_to_read_alone():
    assert all(TOOL.reads(built(method, "/ng/api/projects")) for method in ("GET", "HEAD"))
    assert not any(TOOL.reads(built(method, "/ng/api/projects")) for method in ("POST", "PUT", "PATCH", "DELETE"))


@pytest.mark.parametrize("part", ["internal", "Internal", "%69nternal", "%2569nternal"])
def test_what_runs_by_get_inside_harness_is_no_read(part):
    assert not TOOL.reads(built("GET", f"/pipeline/api/pipeline/execute/{part}/runSchema"))


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/ng/api/token", "create_token"),
        ("POST", "/gateway/ng/api/token", "create_token"),
        ("POST", "/prod1/gateway/ng/api/token/", "create_token"),
        ("POST", "/ng/api/%74oken", "create_token"),
        ("POST", "/ng/api/%2574oken", "create_token"),
        ("POST", "/NG/api/Token", "create_token"),
        ("POST", "/ng/api/token/rotate/ci", "rotate_token"),
        ("POST", "/ng/api/apikey", "create_api_key"),
        ("POST", "/cf/admin/apikey", "create_feature_flag_key"),
        ("PUT", "/cf/admin/apikey/k", "create_feature_flag_key"),
        ("GET", "/cf/admin/apikey", "read_feature_flag_key"),
        ("GET", "/cf/admin/apikey/k", "read_feature_flag_key"),
        ("GET", "/ng/api/delegate-token-ng", "read_delegate_token"),
        ("GET", "/delegate-token-ng/t", "read_delegate_token"),
        ("POST", "/ng/api/delegate-token-ng", "read_delegate_token"),
        ("POST", "/ng/api/download-delegates/kubernetes", "read_delegate_installation"),
        ("GET", "/ng/api/delegate-setup/delegate-terraform-module-file", "read_delegate_installation"),
        ("GET", "/ng/api/user/two-factor-auth/TOTP", "read_two_factor_secret"),
        ("POST", "/gitops/api/v1/agents", "create_gitops_agent"),
        ("POST", "/gitops/api/v1/agents/a/credentials", "create_gitops_agent"),
        ("GET", "/gitops/api/v1/agents/a/deploy.yaml", "read_gitops_installation"),
        ("POST", "/code/api/v1/user/tokens", "create_code_token"),
        ("GET", "/gateway/log-service/token", "read_service_token"),
        ("GET", "/log-service/blob/download", None),
        ("POST", "/ng/api/v2/secrets/decrypt", "decrypt_secret"),
        ("POST", "/ng/api/v2/secrets/decrypt-encryption-details", "decrypt_secret"),
        ("GET", "/ng/api/apikey", None),
        ("GET", "/ng/api/token/aggregate", None),
        ("DELETE", "/ng/api/token/ci", None),
        ("GET", "/ng/api/v2/secrets/db", None),
        ("GET", "/gitops/api/v1/agents", None),
        ("POST", "/ng/api/delegate-setup/listDelegates", None),
        ("POST", "/ng/api/projects", None),
    ],
)
def test_an_operation_that_hands_out_a_credential_is_named(method, path, operation):
    assert HARNESS.hands_out(built(method, path)) == operation


def test_no_tool_hands_out_a_credential():
    sent = [Request(method=entry["method"], path=entry["path"]) for entries in RECORDED.values() for entry in entries]
    assert {HARNESS.hands_out(request) for request in sent} == {None}
