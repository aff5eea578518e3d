"""What only Jira does: its pages, whom it knows, how it refuses, and both of its kinds of credential."""

import email
import email.policy

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, cursor_of

JIRA = CONNECTORS["jira"]
SITE, GATEWAY = "example.atlassian.net", "api.atlassian.com"
CLOUD = {"email": "jane@example.com", "api_token": "t0ken"}
DATA_CENTER = {"token": "p4t"}


def built(name, **arguments):
    tool = JIRA.tools[name]
    return tool.request(tool.arguments.check(arguments))


def reply(status, body=b"", host=SITE, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, body, host)


def page(name, body, **arguments):
    request = built(name, **arguments)
    return JIRA.tools[name].page(reply(200, body), request)


def following(name, cursor, **arguments):
    return built(name, **arguments, cursor=cursor).query


def test_the_email_and_the_token_go_out_as_a_pair():
    request, base_url, headers = JIRA.outgoing(built("get_issue", issue_id_or_key="A-1"), CLOUD, f"https://{SITE}")
    assert headers == {"authorization": "Basic amFuZUBleGFtcGxlLmNvbTp0MGtlbg=="}
    assert (request.path, base_url) == ("/rest/api/3/issue/A-1", f"https://{SITE}")


def test_a_token_with_scopes_goes_to_the_gateway_below_its_base_url():
    base = f"https://{GATEWAY}/ex/jira/1a11d016-8984-4c3e-b9ab-142dd06acb1b"
    request, base_url, _ = JIRA.outgoing(built("list_boards"), CLOUD, base)
    assert (request.path, base_url) == ("/rest/agile/1.0/board", base)


def test_a_token_of_data_center_is_sent_alone_and_to_the_version_that_it_has():
    request, _, headers = JIRA.outgoing(
        built("get_issue", issue_id_or_key="A-1"), DATA_CENTER, "https://jira.example/x"
    )
    assert headers == {"authorization": "Bearer p4t"}
    assert request.path == "/rest/api/2/issue/A-1"
    assert JIRA.outgoing(built("list_boards"), DATA_CENTER, None)[0].path == "/rest/agile/1.0/board"
    assert JIRA.outgoing(JIRA.probe, DATA_CENTER, None)[0].path == "/rest/api/2/myself"


def test_an_oauth_token_of_the_cloud_is_sent_alone_through_the_gateway():
    base = f"https://{GATEWAY}/ex/jira/1a11d016-8984-4c3e-b9ab-142dd06acb1b"
    request, base_url, headers = JIRA.outgoing(built("search_issues", jql="project = A"), DATA_CENTER, base)
    assert headers == {"authorization": "Bearer p4t"}
    assert (request.path, base_url) == ("/rest/api/3/search/jql", base)


def test_a_token_alone_is_not_stored_for_a_site_of_the_cloud():
    (fault,) = JIRA.faults({**DATA_CENTER, "base_url": f"https://{SITE}"})
    assert (fault.field, "takes email and api_token" in fault.message) == ("token", True)
    for base in (f"https://{GATEWAY}/ex/jira/x", "https://jira.example", f"https://jira.example/{SITE}"):
        assert list(JIRA.faults({**DATA_CENTER, "base_url": base})) == []
    assert list(JIRA.faults({**CLOUD, "base_url": f"https://{SITE}"})) == []


DOCUMENT = {"type": "doc", "version": 1, "content": []}
NEW = {"project_key": "A", "issue_type": "Task", "summary": "x"}


