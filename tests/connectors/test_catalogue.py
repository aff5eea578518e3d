"""The tools of each service against the catalogue of its operations, where that lies beside the checkout."""

import json
import re

import pytest

from connectors.catalogue import HERE, PAGING, corrected, deviations, expected, hearsay, pattern_of, read, snake
from devmesh.connectors import CONNECTORS

CATALOGUE = read()
SERVICES = [service for service in CATALOGUE if service in CONNECTORS]
pytestmark = pytest.mark.skipif(not CATALOGUE, reason="the catalogue is not beside this checkout")


def entries(service):
    return [(name, expected(service, name, entry)) for name, entry in CATALOGUE[service].items()]


@pytest.fixture(params=SERVICES)
def service(request):
    return request.param


def test_the_tools_are_those_of_the_catalogue_and_call_api(service):
    alone = {tool for tool, deviation in deviations(service) if deviation.get("ours_alone")}
    assert set(CONNECTORS[service].tools) == {*CATALOGUE[service], *alone, "call_api"}


def test_a_tool_takes_the_arguments_of_its_operation(service):
    for name, entry in entries(service):
        schema = CONNECTORS[service].tools[name].arguments.schema
        own = {snake(one): need for one, need in entry["arguments"].items() if one not in PAGING[service]}
        paged = {"limit", "cursor"} if PAGING[service] & entry["arguments"].keys() else set()
        assert own.keys() | paged <= set(schema["properties"]), name
        assert {one for one, need in own.items() if need} == set(schema.get("required", ())), name


def test_a_tool_is_hinted_as_its_operation_is(service):
    for name, entry in entries(service):
        tool = CONNECTORS[service].tools[name]
        assert (tool.read_only, tool.destructive) == (entry["read_only"], entry["destructive"]), name


def test_what_is_recorded_for_a_tool_goes_to_its_operation(service):
    recorded = json.loads((HERE / "recorded" / f"{service}.json").read_text())
    for name, entry in entries(service):
        sent = {(one["method"], one["path"]) for one in recorded[name]}
        assert {method for method, _ in sent} == {entry["method"]}, name
        # An operation of AWS is named by its service's model, and has no path of its own here.
        if entry["path"].startswith("/"):
            assert [path for _, path in sent if not re.fullmatch(pattern_of(entry), path)] == [], name


def test_what_the_catalogue_has_by_hearsay_was_found_elsewhere():
    evidence = json.loads((HERE / "evidence.json").read_text())
    assert set(evidence) == hearsay()
    assert [
        name for name, found in evidence.items() if not re.match(r"(https://|[\w-]+/[\w-]+, )[^:]+.*: .{10}", found)
    ] == []


def test_every_deviation_gives_its_reason_and_is_one(service):
    for tool, deviation in deviations(service):
        assert len(deviation["reason"]) > 20, tool
        concerned = CATALOGUE[service] if tool == "*" else {tool: CATALOGUE[service].get(tool)}
        if deviation.get("ours_alone"):
            assert tool not in CATALOGUE[service]
            continue
        assert deviation.keys() != {"reason"}, tool
        # Whether a description lacks the operation is asked where requests are judged by it.
        changes = deviation.keys() - {"reason", "undescribed"}
        for change in changes:
            only = {change: deviation[change]}
            assert any(corrected(entry, only) != entry for entry in concerned.values()), f"{tool}: {change}"


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ("issueIdOrKey", "issue_id_or_key"),
        ("body-format", "body_format"),
        ("scan_item.id", "scan_item_id"),
        ("DBInstanceIdentifier", "db_instance_identifier"),
        ("per_page", "per_page"),
    ],
)
def test_arguments_are_expected_in_snake_case(theirs, ours):
    assert snake(theirs) == ours
