"""gitlab.call_api reaches any operation of the REST API, and no credential comes out of it unasked."""

import pytest
from msgspec import json

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply

GITLAB = CONNECTORS["gitlab"]
TOOL = GITLAB.tools["call_api"]
# Each of GitLab's routes whose reply holds a token, a key's secret or a variable's value.
HANDED_OUT = {
    "POST /user/personal_access_tokens": "create_personal_access_token",
    "POST /users/7/personal_access_tokens": "create_personal_access_token",
    "POST /groups/7/service_accounts/8/personal_access_tokens": "create_personal_access_token",
    "POST /projects/7/service_accounts/8/personal_access_tokens": "create_personal_access_token",
    "POST /personal_access_tokens/7/rotate": "rotate_personal_access_token",
    "POST /personal_access_tokens/self/rotate": "rotate_personal_access_token",
    "POST /groups/7/service_accounts/8/personal_access_tokens/9/rotate": "rotate_personal_access_token",
    "POST /users/7/impersonation_tokens": "create_impersonation_token",
    "POST /projects/7/access_tokens": "create_project_access_token",
    "POST /projects/7/access_tokens/self/rotate": "rotate_project_access_token",
    "POST /groups/7/access_tokens": "create_group_access_token",
    "POST /groups/7/access_tokens/9/rotate": "rotate_group_access_token",
    "POST /projects/7/deploy_tokens": "create_deploy_token",
    "POST /groups/7/deploy_tokens": "create_deploy_token",
    "POST /projects/7/cluster_agents/8/tokens": "create_cluster_agent_token",
    "POST /user/runners": "create_runner",
    "POST /runners": "create_runner",
    "POST /runners/reset_registration_token": "reset_runner_token",
    "POST /runners/7/reset_authentication_token": "reset_runner_token",
    "POST /projects/7/runners/reset_registration_token": "reset_runner_token",
    "POST /groups/7/runners/reset_registration_token": "reset_runner_token",
    "POST /jobs/request": "request_job",
    "GET /projects/7/triggers": "read_pipeline_triggers",
    "POST /projects/7/triggers": "read_pipeline_triggers",
    "GET /projects/7/triggers/8": "read_pipeline_triggers",
    "GET /projects/7/variables": "read_ci_variables",
    "GET /projects/7/variables/KEY": "read_ci_variables",
    "PUT /groups/7/variables/KEY": "read_ci_variables",
    "GET /admin/ci/variables": "read_ci_variables",
    "GET /projects/7/pipelines/8/variables": "read_ci_variables",
    "GET /projects/7/pipeline_schedules/8": "read_ci_variables",
    "PUT /projects/7/pipeline_schedules/8": "read_ci_variables",
    "POST /projects/7/pipeline_schedules/8/take_ownership": "read_ci_variables",
    "GET /projects/7/pipeline_schedules/8/variables/KEY": "read_ci_variables",
    "DELETE /projects/7/pipeline_schedules/8/variables/KEY": "read_ci_variables",
    "GET /projects/7/secure_files/8/download": "download_secure_file",
    "POST /applications": "create_oauth_application",
    "POST /applications/7/renew-secret": "create_oauth_application",
    "GET /application/settings": "read_application_settings",
    "POST /user/support_pin": "read_support_pin",
    "GET /packages/conan/v1/users/authenticate": "authenticate_conan",
    "GET /projects/7/packages/conan/v2/users/authenticate": "authenticate_conan",
    "POST /runner_controllers/7/tokens": "create_token",
    "POST /code_suggestions/direct_access": "create_token",
    "POST /somethings/7/rotate": "create_token",
}


def built(method, path, **arguments):
    return TOOL.request(TOOL.arguments.check({"method": method, "path": path, **arguments}))


@pytest.mark.parametrize(("route", "operation"), HANDED_OUT.items())
def test_an_operation_that_hands_out_a_credential_is_named(route, operation):
    method, _, path = route.partition(" ")
    assert GITLAB.hands_out(built(method, f"/api/v4{path}")) == operation