@pytest.mark.parametrize(
    ("name", "arguments", "instead"),
    [
        ("search_issues", {"jql": "project = A"}, "GET /rest/api/2/search"),
        ("count_issues", {"jql": "project = A"}, "GET /rest/api/2/search"),
        ("list_projects", {}, "GET /rest/api/2/project"),
        ("list_priorities", {}, "GET /rest/api/2/priority"),
        ("get_changelog", {"issue_id_or_key": "A-1"}, "expand changelog"),
        ("search_users", {"query": "ann"}, "username"),
        ("search_assignable_users", {"project": "A"}, "username"),
        ("assign_issue", {"issue_id_or_key": "A-1", "account_id": "ann"}, '{"name": …}'),
        ("remove_watcher", {"issue_id_or_key": "A-1", "account_id": "ann"}, "username"),
        ("add_comment", {"issue_id_or_key": "A-1", "body": "x"}, "POST /rest/api/2/issue/A-1/comment"),
        ("create_issue", {**NEW, "description": "x"}, "POST /rest/api/2/issue,"),
        ("create_issues_bulk", {"issue_updates": [{**NEW, "description": DOCUMENT}]}, "POST /rest/api/2/issue/bulk"),
        ("transition_issue", {"issue_id_or_key": "A-1", "transition_id": "5", "comment": "x"}, "wiki markup"),
        ("add_worklog", {"issue_id_or_key": "A-1", "time_spent": "1h", "comment": "x"}, "wiki markup"),
    ],
)
def test_what_data_center_lacks_is_not_sent_but_told_with_what_to_call_instead(name, arguments, instead):
    request = built(name, **arguments)
    assert JIRA.complete(request, CLOUD) == request
    with pytest.raises(Invalid) as refusal:
        JIRA.complete(request, {**DATA_CENTER, "base_url": "https://jira.example"})
    assert "Jira Data Center" in str(refusal.value)
    assert instead in str(refusal.value)


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("create_issue", NEW, "/rest/api/2/issue"),
        ("update_issue", {"issue_id_or_key": "A-1", "field_values": {"x": {"type": "doc"}}}, "/rest/api/2/issue/A-1"),
        ("list_transitions", {"issue_id_or_key": "A-1"}, "/rest/api/2/issue/A-1/transitions"),
        ("add_watcher", {"issue_id_or_key": "A-1", "account_id": "ann"}, "/rest/api/2/issue/A-1/watchers"),
        ("add_attachment", {"issue_id_or_key": "A-1", "file": {"name": "x", "content": "x"}}, None),
        ("call_api", {"method": "GET", "path": "/rest/api/2/search"}, "/rest/api/2/search"),
    ],
)
def test_what_data_center_has_as_well_is_sent_to_its_version(name, arguments, path):
    sent = JIRA.complete(built(name, **arguments), DATA_CENTER)
    assert sent.path == (path or "/rest/api/2/issue/A-1/attachments")


def test_a_profile_of_data_center_tells_that_not_every_tool_works_there():
    assert "Data Center" in JIRA.judge(reply(200, b'{"name": "jane", "key": "JIRAUSER1"}')).reason
    assert "Data Center" not in JIRA.judge(reply(200, b'{"accountId": "5b10", "displayName": "Jane"}')).reason


def test_an_address_of_data_center_with_the_clouds_credential_is_told_which_one_it_takes():
    assert "personal access token is taken, as `token`" in JIRA.judge(reply(404, b"", host="jira.example")).reason
    assert "personal access token" not in JIRA.judge(reply(404, b"")).reason


@pytest.mark.parametrize(
    ("body", "account"),
    [
        (b'{"accountId": "5b10", "emailAddress": "jane@example.com", "displayName": "Jane"}', "jane@example.com"),
        (b'{"accountId": "5b10", "displayName": "Jane"}', "Jane"),
        (b'{"accountId": "5b10", "emailAddress": "", "displayName": 7}', "5b10"),
        (b'{"name": "jane", "key": "JIRAUSER1"}', "jane"),
    ],
)
def test_a_profile_proves_the_credential(body, account):
    verdict = JIRA.judge(reply(200, body))
    assert (verdict.status, verdict.identity.account, verdict.identity.scopes) == ("valid", account, None)


@pytest.mark.parametrize("body", [b"{}", b'{"accountId": ""}', b'{"accountId": null, "displayName": "Anonymous"}'])
def test_a_profile_of_nobody_proves_nothing(body):
    assert JIRA.judge(reply(200, body)).status == "unknown"


def test_an_answer_to_a_visitor_is_an_invalid_credential_whatever_its_status():
    profile = b'{"accountId": "5b10"}'
    assert JIRA.judge(reply(200, profile, x_seraph_loginreason="AUTHENTICATED_FAILED")).status == "invalid"


def test_a_refusal_at_a_site_tells_of_tokens_with_scopes_and_where_their_address_is_found():
    verdict = JIRA.judge(reply(401, b"Client must be authenticated to access this resource."))
    assert verdict.status == "invalid"
    assert f"https://{GATEWAY}/ex/jira/CLOUD_ID" in verdict.reason
    assert f"https://{SITE}/_edge/tenant_info" in verdict.reason


@pytest.mark.parametrize("host", [GATEWAY, "jira.example", "atlassian.net.evil.example", "evilatlassian.net"])
def test_a_refusal_elsewhere_does_not(host):
    verdict = JIRA.judge(reply(401, b"{}", host))
    assert verdict.status == "invalid"
    assert "tenant_info" not in verdict.reason


