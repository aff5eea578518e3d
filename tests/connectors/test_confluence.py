"""What only Confluence does: its pages, whom it knows, how it refuses, and both of its kinds of credential."""

import email
import email.policy
import json
import time

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, cursor_of

CONFLUENCE = CONNECTORS["confluence"]
SITE, GATEWAY = "example.atlassian.net", "api.atlassian.com"
CLOUD = {"email": "jane@example.com", "api_token": "t0ken"}
DATA_CENTER = {"token": "p4t"}


def built(name, **arguments):
    tool = CONFLUENCE.tools[name]
    return tool.request(tool.arguments.check(arguments))


def reply(status, body=b"", host=SITE, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, body, host)


def page(name, body, **arguments):
    return CONFLUENCE.tools[name].page(reply(200, json.dumps(body).encode()), built(name, **arguments))


def test_the_email_and_the_token_go_out_as_a_pair_below_the_base_url():
    base = f"https://{GATEWAY}/ex/confluence/1a11d016-8984-4c3e-b9ab-142dd06acb1b"
    request, base_url, headers = CONFLUENCE.outgoing(built("get_page", id="1"), CLOUD, base)
    assert headers == {"authorization": "Basic amFuZUBleGFtcGxlLmNvbTp0MGtlbg=="}
    assert (request.path, base_url) == ("/wiki/api/v2/pages/1", base)


def test_a_token_of_data_center_is_sent_alone_and_without_the_clouds_prefix():
    request, _, headers = CONFLUENCE.outgoing(CONFLUENCE.probe, DATA_CENTER, "https://wiki.example/confluence")
    assert headers == {"authorization": "Bearer p4t"}
    assert request.path == "/rest/api/user/current"
    asked = built("call_api", method="GET", path="/rest/api/space")
    assert CONFLUENCE.outgoing(asked, DATA_CENTER, None)[0].path == "/rest/api/space"
    assert CONFLUENCE.outgoing(asked, CLOUD, None)[0].path == "/rest/api/space"


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("list_pages", {}),
        ("get_page", {"id": "7"}),
        ("create_page", {"space_id": "7", "title": "x", "body": "x"}),
        ("call_api", {"method": "GET", "path": "/wiki/api/v2/pages"}),
    ],
)
def test_what_data_center_lacks_is_not_sent_but_told_with_what_to_call_instead(name, arguments):
    request = built(name, **arguments)
    assert CONFLUENCE.complete(request, CLOUD) == request
    with pytest.raises(Invalid, match=r"Confluence Data Center has no /api/v2: use confluence\.call_api"):
        CONFLUENCE.complete(request, {**DATA_CENTER, "base_url": "https://wiki.example"})


def test_a_file_is_posted_to_data_center_which_takes_no_put():
    request = built("upload_attachment", id="7", file={"name": "x", "content": "x"})
    sent = CONFLUENCE.complete(request, DATA_CENTER)
    assert (sent.method, sent.path) == ("POST", "/rest/api/content/7/child/attachment")
    assert sent.content == request.content
    assert CONFLUENCE.complete(request, CLOUD).method == "PUT"


def test_an_oauth_token_of_the_cloud_is_sent_alone_through_the_gateway():
    base = f"https://{GATEWAY}/ex/confluence/1a11d016-8984-4c3e-b9ab-142dd06acb1b"
    request, _, headers = CONFLUENCE.outgoing(built("list_pages"), DATA_CENTER, base)
    assert (request.path, headers) == ("/wiki/api/v2/pages", {"authorization": "Bearer p4t"})


def test_a_token_alone_is_not_stored_for_a_site_of_the_cloud():
    (fault,) = CONFLUENCE.faults({**DATA_CENTER, "base_url": f"https://{SITE}/wiki"})
    assert fault.field == "token"


@pytest.mark.parametrize(
    ("profile", "account"),
    [
        ({"type": "known", "accountId": "5b10", "email": "jane@example.com"}, "jane@example.com"),
        ({"type": "known", "accountId": "5b10", "email": "", "publicName": "Jane"}, "Jane"),
        ({"type": "known", "username": "jane", "userKey": "8a7f"}, "jane"),
    ],
)
def test_a_known_account_proves_the_credential(profile, account):
    verdict = CONFLUENCE.judge(reply(200, json.dumps(profile).encode()))
    assert (verdict.status, verdict.identity.account) == ("valid", account)


