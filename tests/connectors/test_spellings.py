"""However a path is spelled: what hands out a credential is known for it, and no read key changes anything.

A server decodes a path once, a proxy before it once more; one cuts a segment at `;` before it decodes, another after.
"""

import json
from pathlib import Path

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.anything import readings
from devmesh.upstream.model import Request, plain_path

RECORDED = {path.stem: json.loads(path.read_text()) for path in Path(__file__).parent.glob("recorded/*.json")}
# One or more of each service that has paths; GitLab's names are encoded whole, and its server decodes none of them.
HANDED_OUT = [
    ("github", "POST", "/repos/o/r/actions/runners/registration-token"),
    ("github", "POST", "/api/v3/app/installations/7/access_tokens"),
    ("github", "GET", "/repos/o/r/secret-scanning/alerts"),
    ("jira", "POST", "/rest/pat/latest/tokens"),
    ("jira", "POST", "/rest/auth/1/session"),
    ("confluence", "POST", "/rest/pat/latest/tokens"),
    ("bitbucket", "POST", "/2.0/repositories/w/r/pipelines-config/runners"),
    ("bitbucket", "POST", "/2.0/workspaces/w/oauth-consumers"),
    ("harness", "POST", "/gateway/ng/api/token/rotate/ci"),
    ("harness", "GET", "/ng/api/v2/secrets/decrypt"),
    ("snyk", "POST", "/rest/orgs/o/service_accounts"),
    ("snyk", "POST", "/v1/org/o/integrations/i/authentication/provision-token"),
    ("jenkins", "POST", "/user/a/descriptorByName/jenkins.security.ApiTokenProperty/generateNewToken"),
    ("jenkins", "GET", "/computer/linux-1/jenkins-agent.jnlp"),
    ("sonarqube", "POST", "/api/user_tokens/generate"),
    ("artifactory", "POST", "/access/api/v1/tokens"),
    ("artifactory", "GET", "/artifactory/api/security/apiKey"),
]
# Where a read key is given some operations and not all that are read by GET.
LISTED = ("snyk", "jenkins", "sonarqube", "artifactory")


def spelled(path):
    """Yield the path in spellings that some server or proxy takes for it."""
    yield from (path, f"{path}/", f"{path};x=1", f"{path}%3Bx", f"{path};x%2Fy", f"{path};x%252Fy")
    for at in (place for place, letter in enumerate(path) if letter == "/" and place):
        before, after = path[:at], path[at + 1 :]
        yield from (f"{before}{slash}{after}" for slash in ("%2F", "%2f", "%252F"))
        yield from (f"{before}{cut}/{after}" for cut in (";x", ";x%2Fy", "%3Bx", "%3Bx%252Fy", "%253Bx"))
        yield f"{before}/%{ord(after[0]):02x}{after[1:]}"
        yield f"{before}/%25{ord(after[0]):02X}{after[1:]}"


def called(service, method, path):
    """Return call_api's request, None where it is refused at once."""
    tool = CONNECTORS[service].tools["call_api"]
    try:
        return tool.request(tool.arguments.check({"method": method, "path": path}))
    except Invalid:
        return None


@pytest.mark.parametrize(("service", "method", "path"), HANDED_OUT)
def test_what_hands_out_a_credential_is_known_however_it_is_spelled(service, method, path):
    requests = {spelling: called(service, method, spelling) for spelling in spelled(path)}
    assert requests[path] is not None
    hands_out = CONNECTORS[service].hands_out
    assert [spelling for spelling, one in requests.items() if one is not None and hands_out(one) is None] == []


@pytest.mark.parametrize("service", LISTED)
def test_no_spelling_makes_a_read_of_a_change(service):
    tools = CONNECTORS[service].tools
    call_api = tools["call_api"]
    entries = [(tools[name].read_only, one) for name, several in RECORDED[service].items() for one in several]
    reads = {(one["method"], one["path"]) for reading, one in entries if reading}
    changes = {(one["method"], one["path"]) for reading, one in entries if not reading}
    asked = {(method, one): called(service, method, one) for method, path in changes for one in spelled(path)}
    open_to_readers = {at for at, one in asked.items() if one is not None and call_api.reads(one)}
    assert len(asked) > len(changes)
    assert open_to_readers - reads == set()


def test_a_change_within_a_reads_argument_is_no_read():
    path = "/v1/org/o%2Fproject%2Fp%2Fdeactivate%3B/dependencies"
    assert not CONNECTORS["snyk"].tools["call_api"].reads(called("snyk", "POST", path))
    assert CONNECTORS["snyk"].tools["call_api"].reads(called("snyk", "POST", "/v1/org/o/dependencies"))


@pytest.mark.parametrize(
    ("service", "path"),
    [
        ("jira", "/secure/DeleteIssue.jspa"),
        ("jira", "/rest/scriptrunner/latest/custom/wipe"),
        ("jira", "/gateway/api/graphql"),
        ("jira", "/plugins/servlet/x"),
        ("jira", "/rest%2Fapi/3/myself"),
        ("confluence", "/rpc/soap-axis/confluenceservice-v2"),
        ("confluence", "/pages/doremovepage.action"),
        ("confluence", "/wiki/plugins/servlet/x"),
        ("harness", "/ng/api;x/%69nternal/migrate"),
        ("harness", "/ng%2Finternal/migrate"),
    ],
)
def test_what_may_change_things_by_get_is_no_read(service, path):
    tool = CONNECTORS[service].tools["call_api"]
    assert not any(tool.reads(called(service, method, path)) for method in ("GET", "HEAD"))


@pytest.mark.parametrize("name", ["sudo", "sudo[]", "sudo[x]", "private_token[]"])
@pytest.mark.parametrize("argument", ["query", "body"])
def test_no_call_to_gitlab_acts_as_somebody_else(name, argument):
    tool = CONNECTORS["gitlab"].tools["call_api"]
    values = {"method": "POST", "path": "/api/v4/projects/1/issues", argument: {name: "root"}}
    with pytest.raises(Invalid) as refusal:
        tool.request(tool.arguments.check(values))
    assert refusal.value.faults[0].field == argument


@pytest.mark.parametrize(
    ("path", "one_of_them"),
    [
        ("/a;x%2Fy/b", {"/a/b", "/a/y/b"}),
        ("/a%3Bx%252Fy/b", {"/a/b", "/a/y/b"}),
        ("/a%252Fb/", {"/a%252Fb", "/a%2Fb", "/a/b"}),
        ("/%61", {"/a"}),
        ("/a/b", {"/a/b"}),
    ],
)
def test_a_path_is_read_as_each_server_may_read_it(path, one_of_them):
    assert one_of_them <= set(readings(plain_path(path)))


def test_the_readings_of_a_path_are_few():
    within = "".join(f"/a%{'25' * depth}3Bb%{'25' * depth}2Fc" for depth in range(3))
    path = plain_path((within * 200)[:4000].rpartition("/")[0])
    assert len(readings(path)) < 50
    for service, prefix in (("harness", ""), ("github", ""), ("snyk", "/rest"), ("bitbucket", "/2.0")):
        assert CONNECTORS[service].hands_out(Request(method="POST", path=prefix + path)) is None
