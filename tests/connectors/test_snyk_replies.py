"""What Snyk's replies are taken for: pages of both interfaces, verdicts, an import's job, and refusals in words."""

import base64

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, Request

SNYK = CONNECTORS["snyk"]
ORG = "4a18d42f-0706-4ad0-b127-24078731fbed"
JOB = "1a325d9d-b782-468a-a242-9a2073734f0b"
IMPORT = f"/v1/org/{ORG}/integrations/{ORG}/import"


def reply(status, body=None, /, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/vnd.api+json", **names}, msgspec.json.encode(body))


def document(**members):
    return reply(200, {"jsonapi": {"version": "1.0"}, **members})


def asked(name, **arguments):
    tool = SNYK.tools[name]
    return tool.request(tool.arguments.check({"org_id": ORG, **arguments}))


@pytest.mark.parametrize(
    "link",
    [
        "/rest/orgs/o/issues?version=2024-10-15&limit=10&starting_after=v1.eyJ%3D",
        "/orgs/o/issues?starting_after=v1.eyJ%3D",
        {"href": "https://evil.example/rest/orgs/o/issues?starting_after=v1.eyJ%3D"},
    ],
)
def test_a_cursor_holds_the_place_of_the_next_page_and_nothing_of_its_address(link):
    page = SNYK.tools["list_issues"].page(document(data=[{"id": "1"}], links={"next": link}), None)
    assert (page.items, page.rest) == ([{"id": "1"}], {})
    query = asked("list_issues", cursor=page.next_cursor).query
    assert query == {"version": "2025-11-05", "limit": 20, "starting_after": "v1.eyJ="}
    assert asked("list_issues", cursor=page.next_cursor, limit=40).query["limit"] == 40


@pytest.mark.parametrize(
    "links", [None, [], {}, {"next": None}, {"next": 7}, {"next": {}}, {"next": "/x"}, {"next": "http://[/"}]
)
def test_a_page_without_a_usable_link_is_the_last(links):
    assert SNYK.tools["list_issues"].page(document(data=[], links=links), None).next_cursor is None


@pytest.mark.parametrize(("limit", "sent"), [(1, 10), (10, 10), (11, 20), (99, 100), (100, 100), (None, 20)])
def test_sizes_are_rounded_up_to_the_tens_that_snyk_takes(limit, sent):
    assert asked("list_projects", **({"limit": limit} if limit else {})).query["limit"] == sent


def test_the_audit_log_pages_by_its_own_names():
    body = document(data={"type": "audit_logs", "items": [{"event": "x"}]}, links={"next": "/x?cursor=abc&size=7"})
    page = SNYK.tools["search_audit_logs"].page(body, None)
    assert (page.items, page.rest) == ([{"event": "x"}], {})
    query = asked("search_audit_logs", cursor=page.next_cursor, limit=7).query
    assert query == {"version": "2025-11-05", "size": 7, "cursor": "abc"}


def test_issues_of_a_package_page_by_their_count():
    body = document(data=[1], links={"next": "/x?offset=20&limit=20"}, meta={"package": {"name": "lodash"}})
    page = SNYK.tools["list_package_issues"].page(body, None)
    assert page.rest == {"meta": {"package": {"name": "lodash"}}}
    query = asked("list_package_issues", purl="pkg:npm/lodash@4.17.20", cursor=page.next_cursor).query
    assert (query["offset"], query["limit"]) == ("20", 20)
    wrong = base64.urlsafe_b64encode(b"offset=-1").decode().rstrip("=")
    with pytest.raises(Invalid, match="cursor"):
        asked("list_package_issues", purl="pkg:npm/lodash@4.17.20", cursor=wrong)


def test_the_results_of_a_test_keep_their_summary_beside_the_page():
    body = document(data={"id": "1", "attributes": {"test_summary": {}}}, included=[{"type": "packages"}], links={})
    page = SNYK.tools["get_sbom_test_results"].page(body, None)
    assert page.items == [{"type": "packages"}]
    assert page.rest == {"data": {"id": "1", "attributes": {"test_summary": {}}}}


def test_dependencies_are_paged_by_number_until_all_are_told():
    first = asked("list_dependencies", limit=2)
    tool = SNYK.tools["list_dependencies"]
    page = tool.page(reply(200, {"results": [1, 2], "total": 3}), first)
    assert (page.items, page.rest) == ([1, 2], {"total": 3})
    second = asked("list_dependencies", cursor=page.next_cursor)
    assert (second.query["page"], second.query["perPage"]) == ("2", "2")
    assert tool.page(reply(200, {"results": [3], "total": 3}), second).next_cursor is None
    assert tool.page(reply(200, {"results": [3]}), first).next_cursor is None
    with pytest.raises(Invalid, match="limit: must stay 2"):
        asked("list_dependencies", cursor=page.next_cursor, limit=3)


@pytest.mark.parametrize(
    "place", ["page=0&perPage=1", "page=1&perPage=0", "page=1&perPage=1001", "page=1", "page=x&perPage=1"]
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        asked("list_dependencies", cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


def test_an_answer_that_is_no_document_is_given_as_it_is():
    assert SNYK.tools["list_issues"].page(reply(200, [1]), None).items == [1]
    assert SNYK.tools["list_dependencies"].page(reply(200, [1]), asked("list_dependencies")).items == [1]


def selves(kind, **attributes):
    return document(data={"type": kind, "id": ORG, "attributes": attributes})


@pytest.mark.parametrize(
    ("body", "account", "words"),
    [
        (selves("user", name="Ana", username="ana@example.com", email="ana@example.com"), "ana@example.com", "to ana@"),
        (selves("user", name="Ana"), "Ana", "to Ana."),
        (selves("service_account", name="CI"), "CI", "the service account CI"),
        (selves("app_instance", name="Deployer"), "Deployer", "the app Deployer"),
        (selves("service_account"), ORG, ORG),
    ],
)
def test_a_token_is_valid_with_whom_it_belongs_to(body, account, words):
    verdict = SNYK.judge(body)
    assert (verdict.status, verdict.identity.account) == ("valid", account)
    assert words in verdict.reason
    assert (verdict.identity.scopes, verdict.identity.expires_at) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        {"data": []},
        {"data": {"type": "org", "attributes": {"name": "x"}}},
        {"data": {"type": "user", "attributes": {}}},
    ],
)
def test_a_success_that_names_nobody_proves_no_token(body):
    assert SNYK.judge(reply(200, body)).status == "unknown"


def test_only_a_401_makes_a_token_invalid_and_only_snyks_own_403_valid():
    refusal = {"jsonapi": {"version": "1.0"}, "errors": [{"status": "403", "detail": "no"}]}
    assert SNYK.judge(reply(401, refusal)).status == "invalid"
    assert "region" in SNYK.judge(reply(401)).reason
    assert SNYK.judge(reply(403, refusal)).status == "valid"
    assert SNYK.judge(reply(403, {"message": "blocked"})).status == "unknown"
    assert SNYK.judge(reply(404, refusal)).status == "unknown"


@pytest.mark.parametrize(
    ("token", "header"),
    [
        (ORG, f"token {ORG}"),
        ("snyk_uat.abc.def", "token snyk_uat.abc.def"),
        ("eyJhbGciOi.eyJzdWIi.c2ln", "Bearer eyJhbGciOi.eyJzdWIi.c2ln"),
        ("eyJhbGciOi", "token eyJhbGciOi"),
    ],
)
def test_an_api_token_and_an_oauth_token_go_each_under_its_own_scheme(token, header):
    request, base_url, headers = SNYK.outgoing(SNYK.probing({}), {"token": token}, None)
    assert (base_url, headers) == ("https://api.snyk.io", {"authorization": header})
    assert token not in str(request)
    assert SNYK.outgoing(request, {"token": token}, "https://api.eu.snyk.io")[1] == "https://api.eu.snyk.io"


@pytest.mark.parametrize("place", ["https://api.snyk.io{}/{}", "https://evil.example/v1{}/{}", "{}/{}"])
def test_an_import_tells_the_job_and_never_an_address(place):
    told = SNYK.translate(Request(method="POST", path=IMPORT), reply(201, {}, location=place.format(IMPORT, JOB)))
    assert (told.json(), told.is_json) == ({"job_id": JOB}, True)


@pytest.mark.parametrize(
    ("method", "path", "status", "location"),
    [
        ("POST", IMPORT, 200, f"{IMPORT}/{JOB}"),
        ("POST", IMPORT, 201, ""),
        ("POST", IMPORT, 201, f"{IMPORT}/../x"),
        ("POST", f"{IMPORT}/x", 201, f"{IMPORT}/{JOB}"),
        ("GET", IMPORT, 201, f"{IMPORT}/{JOB}"),
    ],
)
def test_every_other_reply_stays_as_it_is(method, path, status, location):
    same = reply(status, {"x": 1}, location=location)
    assert SNYK.translate(Request(method=method, path=path), same) is same


@pytest.mark.parametrize(
    ("name", "arguments", "field"),
    [
        ("update_project", {"project_id": ORG}, ""),
        ("list_issues", {"scan_item_id": ORG}, "scan_item_type"),
        ("import_targets", {"integration_id": ORG, "target": {}}, "target"),
        ("import_targets", {"integration_id": ORG, "target": {"token": "x"}}, "target"),
        ("list_projects", {"names": ["a,b"]}, "names[0]"),
        ("get_org", {"org_id": "../groups"}, "org_id"),
        ("add_ignore", {"project_id": ORG, "issue_id": "..", "reason": "x", "reason_type": "wont-fix"}, "issue_id"),
    ],
)
def test_arguments_that_cannot_be_meant_are_refused_before_anything_is_sent(name, arguments, field):
    with pytest.raises(Invalid) as refusal:
        asked(name, **arguments)
    assert refusal.value.faults[0].field == field


def test_a_time_outside_of_all_calendars_is_refused():
    with pytest.raises(Invalid, match="9999 in UTC"):
        asked("search_audit_logs", **{"from": "9999-12-31T23:59:59-12:00"})


def explained(status, body=None, /, **headers):
    return SNYK.explain(reply(status, body, **headers))


def test_each_error_of_a_document_is_told_with_its_place():
    errors = [
        {"code": "SNYK-0001", "title": "Bad Request", "detail": "must be a UUID", "source": {"parameter": "org_id"}},
        {"title": "Invalid", "detail": "Invalid", "source": {"pointer": "/data/attributes"}},
        {"status": "400"},
        7,
    ]
    assert explained(400, {"errors": errors}).message == (
        "Snyk answered 400: SNYK-0001 Bad Request - must be a UUID (at org_id); Invalid (at /data/attributes); "
        "an error without words; an error without words"
    )


def test_v1_is_told_by_its_message():
    assert (
        explained(404, {"code": 404, "message": "Org not found", "error": "x"}).message
        == "Snyk answered 404: Org not found"
    )
    assert explained(400, {"code": 400, "error": "Bad thing"}).message == "Snyk answered 400: Bad thing"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "base_url"),
        (400, "UUIDs"),
        (401, "POST /api/v1/credentials"),
        (403, "list_orgs"),
        (404, "Check the ids"),
        (409, "conflicts"),
        (418, "Correct the arguments"),
        (503, "whether it took effect"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in explained(status).next_step


def test_a_limit_asks_for_its_own_time_or_a_minute():
    assert explained(429, None, retry_after="17").retry_after == 17
    assert explained(429).retry_after == 60
    assert "after 60 seconds" in explained(429).next_step