def test_a_site_that_is_open_to_visitors_proves_nothing():
    visitor = {"type": "anonymous", "accountId": "5b10", "displayName": "Anonymous"}
    verdict = CONFLUENCE.judge(reply(200, json.dumps(visitor).encode()))
    assert (verdict.status, verdict.identity) == ("invalid", None)
    assert f"https://{GATEWAY}/ex/confluence/CLOUD_ID" in verdict.reason
    assert f"https://{SITE}/_edge/tenant_info" in verdict.reason


@pytest.mark.parametrize(
    "profile", [{}, {"type": "known"}, {"accountId": "5b10"}, {"type": "unknown", "accountId": "x"}]
)
def test_a_profile_of_another_kind_is_unknown(profile):
    assert CONFLUENCE.judge(reply(200, json.dumps(profile).encode())).status == "unknown"


def test_a_refusal_tells_of_tokens_with_scopes_at_a_site_alone():
    assert "/ex/confluence/CLOUD_ID" in CONFLUENCE.judge(reply(401)).reason
    assert "CLOUD_ID" not in CONFLUENCE.judge(reply(401, host=GATEWAY)).reason
    scopes = reply(401, b'{"code": 401, "message": "Unauthorized; scope does not match"}', GATEWAY)
    assert CONFLUENCE.judge(scopes).status == "valid"


def test_both_versions_errors_are_quoted():
    second = b'{"errors": [{"status": 404, "code": "NOT_FOUND", "title": "Not Found", "detail": "No page"}, 7, {}]}'
    first = b'{"statusCode": 409, "data": {"errors": []}, "message": "Version must be incremented"}'
    assert CONFLUENCE.explain(reply(404, second)).message == "Confluence answered 404 Not Found: Not Found - No page"
    conflict = CONFLUENCE.explain(reply(409, first))
    assert conflict.message == "Confluence answered 409 Conflict: Version must be incremented"
    assert "present version" in conflict.next_step


def test_an_answer_to_a_visitor_is_a_failure():
    assert CONFLUENCE.failed(reply(200, b'{"results": []}', x_seraph_loginreason="AUTHENTICATED_FAILED"))
    assert not CONFLUENCE.failed(reply(204))


@pytest.mark.parametrize(
    ("following", "query"),
    [
        ("/wiki/api/v2/pages?limit=5&cursor=eyJpZCI6IjEifQ%3D%3D", {"cursor": "eyJpZCI6IjEifQ=="}),
        ("/wiki/api/v2/pages?cursor=a+b&limit=5", {"cursor": "a+b"}),
        ("/rest/api/search?cql=type=page&start=25&limit=25", {"start": "25"}),
        (
            "/rest/api/search?next=true&cursor=_f_MQ%3D%3D_sa_x&limit=1&start=1",
            {"cursor": "_f_MQ==_sa_x", "next": "true"},
        ),
        ("/rest/api/search?start=1&limit=1&cursor=x", {"cursor": "x"}),
        ("https://evil.example/?cursor=x#y", {"cursor": "x"}),
    ],
)
def test_the_next_pages_place_is_kept_and_never_its_address(following, query):
    first = page("list_pages", {"results": [{"id": "1"}], "_links": {"next": following, "base": "https://x.example"}})
    assert (first.items, first.rest) == ([{"id": "1"}], {})
    request = built("list_pages", cursor=first.next_cursor)
    assert (request.path, request.query) == ("/wiki/api/v2/pages", query)


@pytest.mark.parametrize(
    "body",
    [
        {},
        [],
        None,
        {"results": None},
        {"results": [1], "_links": {}},
        {"results": [1], "_links": {"next": 7}},
        {"results": [], "_links": "x"},
        {"results": [], "_links": {"next": "/wiki/api/v2/pages?limit=5"}},
        {"results": [], "_links": {"next": "/rest/api/search?next=true&limit=5"}},
    ],
)
def test_the_last_page_has_no_next(body):
    assert page("list_pages", body).next_cursor is None


def test_what_a_search_says_beside_its_hits_is_kept():
    body = {"results": [], "start": 0, "limit": 25, "size": 0, "totalSize": 7, "cqlQuery": "x", "_links": {}}
    assert page("search_content", body, cql="x").rest == {"totalSize": 7, "cqlQuery": "x"}


