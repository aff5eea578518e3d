"""Each Harness tool's recorded requests against the vendor's own lists of routes, and what the credential adds."""

import gzip
import json
import re
from pathlib import Path

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.message import message_of
from devmesh.upstream.model import get
from devmesh.upstream.origin import base_of

HERE = Path(__file__).parent
RECORDED = json.loads((HERE / "recorded" / "harness.json").read_text())
HARNESS = CONNECTORS["harness"]
CASES = [
    pytest.param(entry, id=f"{name}-{number}")
    for name, entries in RECORDED.items()
    for number, entry in enumerate(entries)
]
# The routes of Harness's SDK and of its own MCP server; they lie beside a checkout, not in it.
LISTS = [HERE.parents[2] / "shared" / "vendors" / "specs" / f"harness{name}-index.json.gz" for name in ("", "-mcp")]
listed = pytest.mark.skipif(
    not all(path.exists() for path in LISTS), reason="Harness's routes are not beside this checkout"
)
ROUTES = [
    (route["method"], re.compile(re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(route["path"]))))
    for path in LISTS
    if path.exists()
    for route in json.loads(gzip.decompress(path.read_bytes()))
]
SECRET = "c2VjcmV0dmFsdWU"  # made up
PERSONS = {"token": f"pat.kmpySmUISimoRrJL6NL73w.64f0.{SECRET}", "account_id": "kmpySmUISimoRrJL6NL73w"}
SERVICES = {**PERSONS, "token": f"sat.kmpySmUISimoRrJL6NL73w.64f0.{SECRET}"}


def is_route(method, path):
    return any(method == known and pattern.fullmatch(path) for known, pattern in ROUTES)


@listed
@pytest.mark.parametrize("entry", CASES)
def test_the_request_goes_to_a_route_that_harness_has(entry):
    assert is_route(entry["method"], entry["path"])


@listed
@pytest.mark.parametrize("entry", CASES)
def test_a_route_that_harness_does_not_have_is_seen(entry):
    assert not is_route("HEAD", entry["path"])
    assert not is_route(entry["method"], f"{entry['path']}/no/such/route")
    assert not is_route(entry["method"], f"/no{entry['path']}")


@pytest.mark.parametrize("entry", CASES)
def test_each_request_names_the_account_once_in_the_query_and_in_the_header(entry):
    assert "accountIdentifier" not in entry["query"]
    request, base_url, headers = HARNESS.outgoing(get(entry["path"], page="1"), PERSONS, None)
    assert (base_url, headers) == ("https://app.harness.io", {"x-api-key": PERSONS["token"]})
    message = message_of(request, base_of(base_url), headers)
    assert message.url.query_string == "page=1&accountIdentifier=kmpySmUISimoRrJL6NL73w"
    assert message.headers == {"harness-account": "kmpySmUISimoRrJL6NL73w"}
    assert SECRET not in str(message.url)


def test_no_argument_puts_another_account_in_its_place():
    tool = HARNESS.tools["call_api"]
    asked = {"method": "GET", "path": "/ng/api/projects", "query": {"accountIdentifier": "other"}}
    request, _, _ = HARNESS.outgoing(tool.request(tool.arguments.check(asked)), PERSONS, None)
    assert request.query == {"accountIdentifier": "kmpySmUISimoRrJL6NL73w"}


@pytest.mark.parametrize("kind", ["pat", "sat"])
def test_an_account_that_is_not_the_tokens_is_refused_before_anything_is_sent(kind):
    fields = {"token": f"{kind}.kmpySmUISimoRrJL6NL73w.64f0.{SECRET}", "account_id": "another"}
    with pytest.raises(Invalid) as refusal:
        HARNESS.outgoing(HARNESS.probing(fields), fields, None)
    assert refusal.value.faults[0].field == "account_id"
    assert SECRET not in str(refusal.value)


def test_a_token_of_another_form_goes_with_any_account():
    fields = {"token": "opaque", "account_id": "another"}
    assert HARNESS.outgoing(HARNESS.probing(fields), fields, None)[0].query == {"accountIdentifier": "another"}


def test_a_person_is_probed_by_the_user_and_a_service_account_by_the_account():
    assert HARNESS.probing(PERSONS).path == "/ng/api/user/currentUser"
    assert HARNESS.probing(SERVICES).path == "/ng/api/accounts/kmpySmUISimoRrJL6NL73w"
    assert HARNESS.probing({**SERVICES, "account_id": "a/../b"}).path == "/ng/api/accounts/a%2F..%2Fb"


@pytest.mark.parametrize("name", ["list_services", "get_service", "create_service", "list_secrets", "submit_approval"])
def test_a_project_without_its_organization_is_refused(name, samples):
    tool = HARNESS.tools[name]
    arguments = {**samples(tool, optional=False), "project_identifier": "payments"}
    with pytest.raises(Invalid, match="org_identifier"):
        tool.request(tool.arguments.check(arguments))


@pytest.mark.parametrize(
    ("name", "argument"), [("create_pipeline", "yaml"), ("update_pipeline", "yaml"), ("execute_pipeline", "input_yaml")]
)
def test_yaml_that_is_no_text_is_refused_and_named(name, argument, samples):
    tool = HARNESS.tools[name]
    arguments = {**samples(tool, optional=True), argument: "pipeline: \ud800"}
    with pytest.raises(Invalid, match=argument):
        tool.request(tool.arguments.check(arguments))


def test_input_sets_go_where_they_are_looked_at():
    run = {"org_identifier": "default", "project_identifier": "payments", "identifier": "build"}
    tool = HARNESS.tools["execute_pipeline"]

    alone = tool.request(tool.arguments.check({**run, "input_yaml": "pipeline: {}"}))
    with_sets = tool.request(tool.arguments.check({**run, "input_set_identifiers": ["nightly"]}))

    assert (alone.path, alone.content) == ("/pipeline/api/pipeline/execute/build", b"pipeline: {}")
    assert with_sets.path == "/pipeline/api/pipeline/execute/build/inputSetList"
    assert (with_sets.json, with_sets.content) == ({"inputSetReferences": ["nightly"]}, None)