@pytest.mark.parametrize(("route", "operation"), HANDED_OUT.items())
def test_it_is_named_however_its_path_is_spelled(route, operation):
    method, _, path = route.partition(" ")
    *before, last = path.split("/")
    encoded = "".join(f"%{ord(letter):02x}" for letter in last)
    twice = encoded.replace("%", "%25")
    group = path.replace("/7", "/group%2Fapp")
    for spelled in (f"{path}.json", f"{path}/", "/".join([*before, encoded]), "/".join([*before, twice]), group):
        assert GITLAB.hands_out(built(method, f"/api/v4{spelled}")) == operation, spelled


@pytest.mark.parametrize(
    "route",
    [
        "GET /projects/7/access_tokens",
        "DELETE /projects/7/access_tokens/8",
        "HEAD /projects/7/variables",
        "DELETE /projects/7/variables/KEY",
        "GET /personal_access_tokens/self",
        "POST /projects/7/issues",
        "POST /projects/group%2Faccess_tokens/issues",
        "GET /projects/7/pipeline_schedules",
        "POST /projects/7/pipeline_schedules/8/play",
        "POST /projects/7/trigger/pipeline",
        "GET /runners/7",
    ],
)
def test_an_operation_that_hands_out_none_is_not(route):
    method, _, path = route.partition(" ")
    assert GITLAB.hands_out(built(method, f"/api/v4{path}")) is None


def test_no_tool_of_its_own_hands_out_a_credential(samples):
    for name, tool in GITLAB.tools.items():
        assert GITLAB.hands_out(tool.request(tool.arguments.check(samples(tool, optional=True)))) is None, name


def test_the_token_that_registers_runners_is_taken_out_of_every_reply():
    project = {"id": 7, "runners_token": "GR1348941x", "shared": [{"group": {"runners_token": "y"}}], "name": "a"}
    for body, left in ((project, {"id": 7, "shared": [{"group": {}}], "name": "a"}), ([project], None)):
        reply = Reply(200, {"content-type": "application/json"}, json.encode(body))
        cleaned = GITLAB.translate(built("GET", "/api/v4/projects"), reply)
        assert b"runners_token" not in cleaned.body
        assert b"GR1348941x" not in cleaned.body
        assert left is None or cleaned.json() == left


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, {"content-type": "application/json"}, b'{"id": 7}'),
        Reply(200, {"content-type": "text/plain"}, b'echo "runners_token"'),
    ],
)
def test_any_other_reply_stays_as_it_is(reply):
    assert GITLAB.translate(built("GET", "/api/v4/projects"), reply) is reply


@pytest.mark.parametrize(
    "path",
    [
        "/projects",
        "/api/graphql",
        "/oauth/token",
        "/api/v4",
        "/api/v4/../graphql",
        "/api/v4/%2e%2e/graphql",
        "/api%2Fv4/user",
        "/-/user_settings/personal_access_tokens",
        "//evil.example/api/v4/user",
        "/api/v4/user?private_token=x",
        "/api/v4/user\n",
    ],
)
def test_nothing_but_the_rest_api_is_reached(path):
    with pytest.raises(Invalid) as refusal:
        built("GET", path)
    assert refusal.value.faults[0].field == "path"


@pytest.mark.parametrize("name", ["private_token", "access_token", "job_token"])
def test_no_other_credential_goes_along(name):
    for arguments in ({"query": {name: "x"}}, {"body": {name: "x"}}):
        with pytest.raises(Invalid, match=name):
            built("POST", "/api/v4/projects/7/issues", **arguments)


def test_a_read_key_may_use_it_to_read_alone():
    assert [TOOL.reads(built(method, "/api/v4/user")) for method in ("GET", "HEAD")] == [True, True]
    assert not any(TOOL.reads(built(method, "/api/v4/user")) for method in ("POST", "PUT", "PATCH", "DELETE"))


def test_an_encoded_project_in_a_path_stays_encoded():
    assert built("GET", "/api/v4/projects/group%2Fapp/labels").path == "/api/v4/projects/group%2Fapp/labels"