@pytest.mark.parametrize("start", ["0", "-1", "1e3", "9999999999", "x"])
def test_a_made_up_start_is_refused(start):
    with pytest.raises(Invalid, match="cursor"):
        built("list_pages", cursor=cursor_of(start=start))


def test_the_highest_ancestors_own_come_next_as_long_as_pages_are_full():
    full = {"results": [{"id": "704", "type": "folder"}, {"id": "705", "type": "page"}]}
    first = page("list_page_ancestors", full, id="706", limit=2)
    assert first.items == full["results"]
    assert built("list_page_ancestors", id="706", cursor=first.next_cursor).path == "/wiki/api/v2/folders/704/ancestors"
    assert page("list_page_ancestors", full, id="706").next_cursor is None
    assert page("list_page_ancestors", {"results": []}, id="706").next_cursor is None
    for strange in ({"id": "1", "type": "space"}, {"id": 1, "type": "page"}, {"id": "1", "type": ["page"]}, "x"):
        assert page("list_page_ancestors", {"results": [strange]}, id="706", limit=1).next_cursor is None


@pytest.mark.parametrize(("kind", "id_"), [("../../user", "1"), ("spaces", "1"), ("page", "1/../2"), ("page", "x")])
def test_a_made_up_ancestor_is_refused(kind, id_):
    with pytest.raises(Invalid, match="cursor"):
        built("list_page_ancestors", id="706", cursor=cursor_of(kind=kind, id=id_))


def test_a_body_is_markdown_unless_it_says_otherwise():
    page = {"space_id": "1", "title": "x"}
    assert json.loads(built("create_page", **page, body="**x**").json["body"]["value"])["type"] == "doc"
    for representation in ("storage", "wiki"):
        body = built("create_page", **page, body="**x**", representation=representation).json["body"]
        assert body == {"representation": representation, "value": "**x**"}
    with pytest.raises(Invalid, match="body"):
        built("create_page", **page, body={"type": "paragraph"})


def test_a_long_text_is_converted_in_little_time_and_a_longer_one_refused():
    began = time.process_time()
    built("create_page", space_id="1", title="x", body=("- **a** " * 12_500))
    assert time.process_time() - began < 3
    with pytest.raises(Invalid, match="storage format"):
        built("create_page", space_id="1", title="x", body="x" * 100_001)
    built("create_page", space_id="1", title="x", body="x" * 100_001, representation="storage")


@pytest.mark.parametrize("name", ["create_footer_comment", "create_inline_comment"])
def test_a_comment_is_on_something(name):
    with pytest.raises(Invalid, match="page_id"):
        built(name, body="x")


def test_an_inline_comment_on_a_page_names_its_words():
    with pytest.raises(Invalid, match="inline_comment_properties"):
        built("create_inline_comment", body="x", page_id="1")


def test_an_upload_is_a_form_of_the_file_and_its_values():
    file = {"name": "a.bin", "content": "AP8NCg==", "encoding": "base64", "media_type": "image/png"}
    request = built("upload_attachment", id="1", file=file, comment="Grüße", minor_edit=False)
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    form = email.message_from_bytes(head + request.content, policy=email.policy.HTTP)
    assert not form.defects
    parts = {part.get_param("name", header="content-disposition"): part for part in form.iter_parts()}
    assert parts["file"].get_payload(decode=True) == b"\x00\xff\r\n"
    assert parts["file"].get_content_type() == "image/png"
    assert parts["comment"].get_payload(decode=True).decode() == "Grüße"
    assert parts["minorEdit"].get_payload(decode=True) == b"false"


def test_call_api_reads_by_get_and_head_alone():
    tool = CONFLUENCE.tools["call_api"]
    path = "/wiki/rest/api/content/1/version"
    assert all(tool.reads(built("call_api", method=method, path=path)) for method in ("GET", "HEAD"))
    assert not any(tool.reads(built("call_api", method=method, path=path)) for method in ("POST", "PUT", "DELETE"))


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/rest/pat/latest/tokens", "create_personal_access_token"),
        ("/wiki/rest/p%61t/latest/tokens", "create_personal_access_token"),
        ("/gateway/api/graphql", "call_gateway"),
        ("/wiki/api/v2/pages", None),
    ],
)
def test_routes_that_hand_out_a_credential_are_named(path, operation):
    assert CONFLUENCE.hands_out(built("call_api", method="POST", path=path)) == operation