def test_a_token_that_lacks_a_scope_is_good():
    said = reply(401, b'{"code": 401, "message": "Unauthorized; scope does not match"}', GATEWAY)
    assert JIRA.judge(said).status == "valid"
    assert "lacks a scope" in JIRA.explain(said).next_step


@pytest.mark.parametrize("status", [403, 404, 429, 500, 302])
def test_what_says_nothing_of_the_credential_is_unknown(status):
    assert JIRA.judge(reply(status, b"{}")).status == "unknown"


def test_an_empty_search_as_a_visitor_is_a_failure_and_not_an_empty_result():
    """With a bad token Jira may answer a search as to a visitor: with nothing, and 200."""
    visitor = reply(200, b'{"issues": [], "isLast": true}', x_seraph_loginreason="AUTHENTICATED_FAILED")
    assert JIRA.failed(visitor)
    assert "visitor" in JIRA.explain(visitor).message
    assert "POST /api/v1/credentials" in JIRA.explain(visitor).next_step
    assert not JIRA.failed(reply(200, b'{"issues": []}', x_seraph_loginreason="OK"))


def test_what_jira_says_is_quoted_field_by_field():
    body = b'{"errorMessages": ["No."], "errors": {"summary": "You must specify a summary.", "x": 1}}'
    failure = JIRA.explain(reply(400, body))
    assert failure.message == "Jira answered 400 Bad Request: No.; summary: You must specify a summary."


def test_at_most_ten_errors_are_quoted():
    errors = ",".join(f'"f{n}": "{"m" * 1000}"' for n in range(100))
    message = JIRA.explain(reply(400, f'{{"errors": {{{errors}}}}}'.encode())).message
    assert message.count(" mm") == 10
    assert len(message) < 2200


def test_a_counted_page_leads_to_the_next_by_what_came():
    body = b'{"startAt": 0, "maxResults": 2, "total": 5, "comments": [{"id": "1"}, {"id": "2"}]}'
    first = page("list_comments", body, issue_id_or_key="A-1", limit=10)
    assert (first.items, first.rest) == ([{"id": "1"}, {"id": "2"}], {"total": 5})
    assert following("list_comments", first.next_cursor, issue_id_or_key="A-1")["startAt"] == "2"


@pytest.mark.parametrize(
    "body",
    [
        b'{"values": [1], "isLast": true, "total": 9}',
        b'{"values": [1, 2], "total": 2}',
        b'{"values": [1]}',
        b'{"values": [], "isLast": false}',
        b'{"values": null, "isLast": false}',
        b"{}",
        b"[]",
        b"null",
        b"<html>",
    ],
)
def test_the_last_page_has_no_next(body):
    assert page("list_projects", body).next_cursor is None


def test_a_token_leads_to_the_next_page_of_a_search():
    first = page("search_issues", b'{"issues": [{"id": "1"}], "nextPageToken": "Ch=+&", "isLast": false}', jql="x = y")
    assert (first.items, first.rest) == ([{"id": "1"}], {})
    assert following("search_issues", first.next_cursor, jql="x = y")["nextPageToken"] == "Ch=+&"
    assert (
        page("search_issues", b'{"issues": [], "isLast": true, "nextPageToken": "x"}', jql="x = y").next_cursor is None
    )
    assert page("search_issues", b'{"issues": [], "nextPageToken": 7}', jql="x = y").next_cursor is None


def test_accounts_are_paged_through_even_where_some_are_left_out():
    first = page("search_users", b'[{"accountId": "1"}]', query="jane", limit=50)
    assert following("search_users", first.next_cursor, query="jane")["startAt"] == "50"
    request = built("search_users", query="jane", limit=1000)
    assert JIRA.tools["search_users"].page(reply(200, b"[]"), request).next_cursor is None


@pytest.mark.parametrize("start", ["0", "-1", "1e3", "9999999999", "x", "1&maxResults=9"])
def test_a_made_up_index_is_refused(start):
    cursor = cursor_of(start=start)
    with pytest.raises(Invalid, match="cursor"):
        built("list_comments", issue_id_or_key="A-1", cursor=cursor)


@pytest.mark.parametrize("key", ["createmeta", "picker", "bulk", "A-1/comment", "A", "", "a-1\n", "limit"])
def test_a_name_that_is_a_route_of_jira_is_no_issue(key):
    with pytest.raises(Invalid, match="issue_id_or_key"):
        built("delete_issue", issue_id_or_key=key)


@pytest.mark.parametrize("key", ["search", "recent", "type", "proj/x"])
def test_a_name_that_is_a_route_of_jira_is_no_project(key):
    with pytest.raises(Invalid, match="project_id_or_key"):
        built("get_project", project_id_or_key=key)


