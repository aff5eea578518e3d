"""Jenkins' paths lead to the job that is named and nowhere else; its requests, judged by a description of its API."""

import gzip
import json
import re

import pytest
from pyreqwest.http import Url

from connectors.catalogue import HERE, VENDORS
from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Request

JENKINS = CONNECTORS["jenkins"]
RECORDED = json.loads((HERE / "recorded" / "jenkins.json").read_text())
FIELDS = {"username": "alice", "api_token": "11f0e2d3c4b5a69788"}
DESCRIBED = VENDORS / "specs" / "jenkins.json.gz"
judged = pytest.mark.skipif(not DESCRIBED.exists(), reason="the description of Jenkins is not beside this checkout")
PATHS = json.loads(gzip.decompress(DESCRIBED.read_bytes()))["paths"] if DESCRIBED.exists() else {}
# What the description asks for and Jenkins does not: `json` is a field of its own pages, `depth` has a default.
NOT_NEEDED = {"json", "depth"}
UNDESCRIBED = {"config.xml", "tree", "mode", "from", "depth"}


def built(name, /, **arguments):
    tool = JENKINS.tools[name]
    return tool.request(tool.arguments.check(arguments))


def faults(method, path, query):
    """Return what the description says against the request; it knows no folders, so they are taken for one job."""
    flat = re.sub("^(/job/[^/]+)+", "/job/app", path)
    for route, operations in PATHS.items():
        pattern = "".join(
            "[^/]+" if part.startswith("{") else re.escape(part) for part in re.split(r"(\{\w+\})", route)
        )
        if re.fullmatch(pattern, flat) and method.lower() in operations:
            known = [one for one in operations[method.lower()].get("parameters", []) if one["in"] == "query"]
            needed = {one["name"] for one in known if one.get("required")} - NOT_NEEDED
            return sorted(needed - query.keys()) + sorted(query.keys() - {one["name"] for one in known} - UNDESCRIBED)
    return [f"{method} {flat} is not described"]


# The tools whose operations the description holds; the others' were read in Jenkins' and its plugins' sources.
DESCRIPTIONS = {
    *("get_server_info", "list_jobs", "list_views", "list_nodes", "list_queue", "get_queue_item", "get_view"),
    *("get_job", "list_builds", "get_job_config", "update_job_config", "create_job", "copy_job", "delete_job"),
    *("enable_job", "disable_job", "trigger_build", "get_last_build", "get_build_log_progressive"),
}


@judged
@pytest.mark.parametrize("name", sorted(DESCRIPTIONS))
def test_the_request_is_one_that_the_description_knows(name):
    for entry in RECORDED[name]:
        request = built(name, **entry["arguments"])
        if entry["arguments"].get("folder_path") and request.path.endswith("/createItem"):
            continue  # below a folder it is the same operation, which the description does not know
        assert faults(request.method, request.path, request.query) == []


@judged
@pytest.mark.parametrize("name", sorted(DESCRIPTIONS))
def test_a_wrong_request_is_not_one_that_the_description_knows(name):
    request = built(name, **RECORDED[name][0]["arguments"])
    assert faults("PUT", request.path, request.query)
    assert faults(request.method, f"{request.path}x", request.query)
    assert faults(request.method, request.path, {**request.query, "lenght": 1}) == ["lenght"]


@judged
def test_a_required_parameter_that_is_missing_is_found():
    assert faults("POST", "/createItem", {"mode": "copy"}) == ["name"]


@pytest.mark.parametrize(
    ("job_path", "path"),
    [
        ("app", "/job/app/api/json"),
        ("team/app", "/job/team/job/app/api/json"),
        ("team/job/app", "/job/team/job/job/job/app/api/json"),
        ("team/my app#1", "/job/team/job/my%20app%231/api/json"),
        ("app/feature%2Flogin", "/job/app/job/feature%252Flogin/api/json"),
        ("a;b", "/job/a%3Bb/api/json"),
        ("ä", "/job/%C3%A4/api/json"),
    ],
)
def test_each_folder_is_a_segment_of_its_own(job_path, path):
    request = built("get_job", job_path=job_path)
    assert request.path == path
    assert Url(f"https://ci.example/jenkins{path}").path == f"/jenkins{path}"


