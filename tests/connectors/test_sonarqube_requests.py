"""SonarQube's requests, judged by the server's own list of its web services; how its token travels."""

import gzip
import json
from urllib.parse import parse_qsl

import pytest

from connectors.catalogue import HERE, VENDORS
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid

SONARQUBE = CONNECTORS["sonarqube"]
RECORDED = json.loads((HERE / "recorded" / "sonarqube.json").read_text())
SPECS = VENDORS / "specs"
FIRST, SECOND = SPECS / "sonarqube-webservices-v1.json.gz", SPECS / "sonarqube-v2.json.gz"
judged = pytest.mark.skipif(not FIRST.exists(), reason="SonarQube's description is not beside this checkout")
BASE = "https://sonar.example/sonarqube"
# SonarQube keeps these to its own pages or to SonarQube Cloud (and servers before 10.2), and takes them all the same.
UNLISTED = {
    "/api/sources/raw": {"branch", "pullRequest"},
    "/api/duplications/show": {"branch", "pullRequest"},
    "/api/project_analyses/search": {"branch"},
    "/api/issues/search": {"componentKeys"},
    "/api/hotspots/search": {"projectKey"},
}
EVERYWHERE_ON_CLOUD = {"organization"}
# The list is of a server before 10.8, which brought these two.
NEWER = {("impact_severities", "INFO"), ("impact_severities", "BLOCKER")}


def services():
    """Return each operation's method and parameters by its path."""
    if not FIRST.exists():
        return {}
    listed = json.loads(gzip.decompress(FIRST.read_bytes()))["webServices"]
    found = {
        f"/{service['path']}/{action['key']}": ("POST" if action.get("post") else "GET", action.get("params", []))
        for service in listed
        for action in service["actions"]
    }
    for path, item in json.loads(gzip.decompress(SECOND.read_bytes()))["paths"].items():
        if "get" in item:
            found[f"/api/v2{path}"] = (
                "GET",
                [
                    {**one["schema"], "key": one["name"], "required": one["required"]}
                    for one in item["get"].get("parameters", [])
                ],
            )
    # An action for its own pages, read in the server's sources.
    return {**found, "/api/users/current": ("GET", [])}


SERVICES = services()


def faults(method, path, values):
    """Return what SonarQube's list says against the request; a list's members each have to be a possible value."""
    if path not in SERVICES or SERVICES[path][0] != method:
        return [f"{method} {path} is not described"]
    known = {one["key"]: one for one in SERVICES[path][1]}
    beside = UNLISTED.get(path, set()) | EVERYWHERE_ON_CLOUD
    needed = {name for name, one in known.items() if one.get("required")}
    found = [f"{name} is missing" for name in sorted(needed - values.keys())]
    found += [f"{name} is unknown" for name in values if name not in known and name not in beside]
    return found + [f"{name} is {value}" for name, value in values.items() if not fits(known.get(name, {}), value)]


def fits(parameter, value):
    possible, most = parameter.get("possibleValues"), parameter.get("maximumValue", parameter.get("maximum"))
    if possible and not set(value.split(",")) <= set(possible):
        return False
    if most is not None and int(value) > int(most):
        return False
    return len(value) <= parameter.get("maximumLength", len(value))


def values_of(entry):
    text = entry["query"] if entry["method"] == "GET" else entry["body"]
    return dict(parse_qsl(text, keep_blank_values=True))


ENTRIES = [
    pytest.param(name, entry, id=f"{name}-{i}") for name, all_ in RECORDED.items() for i, entry in enumerate(all_)
]


@judged
@pytest.mark.parametrize(("name", "entry"), ENTRIES)
def test_the_request_is_one_that_sonarqube_describes(name, entry):
    assert faults(entry["method"], entry["path"], values_of(entry)) == [], name
    assert entry["method"] == "POST" or entry["body"] is None
    assert entry["method"] == "GET" or entry["query"] == ""


@judged
@pytest.mark.parametrize(("name", "entry"), ENTRIES)
def test_a_wrong_request_is_refused_by_the_judge(name, entry):
    method, path, values = entry["method"], entry["path"], values_of(entry)
    assert faults("PUT", path, values), name
    assert faults(method, f"{path}x", values)
    assert faults(method, path, {**values, "no_such": "1"}) == ["no_such is unknown"]
    for one in SERVICES[path][1]:
        if one.get("required"):
            without = {key: value for key, value in values.items() if key != one["key"]}
            assert f"{one['key']} is missing" in faults(method, path, without)
        if one.get("possibleValues"):
            assert f"{one['key']} is nonsense" in faults(method, path, {**values, one["key"]: "nonsense"})


@judged
@pytest.mark.parametrize("name", RECORDED)
def test_every_value_of_a_choice_is_one_that_sonarqube_takes(name):
    tool = SONARQUBE.tools[name]
    for argument, member in tool.arguments.schema["properties"].items():
        several = member.get("type") == "array"
        for choice in (member.get("items", {}) if several else member).get("enum", []):
            asked = {**RECORDED[name][0]["arguments"], argument: [choice] if several else choice}
            if (argument, choice) in NEWER:
                continue
            if choice == "REVIEWED" and name == "change_hotspot_status":
                asked["resolution"] = "SAFE"
            try:
                request = tool.request(tool.arguments.check(asked))
            except Invalid:  # it does not go with the other arguments
                continue
            values = request.form if request.method == "POST" else written(request.query)
            assert faults(request.method, request.path, values) == [], (argument, choice)


def written(query):
    return {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in query.items()}


def built(tool_name, /, **arguments):
    tool = SONARQUBE.tools[tool_name]
    return tool.request(tool.arguments.check(arguments))


def headers(**fields):
    return SONARQUBE.outgoing(SONARQUBE.probing(fields), fields, BASE)[2]


def test_the_token_travels_as_a_bearer_or_as_the_user_of_basic():
    assert headers(token="squ_1") == {"authorization": "Bearer squ_1"}
    assert headers(token="squ_1", scheme="bearer") == {"authorization": "Bearer squ_1"}
    assert headers(token="squ_1", scheme="Basic") == {"authorization": "Basic c3F1XzE6"}


def test_another_scheme_is_refused_before_anything_is_sent():
    with pytest.raises(Invalid, match="scheme") as refusal:
        headers(token="squ_1", scheme="digest")
    assert "squ_1" not in str(refusal.value)


def test_a_member_of_a_list_cannot_be_two():
    with pytest.raises(Invalid, match=r"components\[0\]"):
        built("search_issues", components=["shop,other"])


@pytest.mark.parametrize("moment", ["yesterday", "2026-01-31 09:00", "2026-01-31T09:00:00", "2026-1-1", ""])
def test_a_moment_is_a_day_or_has_an_offset(moment):
    with pytest.raises(Invalid, match="from"):
        built("list_analyses", project="shop", **{"from": moment})


def test_arguments_that_do_not_go_together_are_refused():
    with pytest.raises(Invalid, match="project_key"):
        built("get_quality_gate_status")
    with pytest.raises(Invalid, match="resolution"):
        built("change_hotspot_status", hotspot="AX-1", status="REVIEWED")
    with pytest.raises(Invalid, match="resolution"):
        built("change_hotspot_status", hotspot="AX-1", status="TO_REVIEW", resolution="SAFE")
    with pytest.raises(Invalid, match="at least one"):
        built("bulk_change_issues", issues=["AU-1"], comment="x")


def test_no_secret_of_a_webhook_is_in_an_address():
    request = built("create_webhook", name="ci", url="https://ci.example/", secret="sixteen-characters")
    assert "sixteen" not in f"{request.path}{request.query}"
