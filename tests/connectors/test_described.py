"""Each tool's recorded requests, judged by the service's own description of its API where that is at hand."""

import json
from functools import cache

import pytest
from msgspec import structs

from connectors.catalogue import HERE, VENDORS, deviations, expected, read
from connectors.description import Description
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

# The files of each service with what else Description takes: what stands before their routes here, the ends of routes
# that hold slashes, the parameters that every read takes, and the members that no body has to have.
FILES = {
    "github": [("github.json.gz", "", ("/contents/{path}", "/refs/{ref}", "/trees/{tree_sha}", "/{basehead}"))],
    "gitlab": [
        ("gitlab-official-sample.yaml.gz",),
        ("gitlab.yaml.gz", "/api/v4", (), ("per_page", "page", "pagination")),
    ],
    "bitbucket": [
        ("bitbucket.json.gz", "/2.0", ("/src/{commit}/{path}",), ("pagelen", "page", "q", "sort"), ("type",)),
    ],
    "jira": [("jira.json.gz",), ("jira-software.json.gz",)],
    "confluence": [("confluence.json.gz", "/wiki/api/v2")],
    "artifactory": [
        (name, "/artifactory", ("/{itemPath}", "/{srcItemPath}"))
        for name in ("artifactory.yaml.gz", "artifactory-2.yaml.gz")
    ],
    "snyk": [("snyk-2025-11-05.json.gz", "/rest"), ("snyk-v1.yaml.gz", "/v1")],
}
CATALOGUE = read()
SERVICES = [
    name for name in FILES if name in CONNECTORS and all((VENDORS / "specs" / file[0]).exists() for file in FILES[name])
]
HOSTILE = ("x/protection", "main/status", "x/../y", "heads/a/b", "x...y/z", "1/timing", "x?a=b", "a;b")


@cache
def descriptions(service):
    return [Description(VENDORS / "specs" / file, *rest) for file, *rest in FILES[service]]


def cases(*, undescribed):
    """Return each recorded request of the tools that the descriptions judge, or of those that they do not."""
    cases = []
    for service in SERVICES:
        beyond = {tool: one["undescribed"] for tool, one in deviations(service) if "undescribed" in one}
        for name, entries in json.loads((HERE / "recorded" / f"{service}.json").read_text()).items():
            cases += [
                pytest.param(service, name, entry["arguments"], id=f"{service}.{name}-{number}")
                for number, entry in enumerate(entries)
                if (beyond.get(name) is True or number in (beyond.get(name) or ())) == undescribed
            ]
    return cases


described = pytest.mark.parametrize(("service", "name", "arguments"), cases(undescribed=False))
beyond = pytest.mark.parametrize(("service", "name", "arguments"), cases(undescribed=True))


def judge_of(service, name):
    """Return the description that has the tool's operation, and what the operation is called there; None without."""
    entry = expected(service, name, CATALOGUE[service][name])
    for description in descriptions(service):
        if operation := description.named(entry["method"], entry["path"]):
            return description, operation
    return None


def built(service, name, arguments):
    tool = CONNECTORS[service].tools[name]
    return tool.request(tool.arguments.check(arguments))


@described
def test_the_request_is_one_that_the_service_describes(service, name, arguments):
    description, operation = judge_of(service, name)
    assert description.faults(built(service, name, arguments), operation) == []


@described
def test_every_value_of_a_choice_is_one_that_the_service_takes(service, name, arguments):
    description, operation = judge_of(service, name)
    for argument, member in CONNECTORS[service].tools[name].arguments.schema["properties"].items():
        several = member.get("type") == "array"
        for choice in (member.get("items", {}) if several else member).get("enum", []):
            try:
                request = built(service, name, {**arguments, argument: [choice] if several else choice})
            except Invalid:  # it does not go with the other arguments
                continue
            assert description.faults(request, operation) == [], (argument, choice)


@described
def test_no_argument_reaches_another_operation(service, name, arguments):
    description, operation = judge_of(service, name)
    reached = description.operations_of(built(service, name, arguments))
    for argument in (argument for argument, value in arguments.items() if isinstance(value, str)):
        for hostile in HOSTILE:
            try:
                request = built(service, name, {**arguments, argument: hostile})
            except Invalid:
                continue
            assert operation in description.operations_of(request) <= reached, (argument, hostile)


def spoilt(request):
    """Return requests that nothing describes."""
    yield structs.replace(request, path=f"/no_such_route{request.path}")
    yield structs.replace(request, query={**request.query, "no_such_parameter": 1})
    if isinstance(request.json, dict):
        yield structs.replace(request, json={**request.json, "no_such_member": 1})
    if request.json is not None:
        yield structs.replace(request, json=[[None]])
    if request.form is not None:
        yield structs.replace(request, form={**request.form, "no_such_member": "1"})


@described
def test_a_wrong_request_is_refused_by_the_judge(service, name, arguments):
    description, operation = judge_of(service, name)
    accepted = [wrong for wrong in spoilt(built(service, name, arguments)) if not description.faults(wrong, operation)]
    assert accepted == []


@beyond
def test_what_is_said_to_be_described_otherwise_is(service, name, arguments):
    judge = judge_of(service, name)
    assert judge is None or judge[0].faults(built(service, name, arguments), judge[1])