@pytest.mark.parametrize(
    "job_path",
    [
        "",
        "/",
        "/app",
        "app/",
        "team//app",
        "..",
        "../script",
        "team/../../script",
        "team/./app",
        "%2e%2e/script",
        "team/%2e%2e",
        "team/%252e%252e/x",
        "team/..%2f..%2fscript",
        "team/%2f",
        "..;/script",
        "..\\script",
        "a\\b",
        "a\x00",
        "a\r\nHost: evil.example",
        "\ud800",
        "/".join("x" * 31),
    ],
    ids=ascii,
)
@pytest.mark.parametrize("name", ["get_job", "delete_job", "trigger_build", "list_builds"])
def test_no_job_leads_out_of_the_jobs(name, job_path):
    with pytest.raises(Invalid, match="job_path"):
        built(name, job_path=job_path)


def test_a_folder_is_held_to_the_same():
    with pytest.raises(Invalid, match="folder_path"):
        built("list_jobs", folder_path="team/../..")
    with pytest.raises(Invalid, match="folder_path"):
        built("create_job", name="x", config_xml="<project/>", folder_path="a/%2e%2e/b")


def test_user_and_token_go_with_every_request_unasked():
    _, base_url, headers = JENKINS.outgoing(JENKINS.probing(FIELDS), FIELDS, "https://ci.example/jenkins")
    assert base_url == "https://ci.example/jenkins"
    assert headers == {"authorization": "Basic YWxpY2U6MTFmMGUyZDNjNGI1YTY5Nzg4"}


def test_a_trigger_token_is_in_no_address():
    for name in ("trigger_build", "trigger_build_with_parameters"):
        request = built(name, job_path="app", token="job-secret")
        assert "job-secret" not in f"{request.path}{request.query}"
        assert request.form == {"token": "job-secret"}


@pytest.mark.parametrize("name", ["trigger_build", "trigger_build_with_parameters"])
def test_a_delay_is_sent_with_its_unit_for_a_bare_number_is_milliseconds(name):
    assert built(name, job_path="app", delay=90).form == {"delay": "90sec"}


@pytest.mark.parametrize("name", ["delay", "token", "json"])
def test_a_parameter_that_jenkins_reads_as_a_setting_is_refused(name):
    with pytest.raises(Invalid, match=f"parameters.{name}"):
        built("trigger_build_with_parameters", job_path="app", parameters={name: "1"})


@pytest.mark.parametrize("tree", ["name],evil[x", "name[", "a]b[", "]"])
def test_a_tree_cannot_end_the_list_that_it_describes(tree):
    with pytest.raises(Invalid, match="tree"):
        built("list_jobs", tree=tree)


@pytest.mark.parametrize("build", ["0", "lastBuild/stop", "latest", "../1", -1, 0])
def test_a_build_is_a_number_or_one_of_jenkins_own_names(build):
    with pytest.raises(Invalid, match="build_number"):
        built("get_build", job_path="app", build_number=build)


@pytest.mark.parametrize("name", ["stop_build", "delete_build", "update_build_info"])
def test_what_changes_a_build_names_it_by_its_number(name):
    """`lastBuild` may be another one by the time that the request arrives."""
    with pytest.raises(Invalid, match="build_number"):
        built(name, job_path="app", build_number="lastBuild", **({"description": ""} if "info" in name else {}))


def test_a_redirect_is_the_answer_except_for_a_builds_files():
    def follows(method, path):
        return JENKINS.outgoing(Request(method=method, path=path), FIELDS, "https://ci.example")[0].follows

    assert follows("GET", "/job/app/7/artifact/a.jar")
    assert not follows("POST", "/job/app/7/artifact/a.jar")
    assert not follows("GET", "/job/app/job/artifact/x/api/json")
    assert not follows("POST", "/job/app/doDelete")
    assert not follows("GET", "/whoAmI/api/json")
