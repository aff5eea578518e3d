"""What Jenkins answers, read right: pages, headers, redirects, error pages, and who it sees."""

import json

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, Request

JENKINS = CONNECTORS["jenkins"]
HOST = "ci.example"


def reply(status, body=b"", kind="application/json", /, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(status, {"content-type": kind, **{k.replace("_", "-"): v for k, v in headers.items()}}, raw, HOST)


def asked(name, **arguments):
    tool = JENKINS.tools[name]
    return tool.request(tool.arguments.check(arguments))


def translated(request, answer):
    made = JENKINS.translate(request, answer)
    return made.status, made.json()


def test_a_page_asks_for_one_more_than_it_shows_and_so_knows_whether_there_is_a_next():
    tool = JENKINS.tools["list_builds"]
    first = asked("list_builds", job_path="app", tree="number", limit=2)
    assert first.query == {"tree": "allBuilds[number]{0,3}"}
    page = tool.page(reply(200, {"allBuilds": [{"number": 9}, {"number": 8}, {"number": 7}]}), first)
    assert page.items == [{"number": 9}, {"number": 8}]
    second = asked("list_builds", job_path="app", tree="number", limit=2, cursor=page.next_cursor)
    assert second.query == {"tree": "allBuilds[number]{2,5}"}
    assert tool.page(reply(200, {"allBuilds": [{"number": 7}, {"number": 6}]}), second).next_cursor is None


@pytest.mark.parametrize("body", [b"", b"{", b"null", b'{"allBuilds": null}', b"[]"])
def test_a_strange_page_is_the_last(body):
    page = JENKINS.tools["list_builds"].page(reply(200, body), asked("list_builds", job_path="app"))
    assert page.next_cursor is None


@pytest.mark.parametrize(
    "place", ["c3RhcnQ9MA", "c3RhcnQ9LTE", "c3RhcnQ9eA", "c3RhcnQ9MSZlbmQ9Mg", "c3RhcnQ9MTAwMDAwMDAwMDA"]
)
def test_a_cursor_made_by_hand_is_refused(place):
    with pytest.raises(Invalid, match="cursor"):
        asked("list_builds", job_path="app", cursor=place)


@pytest.mark.parametrize(
    "location", [f"https://{HOST}/jenkins/queue/item/42/", "/jenkins/queue/item/42/", f"http://{HOST}/queue/item/42"]
)
@pytest.mark.parametrize("status", [201, 303])
def test_a_queued_build_is_the_number_of_its_queue_item_and_no_address(location, status):
    for name in ("trigger_build", "trigger_build_with_parameters"):
        answer = reply(status, location=location)
        assert translated(asked(name, job_path="app"), answer) == (200, {"queued": True, "queue_item": 42})


def test_a_build_that_jenkins_did_not_queue_is_told():
    answer = reply(302, location=f"https://{HOST}/job/app/")
    assert translated(asked("trigger_build", job_path="app"), answer) == (200, {"queued": False})


@pytest.mark.parametrize("location", [".", "../..", f"https://{HOST}/jenkins/job/team/", "/job/team/job/app/configure"])
def test_a_redirect_to_what_was_changed_says_that_it_is_done(location):
    changed = asked("disable_job", job_path="app")
    made = JENKINS.translate(changed, reply(302, b"<html>moved", "text/html", location=location))
    assert (made.status, made.body) == (200, b"")
    assert not JENKINS.failed(made)


@pytest.mark.parametrize(
    "location",
    [
        f"https://{HOST}/login?from=%2Fjob%2Fapp%2Fdisable",
        "/jenkins/login",
        "/securityRealm/commenceLogin?from=%2F",
        "/securityRealm/commenceLogin",
        "/oauth2/start?rd=%2F",
        "https://sso.example/authorize",
        "//sso.example/",
        "https://[",
        "",
    ],
)
def test_a_redirect_to_a_login_is_no_success(location):
    for name in ("disable_job", "trigger_build"):
        made = JENKINS.translate(asked(name, job_path="app"), reply(302, location=location))
        assert JENKINS.failed(made)
        assert "login page" in JENKINS.explain(made).next_step


def test_a_read_that_is_redirected_is_no_success():
    made = JENKINS.translate(asked("get_job", job_path="app"), reply(302, location=f"https://{HOST}/job/app/"))
    assert JENKINS.failed(made)


@pytest.mark.parametrize("status", [200, 204, 400, 403, 404, 500])
def test_every_other_answer_to_a_change_stays_as_it_is(status):
    answer = reply(status, b"x", "text/html", location="/job/app/")
    assert JENKINS.translate(asked("disable_job", job_path="app"), answer) is answer


def test_a_log_tells_where_it_goes_on():
    request = asked("get_build_log_progressive", job_path="app", build_number=7)
    running = reply(200, b"Started\n\xff", "text/plain", x_text_size="4096", x_more_data="true")
    assert translated(request, running) == (200, {"text": "Started\n\ufffd", "next_start": 4096, "more": True})
    over = reply(200, b"", "text/plain", x_text_size="4096")
    assert translated(request, over) == (200, {"text": "", "next_start": 4096, "more": False})
    strange = reply(200, b"x", "text/plain", x_text_size="-1", x_more_data="maybe")
    assert translated(request, strange) == (200, {"text": "x", "next_start": None, "more": False})


def who(**values):
    return reply(200, {"_class": "hudson.security.WhoAmI", "authorities": ["authenticated"], **values})


def test_a_named_user_is_valid_with_the_name_and_no_scopes():
    verdict = JENKINS.judge(who(anonymous=False, authenticated=True, name="alice"))
    assert verdict.status == "valid"
    assert (verdict.identity.account, verdict.identity.scopes, verdict.identity.expires_at) == ("alice", None, None)


@pytest.mark.parametrize(
    "values",
    [
        {"anonymous": True, "authenticated": True, "name": "anonymous"},
        {"anonymous": True, "authenticated": True, "name": "alice"},
        {"anonymous": False, "authenticated": True, "name": "anonymous"},
    ],
)
def test_nobody_is_never_valid(values):
    verdict = JENKINS.judge(who(**values))
    assert (verdict.status, verdict.identity) == ("invalid", None)
    assert "proxy" in verdict.reason


@pytest.mark.parametrize(
    "values", [{"name": "alice"}, {"name": "alice", "anonymous": False}, {"name": 7, "anonymous": False}, {"name": ""}]
)
def test_a_half_answer_is_unknown(values):
    assert JENKINS.judge(who(**values)).status == "unknown"


@pytest.mark.parametrize(
    ("status", "standing"), [(401, "invalid"), (403, "unknown"), (302, "unknown"), (404, "unknown"), (503, "unknown")]
)
def test_a_token_is_called_invalid_only_where_jenkins_says_so(status, standing):
    verdict = JENKINS.judge(reply(status, b"<title>Error</title>", "text/html"))
    assert (verdict.status, verdict.identity) == (standing, None)


def explained(status, body=b"", /, **headers):
    return JENKINS.explain(reply(status, body, "text/html", **headers))


def test_an_error_page_is_quoted_by_its_title_alone():
    page = b"<html><head><title>Error 403 alice is missing the Job/Build permission</title></head><body>" + b"x" * 9999
    failure = explained(403, page, x_required_permission="hudson.model.Item.Build")
    assert failure.message == "Jenkins answered 403 Forbidden: Error 403 alice is missing the Job/Build permission"
    assert "hudson.model.Item.Build" in failure.next_step


def test_the_error_header_goes_before_the_page():
    failure = explained(400, b"<title>Jenkins</title>", x_error="A job already exists with the name &#8216;x&#8217;")
    assert failure.message.endswith(": A job already exists with the name &#8216;x&#8217;")
    assert "free" in failure.next_step


def test_a_title_is_decoded_and_bounded():
    failure = explained(404, b"<TITLE>Not &lt;Found&gt;\n" + b"y" * 380 + b"</TITLE>")
    assert "Not <Found> yyy" in failure.message
    assert len(failure.message) < 400


def test_a_password_in_the_tokens_place_is_recognized():
    failure = explained(403, b"<title>Error 403 No valid crumb was included in the request</title>")
    assert "no API token" in failure.next_step


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "trigger_build_with_parameters"),
        (401, "POST /api/v1/credentials"),
        (404, "folder/app"),
        (405, "POST"),
        (409, "enable_job"),
        (302, "single sign-on"),
        (500, "whether it took effect"),
        (503, "starting"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in explained(status).next_step


def test_nothing_of_a_redirects_address_is_shown():
    failure = JENKINS.explain(reply(302, location="https://sso.example/?state=s3cret"))
    assert "s3cret" not in f"{failure}"
    assert "sso.example" not in f"{failure}"


def test_a_request_to_read_that_jenkins_answers_with_created_stays_as_it_is():
    answer = reply(201, location="/queue/item/1/")
    assert JENKINS.translate(Request(method="GET", path="/job/app/build"), answer) is answer