def test_an_attachment_is_one_part_of_a_form_that_holds_its_very_bytes():
    content = '--x\r\nContent-Disposition: form-data; name="evil"\r\n\r\n'
    file = {"name": 'a".txt', "content": content, "media_type": "text/plain"}
    request = built("add_attachment", issue_id_or_key="A-1", file=file)
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + request.content, policy=email.policy.HTTP)
    assert not form.defects
    (part,) = form.iter_parts()
    assert part.get_payload(decode=True) == content.encode()
    assert part["content-disposition"] == 'form-data; name="file"; filename="a%22.txt"'
    assert request.headers["x-atlassian-token"] == "no-check"


@pytest.mark.parametrize(
    ("file", "field"),
    [
        ({"name": "a", "content": "no base64!", "encoding": "base64"}, "file.content"),
        ({"name": "a/b", "content": ""}, "file.name"),
        ({"name": "a\r\nX: y", "content": ""}, "file.name"),
        ({"name": "a", "content": "", "media_type": "text/plain\r\nX: y"}, "file.media_type"),
        ({"name": "a", "content": "\ud800"}, "file.content"),
        ({"name": "\ud800", "content": ""}, "file.name"),
    ],
)
def test_a_file_that_cannot_be_sent_as_it_is_is_refused(file, field):
    with pytest.raises(Invalid) as refusal:
        built("add_attachment", issue_id_or_key="A-1", file=file)
    assert refusal.value.faults[0].field == field


def test_a_field_is_not_given_twice():
    issue = {"project_key": "A", "issue_type": "Task", "summary": "x"}
    with pytest.raises(Invalid, match="summary") as refusal:
        built("create_issues_bulk", issue_updates=[issue, {**issue, "field_values": {"summary": "y"}}])
    assert refusal.value.faults[0].field == "issue_updates[1].field_values"


def test_an_edit_changes_something():
    with pytest.raises(Invalid, match="field_values"):
        built("update_issue", issue_id_or_key="A-1")
    with pytest.raises(Invalid, match="name"):
        built("update_sprint", sprint_id=1)


@pytest.mark.parametrize(("adjust", "field"), [("new", "new_estimate"), ("manual", "reduce_by")])
def test_an_estimate_needs_its_value(adjust, field):
    with pytest.raises(Invalid) as refusal:
        built("add_worklog", issue_id_or_key="A-1", time_spent="1h", adjust_estimate=adjust)
    assert refusal.value.faults[0].field == field


def test_call_api_reads_by_get_and_head_alone():
    tool = JIRA.tools["call_api"]
    assert [
        tool.reads(built("call_api", method=method, path="/rest/api/3/filter/1")) for method in ("GET", "HEAD")
    ] == [
        True,
        True,
    ]
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert not tool.reads(built("call_api", method=method, path="/rest/api/3/search/jql"))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/rest/pat/latest/tokens", "create_personal_access_token"),
        ("/rest/pat/1.0/tokens/", "create_personal_access_token"),
        ("/rest/p%61t/latest/tokens", "create_personal_access_token"),
        ("/rest/p%2561t/latest/tokens", "create_personal_access_token"),
        ("/rest/pat;x=1/latest/tokens;y", "create_personal_access_token"),
        ("/rest/PAT/latest/Tokens", "create_personal_access_token"),
        ("/rest/pat/latest;x%2Fy/tokens", "create_personal_access_token"),
        ("/rest/pat/latest%3Bx%252Fy/tokens", "create_personal_access_token"),
        ("/rest/pat%2Flatest%252Ftokens", "create_personal_access_token"),
        ("/rest/auth/1/session", "create_session"),
        ("/rest/oauth2/latest/token", "create_oauth_token"),
        ("/plugins/servlet/oauth/access-token", "create_oauth_token"),
        ("/gateway/api/graphql", "call_gateway"),
        ("/rest/api/3/issue/PAT-1", None),
        ("/rest/api/3/user/session", None),
    ],
)
def test_routes_that_hand_out_a_credential_are_named(path, operation):
    assert JIRA.hands_out(built("call_api", method="POST", path=path)) == operation


def test_no_tool_but_call_api_reaches_such_a_route(samples):
    requests = [
        tool.request(tool.arguments.check(samples(tool, optional=True)))
        for name, tool in JIRA.tools.items()
        if name != "call_api"
    ]
    assert {JIRA.hands_out(request) for request in requests} == {None}
