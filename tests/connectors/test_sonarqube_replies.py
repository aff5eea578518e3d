"""What SonarQube answers, read right: numbered pages, the window, errors, and whether it knows the token."""

import json
from datetime import UTC, datetime

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, cursor_of, get

SONARQUBE = CONNECTORS["sonarqube"]


def reply(status, body=b"", /, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(
        status, {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}, raw
    )


def asked(tool_name, /, **arguments):
    tool = SONARQUBE.tools[tool_name]
    return tool.request(tool.arguments.check(arguments))


def paged(tool_name, body, /, **arguments):
    return SONARQUBE.tools[tool_name].page(reply(200, body), asked(tool_name, **arguments))


WEBHOOK = {"key": "w", "name": "ci", "url": "https://ci.example/"}


@pytest.mark.parametrize("path", ["/api/webhooks/list", "/api/webhooks/create", "/api%2Fwebhooks/LIST"])
def test_what_an_older_server_signs_its_deliveries_with_is_not_shown(path):
    answer = SONARQUBE.translate(get(path), reply(200, {"webhooks": [{**WEBHOOK, "secret": "sixteen-characters"}]}))

    assert answer.json() == {"webhooks": [WEBHOOK]}


def test_that_a_webhook_has_a_secret_is_told_and_other_replies_stay():
    told = {"webhooks": [{**WEBHOOK, "hasSecret": True}]}

    assert SONARQUBE.translate(get("/api/webhooks/list"), reply(200, told)).json() == told
    assert SONARQUBE.translate(get("/api/rules/show"), reply(200, {"secret": "x"})) == reply(200, {"secret": "x"})


@pytest.mark.parametrize(
    ("name", "key", "total"),
    [
        ("search_issues", "issues", {"total": 3, "paging": {"pageIndex": 1, "pageSize": 2, "total": 3}}),
        ("search_metrics", "metrics", {"total": 3, "p": 1, "ps": 2}),
        ("search_users", "users", {"page": {"pageIndex": 1, "pageSize": 2, "total": 3}}),
    ],
)
def test_a_page_names_the_next_of_the_same_size(name, key, total):
    page = paged(name, {key: [{"key": "a"}, {"key": "b"}], **total}, limit=2)
    assert page.items == [{"key": "a"}, {"key": "b"}]
    following = asked(name, cursor=page.next_cursor)
    assert list(following.query.values())[-2:] == [2, 2]
    assert following == asked(name, cursor=page.next_cursor, limit=2)
    last = SONARQUBE.tools[name].page(reply(200, {key: [{"key": "c"}], **total}), following)
    assert (last.items, last.next_cursor) == ([{"key": "c"}], None)


def test_what_is_said_beside_the_items_joins_the_result():
    page = paged("search_issues", {"issues": [], "total": 0, "facets": [{"property": "types"}]})
    assert page.rest == {"total": 0, "facets": [{"property": "types"}]}


def test_behind_the_window_there_is_no_page_and_the_result_says_so():
    body = {"issues": [1], "paging": {"total": 12_000}}
    assert paged("search_issues", body, limit=500, cursor=cursor_of(page=19, size=500)).next_cursor is not None
    page = paged("search_issues", body, limit=500, cursor=cursor_of(page=20, size=500))
    assert page.next_cursor is None
    assert page.rest["incomplete"].startswith("SonarQube shows the first 10000 of these 12000")


def test_the_last_page_of_a_complete_list_says_nothing_of_a_window():
    page = paged("search_issues", {"issues": [1], "paging": {"total": 10_000}}, cursor=cursor_of(page=20, size=500))
    assert (page.next_cursor, "incomplete" in page.rest) == (None, False)


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"paging": 1}', b'{"total": "many"}', b'{"paging": {}}'])
def test_a_strange_page_is_the_last(body):
    assert paged("search_issues", body).next_cursor is None


def test_another_size_in_the_middle_of_a_list_is_refused():
    with pytest.raises(Invalid, match="limit: must stay 50"):
        asked("search_issues", cursor=cursor_of(page=2, size=50), limit=51)


