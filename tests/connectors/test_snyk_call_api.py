"""snyk.call_api reaches both of Snyk's interfaces and nothing else; reads and credentials are told by the request."""

import json
from pathlib import Path

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

SNYK = CONNECTORS["snyk"]
TOOL = SNYK.tools["call_api"]
RECORDED = json.loads((Path(__file__).parent / "recorded" / "snyk.json").read_text())
SENT = [(SNYK.tools[name], entry) for name, entries in RECORDED.items() for entry in entries]
VERSION = {"version": "2025-11-05"}


def built(method, path, **more):
    return TOOL.request(TOOL.arguments.check({"method": method, "path": path, **more}))


def test_rest_is_asked_for_a_version_unless_the_agent_names_one():
    assert built("GET", "/rest/orgs").query == VERSION
    assert built("GET", "/rest/orgs", query={"version": "2024-10-15~beta", "limit": 10}).query == {
        "version": "2024-10-15~beta",
        "limit": 10,
    }
    assert built("GET", "/v1/org/o/integrations").query == {}


def test_a_body_is_of_the_interfaces_kind():
    rest = built("POST", "/rest/orgs/o/collections", body={"data": {"type": "resource"}})
    assert (rest.json, rest.headers) == ({"data": {"type": "resource"}}, {"content-type": "application/vnd.api+json"})
    assert built("POST", "/v1/org", body={"name": "x"}).headers == {"accept": "application/json"}
    assert built("GET", "/rest/orgs").headers == {}


@pytest.mark.parametrize(
    "path",
    [
        *("/", "/orgs", "/rest", "/v1", "/oauth2/token", "/hidden/orgs/o", "/REST/orgs", "/restless/orgs", "rest/orgs"),
        *("/rest/../oauth2/token", "/rest/%2e%2e/oauth2/token", "/rest/..%2foauth2/token", "/rest//orgs", "/v1/..;/x"),
        *("/rest/orgs?version=1", "/rest/orgs#x", "//evil.example/rest/orgs", "/rest/orgs\n"),
    ],
    ids=ascii,
)
def test_a_path_beside_the_two_interfaces_is_refused(path):
    with pytest.raises(Invalid) as refusal:
        built("GET", path)
    assert refusal.value.faults[0].field == "path"


def test_a_read_key_may_read_rest_and_send_what_the_reading_tools_send():
    assert all(TOOL.reads(built(method, "/rest/orgs/o/anything")) for method in ("GET", "HEAD"))
    assert not any(TOOL.reads(built(method, "/rest/orgs/o/anything")) for method in ("POST", "PUT", "PATCH", "DELETE"))
    posted = ("list_packages_issues",)
    for tool, entry in SENT:
        request = Request(method=entry["method"], path=entry["path"])
        assert TOOL.reads(request) == (tool.read_only and tool.name.partition(".")[2] not in posted), tool.name


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/org/o/members"),
        ("POST", "/v1/org/o/integrations"),
        ("POST", "/v1/org/o/dependencies/x"),
        ("DELETE", "/v1/org/o/project/p/ignores"),
    ],
)
def test_the_rest_of_v1_is_open_to_writers_alone(method, path):
    assert not TOOL.reads(built(method, path))


@pytest.mark.parametrize(
    ("method", "path", "operation"),
    [
        ("POST", "/rest/orgs/o/service_accounts", "create_service_account"),
        ("POST", "/rest/groups/g/service_accounts", "create_service_account"),
        ("POST", "/rest/orgs/o/service_accounts/", "create_service_account"),
        ("POST", "/rest/orgs/o/%73ervice_accounts", "create_service_account"),
        ("POST", "/rest/orgs/o/Service_Accounts", "create_service_account"),
        ("POST", "/rest/orgs/o/service_accounts/s/secrets", "rotate_service_account_secret"),
        ("POST", "/rest/orgs/o/apps", "create_app"),
        ("POST", "/rest/orgs/o/apps/creations", "create_app"),
        ("POST", "/rest/orgs/o/apps/a/secrets", "rotate_app_secret"),
        ("POST", "/rest/orgs/o/apps/creations/a/secrets", "rotate_app_secret"),
        ("POST", "/rest/groups/g/apps/installs", "install_app"),
        ("POST", "/rest/orgs/o/apps/installs/i/secrets", "rotate_app_install_secret"),
        ("POST", "/rest/self/personal_access_tokens", "create_personal_access_token"),
        ("POST", "/v1/org/o/integrations", "create_broker_token"),
        ("PUT", "/v1/org/o/integrations/i", "create_broker_token"),
        ("POST", "/v1/org/o/integrations/i/authentication/provision-token", "create_broker_token"),
        ("GET", "/rest/tenants/t/brokers/installs/i/deployments/d/connections", "read_broker_secrets"),
        ("PATCH", "/rest/tenants/t/brokers/installs/i/deployments/d/connections/c", "read_broker_secrets"),
        ("GET", "/rest/orgs/o/service_accounts", None),
        ("DELETE", "/rest/orgs/o/service_accounts/s", None),
        ("GET", "/v1/org/o/integrations", None),
        ("GET", "/rest/orgs/o/apps", None),
    ],
)
def test_an_operation_that_hands_out_a_credential_is_named(method, path, operation):
    assert SNYK.hands_out(built(method, path)) == operation


def test_no_tool_hands_out_a_credential():
    assert {SNYK.hands_out(Request(method=entry["method"], path=entry["path"])) for _, entry in SENT} == {None}
