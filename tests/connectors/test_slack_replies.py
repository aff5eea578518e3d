"""What Slack's replies are taken for: successes and refusals with the same status, pages, verdicts, words."""

import base64

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply

SLACK = CONNECTORS["slack"]


def reply(status, body=None, /, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json; charset=utf-8", **names}, msgspec.json.encode(body))


def refused(code, **more):
    return reply(200, {"ok": False, "error": code, **more})


def listed(name, **arguments):
    tool = SLACK.tools[name]
    return tool.request(tool.arguments.check(arguments))


def test_only_a_success_that_says_so_is_one():
    assert not SLACK.failed(reply(200, {"ok": True}))
    wrong = [
        refused("x"),
        reply(200, {"ok": "true"}),
        reply(200, {}),
        reply(200, []),
        reply(200),
        reply(201, {"ok": True}),
    ]
    assert all(map(SLACK.failed, wrong))
    assert all(map(SLACK.failed, [reply(429, {"ok": True}), reply(302, {"ok": True}), reply(500)]))
    for body in (b"", b"<html>", b'{"ok": true', b"\xff", b"[" * 100_000):
        assert SLACK.failed(Reply(200, {"content-type": "application/json"}, body))


def test_a_page_names_the_next_by_a_cursor_that_holds_slacks_own():
    body = {"ok": True, "channels": [{"id": "C1"}], "response_metadata": {"next_cursor": "dGVhbTpDMQ=="}}
    page = SLACK.tools["list_channels"].page(reply(200, body), None)
    assert (page.items, page.rest) == ([{"id": "C1"}], {})
    assert listed("list_channels", cursor=page.next_cursor).query == {"limit": 100, "cursor": "dGVhbTpDMQ=="}
    assert listed("list_channels", cursor=page.next_cursor, limit=7).query["limit"] == 7


@pytest.mark.parametrize("metadata", [{}, {"next_cursor": ""}, {"next_cursor": None}, {"next_cursor": 7}, None, []])
def test_a_page_without_a_cursor_is_the_last(metadata):
    page = SLACK.tools["list_users"].page(reply(200, {"ok": True, "members": [], "response_metadata": metadata}), None)
    assert page.next_cursor is None


def test_what_slack_says_beside_the_items_is_kept():
    body = {"ok": True, "messages": [{"ts": "1.2"}], "has_more": False, "pin_count": 2}
    page = SLACK.tools["get_channel_history"].page(reply(200, body), None)
    assert page.rest == {"has_more": False, "pin_count": 2}


def test_a_search_is_paged_by_number_and_size():
    first = listed("search_messages", query="x", limit=2)
    found = {"matches": [{"ts": "1.2"}], "total": 5, "paging": {"count": 2, "total": 5, "page": 1, "pages": 3}}
    body = reply(200, {"ok": True, "query": "x", "messages": found})
    page = SLACK.tools["search_messages"].page(body, first)
    assert (page.items, page.rest) == ([{"ts": "1.2"}], {"total": 5})
    second = listed("search_messages", query="x", cursor=page.next_cursor)
    assert (second.query["count"], second.query["page"]) == ("2", "2")
    last = listed("search_messages", query="x", cursor=SLACK.tools["search_messages"].page(body, second).next_cursor)
    assert SLACK.tools["search_messages"].page(body, last).next_cursor is None


def test_another_size_in_the_middle_of_a_search_is_refused():
    files = reply(200, {"ok": True, "files": [], "paging": {"pages": 2}})
    cursor = SLACK.tools["list_files"].page(files, listed("list_files", limit=10)).next_cursor
    assert listed("list_files", cursor=cursor, limit=10).query["page"] == "2"
    with pytest.raises(Invalid, match="limit: must stay 10"):
        listed("list_files", cursor=cursor, limit=11)


@pytest.mark.parametrize(
    "found", [None, [], {"paging": None}, {"paging": {"pages": "3"}}, {"matches": [], "paging": 1}]
)
def test_a_search_without_paging_is_its_last_page(found):
    page = SLACK.tools["search_messages"].page(
        reply(200, {"ok": True, "messages": found}), listed("search_messages", query="x")
    )
    assert (page.items, page.next_cursor) == ([], None)


@pytest.mark.parametrize(
    "place", ["count=0&page=1", "count=101&page=1", "count=9&page=0", "count=9", "count=9&page=1&x=1"]
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        listed("list_files", cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


def test_a_token_is_valid_with_whom_it_belongs_to_and_its_scopes():
    body = {"ok": True, "user": "deploy", "user_id": "U1", "team": "Example", "team_id": "T1", "bot_id": "B1"}
    verdict = SLACK.judge(reply(200, body, x_oauth_scopes="chat:write,channels:read"))
    assert (verdict.status, verdict.identity.account) == ("valid", "deploy in Example")
    assert verdict.identity.scopes == ("chat:write", "channels:read")
    assert SLACK.judge(reply(200, body)).identity.scopes is None
    assert SLACK.judge(reply(200, body, x_oauth_scopes="")).identity.scopes == ()


def test_a_token_of_the_app_itself_is_valid_and_said_to_be_the_wrong_kind():
    verdict = SLACK.judge(reply(200, {"ok": True, "app_id": "A1", "app_name": "Deployer"}))
    assert (verdict.status, verdict.identity.account) == ("valid", "Deployer")
    assert "xoxb-" in verdict.reason


@pytest.mark.parametrize(
    ("code", "standing"),
    [
        ("invalid_auth", "invalid"),
        ("not_authed", "invalid"),
        ("token_revoked", "invalid"),
        ("token_expired", "invalid"),
        ("account_inactive", "invalid"),
        ("missing_scope", "valid"),
        ("team_access_not_granted", "valid"),
        ("ekm_access_denied", "valid"),
        ("org_login_required", "unknown"),
        ("team_added_to_org", "unknown"),
        ("internal_error", "unknown"),
        ("ratelimited", "unknown"),
        ("accesslimited", "unknown"),
        ("", "unknown"),
        (7, "unknown"),
    ],
)
def test_a_token_is_called_invalid_only_when_slack_says_so(code, standing):
    verdict = SLACK.judge(refused(code))
    assert (verdict.status, verdict.identity) == (standing, None)
    assert len(verdict.reason) > 15


def test_a_success_that_names_nobody_proves_no_token():
    assert SLACK.judge(reply(200, {"ok": True})).status == "unknown"
    assert SLACK.judge(reply(200, {"ok": True, "user_id": None})).status == "unknown"


@pytest.mark.parametrize("token", ["xoxc-1", " xoxc-1", "xoxd-1"])
def test_a_browsers_token_is_refused_in_words_and_never_sent(token):
    with pytest.raises(Invalid, match="browser") as refusal:
        SLACK.outgoing(SLACK.probing({}), {"token": token}, None)
    assert refusal.value.faults[0].field == "token"
    assert token.strip() not in str(refusal.value)


@pytest.mark.parametrize("token", ["xoxb-1", "xoxp-1", "xoxe.xoxp-1", "xapp-1"])
def test_an_apps_token_goes_into_the_header_alone(token):
    request, base_url, headers = SLACK.outgoing(SLACK.probing({}), {"token": token}, None)
    assert (base_url, headers) == ("https://slack.com/api", {"authorization": f"Bearer {token}"})
    assert token not in str(request)
    assert SLACK.outgoing(request, {"token": token}, "https://slack-gov.com/api")[1] == "https://slack-gov.com/api"


def test_any_one_of_a_tools_scopes_suffices_and_a_classic_umbrella_too():
    needs = SLACK.tools["list_channels"].needs
    assert [
        any(SLACK.implies(granted, need) for need in needs) for granted in (["im:read"], ["bot"], ["chat:write"])
    ] == [
        True,
        True,
        False,
    ]


def test_only_what_slack_opens_to_every_token_needs_no_scope():
    free = {name for name, tool in SLACK.tools.items() if not tool.needs}
    assert free == {"test_auth", "get_permalink", "list_scheduled_messages", "call_api"}


def test_a_missing_scope_is_named_with_those_that_there_are():
    failure = SLACK.explain(refused("missing_scope", needed="channels:read", provided="chat:write,im:read"))
    assert failure.message == "Slack answered missing_scope."
    assert "needs channels:read, and holds chat:write,im:read" in failure.next_step
    assert "another scope, and holds none" in SLACK.explain(refused("missing_scope", needed=1, provided="")).next_step


def test_a_limit_asks_for_its_own_time_or_a_minute():
    limited = reply(429, {"ok": False, "error": "ratelimited"}, retry_after="30")
    assert SLACK.explain(limited).retry_after == 30
    assert "after 30 seconds" in SLACK.explain(limited).next_step
    assert SLACK.explain(refused("ratelimited")).retry_after == 60
    assert SLACK.explain(refused("rate_limited")).retry_after == 60


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("not_in_channel", "join_channel"),
        ("channel_not_found", "list_channels"),
        ("invalid_auth", "POST /api/v1/credentials"),
        ("token_revoked", "POST /api/v1/credentials"),
        ("not_allowed_token_type", "xoxp-"),
        ("is_archived", "unarchive_channel"),
        ("already_reacted", "do not repeat"),
        ("internal_error", "whether it took effect"),
        ("some_new_error", "Correct the arguments"),
    ],
)
def test_each_code_has_its_own_next_step(code, words):
    failure = SLACK.explain(refused(code))
    assert failure.message == f"Slack answered {code}."
    assert words in failure.next_step


def test_what_slack_says_of_the_arguments_and_of_each_user_is_told_in_bounds():
    metadata = {"messages": ["[ERROR] must provide a string [json-pointer:/channel]", 7, "x" * 5000]}
    message = SLACK.explain(refused("invalid_arguments", response_metadata=metadata)).message
    assert message.startswith(
        "Slack answered invalid_arguments: [ERROR] must provide a string [json-pointer:/channel]; xxx"
    )
    assert len(message) < 600
    errors = [{"user": "U1", "ok": False, "error": "cant_invite"}, {"ok": False}, 7]
    message = SLACK.explain(refused("cant_invite", errors=errors)).message
    assert message == "Slack answered cant_invite: U1: cant_invite; one of them: refused"


@pytest.mark.parametrize(
    ("status", "words"), [(200, "base_url"), (301, "base_url"), (403, "proxy"), (404, "base_url"), (503, "took effect")]
)
def test_an_answer_that_is_not_slacks_is_told_by_its_status(status, words):
    failure = SLACK.explain(Reply(status, {"content-type": "text/html"}, b"<html>"))
    assert failure.message == f"Slack answered {status}."
    assert words in failure.next_step