@pytest.mark.parametrize(
    "place",
    [
        {"page": 0, "size": 50},
        {"page": 21, "size": 500},
        {"page": 1, "size": 501},
        {"page": -1, "size": 50},
        {"page": "x", "size": 50},
        {"page": 2},
        {"page": 2, "size": 50, "q": "x"},
    ],
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        asked("search_issues", cursor=cursor_of(**place))


def test_lists_have_their_items_under_their_own_names():
    keys = {name: tool.items for name, tool in SONARQUBE.tools.items() if tool.items is not None}
    assert keys == {
        "get_component_tree": "components",
        "get_measures_history": "measures",
        "get_measures_tree": "components",
        "list_analyses": "analyses",
        "list_tasks": "tasks",
        "search_components": "components",
        "search_hotspots": "hotspots",
        "search_issues": "issues",
        "search_metrics": "metrics",
        "search_projects": "components",
        "search_rules": "rules",
        "search_users": "users",
    }


def test_a_user_who_is_logged_in_is_valid_with_the_tokens_end():
    verdict = SONARQUBE.judge(
        reply(
            200,
            {"isLoggedIn": True, "login": "ada", "name": "Ada"},
            sonarqube_authentication_token_expiration="2027-01-01T00:00:00+0100",
        )
    )
    assert verdict.status == "valid"
    assert (verdict.identity.account, verdict.identity.scopes) == ("ada", None)
    assert verdict.identity.expires_at == datetime(2026, 12, 31, 23, tzinfo=UTC)


@pytest.mark.parametrize("header", ["", "never", "2027-01-01", "2027-01-01T00:00:00", "9999-12-31T23:59:59-2300"])
def test_an_end_that_cannot_be_read_is_left_out(header):
    answer = reply(200, {"isLoggedIn": True, "login": "ada"}, sonarqube_authentication_token_expiration=header)
    assert SONARQUBE.judge(answer).identity.expires_at is None


def test_nobody_is_never_valid_and_hears_of_older_servers():
    verdict = SONARQUBE.judge(reply(200, {"isLoggedIn": False, "permissions": {"global": []}}))
    assert (verdict.status, verdict.identity) == ("invalid", None)
    assert "basic" in verdict.reason


@pytest.mark.parametrize(
    "body", [{"valid": True}, {"isLoggedIn": "true", "login": "ada"}, {"isLoggedIn": True}, {"login": "ada"}]
)
def test_an_answer_that_names_nobody_proves_nothing(body):
    assert SONARQUBE.judge(reply(200, body)).status == "unknown"


@pytest.mark.parametrize(
    ("status", "standing"), [(401, "invalid"), (403, "unknown"), (404, "unknown"), (302, "unknown"), (503, "unknown")]
)
def test_a_token_is_called_invalid_only_where_sonarqube_says_so(status, standing):
    verdict = SONARQUBE.judge(reply(status, {"errors": [{"msg": "x"}]}))
    assert (verdict.status, verdict.identity) == (standing, None)


def test_the_errors_are_told_in_both_versions_words():
    first = SONARQUBE.explain(reply(400, {"errors": [{"msg": "The 'key' parameter is missing"}, {"msg": "And more"}]}))
    assert first.message == "SonarQube answered 400 Bad Request: The 'key' parameter is missing; And more"
    second = SONARQUBE.explain(reply(404, {"message": "User not found"}))
    assert second.message == "SonarQube answered 404 Not Found: User not found"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "organization"),
        (401, "POST /api/v1/credentials"),
        (403, "permission"),
        (404, "search_components"),
        (302, "base_url"),
        (500, "whether it took effect"),
        (503, "get_system_status"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in SONARQUBE.explain(reply(status)).next_step


def test_many_errors_are_cut():
    body = {"errors": [{"msg": "m" * 1000}] * 50}
    assert len(SONARQUBE.explain(reply(400, body)).message) < 3200
