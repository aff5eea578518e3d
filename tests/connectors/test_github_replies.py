"""What GitHub's replies are taken for: pages, verdicts, and refusals in words."""

import base64
import json
import time
from datetime import UTC, datetime

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, get

GITHUB = CONNECTORS["github"]


def reply(status, body=None, /, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, msgspec.json.encode(body))


def listed(name, **arguments):
    tool = GITHUB.tools[name]
    return tool.request(tool.arguments.check({"owner": "o", "repo": "r", **arguments}))


def paged(query, last=7):
    base = "https://api.github.com/repositories/1/issues"
    link = f'<{base}?{query}>; rel="next", <{base}?per_page=10&page={last}>; rel="last"'
    return reply(200, [{"number": 1}], link=link)


def test_the_first_page_states_its_size():
    assert listed("list_issues").query == {"per_page": "30"}
    assert listed("list_issues", limit=5).query == {"per_page": "5"}


def test_the_cursor_of_a_page_asks_for_the_next_of_the_same_size():
    page = GITHUB.paging.read(paged("state=all&per_page=10&page=2"), "", None)
    assert page.items == [{"number": 1}]
    assert "http" not in page.next_cursor
    assert listed("list_issues", cursor=page.next_cursor).query == {"per_page": "10", "page": "2"}
    assert listed("list_issues", cursor=page.next_cursor, limit=10).query == {"per_page": "10", "page": "2"}


def test_another_size_in_the_middle_of_a_list_is_refused():
    cursor = GITHUB.paging.read(paged("per_page=10&page=2"), "", None).next_cursor
    with pytest.raises(Invalid, match="limit: must stay 10"):
        listed("list_issues", cursor=cursor, limit=11)


def test_a_list_that_goes_on_after_an_item_is_followed_too():
    cursor = GITHUB.paging.read(paged("per_page=10&after=Y3Vyc29yOnYyOpK5%3D%3D&before="), "", None).next_cursor
    assert listed("list_dependabot_alerts", cursor=cursor).query == {"per_page": "10", "after": "Y3Vyc29yOnYyOpK5=="}


@pytest.mark.parametrize(
    "link",
    [
        "",
        "<>; rel=next",
        '<https://x/?page=1>; rel="prev"',
        '<https://x/>; rel="next"',
        "<" * 9999,
        ", " * 9999,
        '<http://[/?page=2>; rel="next"',
    ],
)
def test_a_page_without_a_usable_link_is_the_last(link):
    assert GITHUB.paging.read(reply(200, [], link=link), "", None).next_cursor is None


def test_a_cursor_changed_by_one_letter_is_refused():
    cursor = GITHUB.paging.read(paged("per_page=10&page=2"), "", None).next_cursor
    for place in range(len(cursor)):
        changed = f"{cursor[:place]}{'A' if cursor[place] != 'A' else 'B'}{cursor[place + 1 :]}"
        try:
            query = listed("list_issues", cursor=changed).query
        except Invalid:
            continue
        assert set(query) <= {"per_page", "page", "after"}


@pytest.mark.parametrize(
    "place",
    [
        "per_page=10&page=2&page=3",
        "per_page=10&page=2&state=all",
        "per_page=10&page=0",
        "per_page=101&page=2",
        "per_page=10&page=-1",
        "per_page=10&after=",
        "per_page=10&page=2&after=x",
        "page=2",
        "per_page=10",
    ],
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        listed("list_issues", cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


def test_a_search_gives_its_hits_and_how_many_there_are():
    page = GITHUB.paging.read(
        reply(200, {"total_count": 2, "incomplete_results": False, "items": [1, 2]}), "items", None
    )
    assert (page.items, page.next_cursor) == ([1, 2], None)
    assert page.rest == {"total_count": 2, "incomplete_results": False}


def test_actions_lists_have_their_items_under_their_own_names():
    keys = {name: tool.items for name, tool in GITHUB.tools.items() if tool.items}
    assert keys == {
        "compare_commits": "commits",
        "list_workflow_jobs": "jobs",
        "list_workflow_runs": "workflow_runs",
        "list_workflows": "workflows",
        "search_code": "items",
        "search_issues": "items",
        "search_repositories": "items",
        "search_users": "items",
    }


def test_notifications_come_fifty_at_most():
    with pytest.raises(Invalid, match="limit"):
        GITHUB.tools["list_notifications"].arguments.check({"limit": 51})


def test_a_classic_token_is_valid_with_its_scopes_and_its_end():
    verdict = GITHUB.judge(
        reply(
            200,
            {"login": "octocat", "id": 1},
            x_oauth_scopes="repo, read:org",
            github_authentication_token_expiration="2026-12-31 23:59:59 UTC",
        )
    )
    assert verdict.status == "valid"
    assert (verdict.identity.account, verdict.identity.scopes) == ("octocat", ("repo", "read:org"))
    assert verdict.identity.expires_at == datetime(2026, 12, 31, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "end"),
    [
        ("2026-12-31 23:59:59 +0200", datetime(2026, 12, 31, 21, 59, 59, tzinfo=UTC)),
        ("9999-12-31 23:59:59 -1200", None),
        ("never", None),
        ("", None),
    ],
)
def test_the_end_of_a_token_is_read_in_both_forms(header, end):
    verdict = GITHUB.judge(reply(200, {"login": "o"}, github_authentication_token_expiration=header))
    assert verdict.identity.expires_at == end


def test_a_fine_grained_token_has_unknown_scopes_and_a_bare_classic_one_none():
    assert GITHUB.judge(reply(200, {"login": "o"})).identity.scopes is None
    assert GITHUB.judge(reply(200, {"login": "o"}, x_oauth_scopes="")).identity.scopes == ()


@pytest.mark.parametrize(
    ("status", "message", "headers", "standing"),
    [
        (401, "Bad credentials", {}, "invalid"),
        (403, "Resource protected by organization SAML enforcement.", {"x_github_sso": "required; url=x"}, "valid"),
        (403, "Resource not accessible by integration", {}, "valid"),
        (403, "Resource not accessible by personal access token", {}, "valid"),
        (403, "API rate limit exceeded for user ID 1.", {"x_ratelimit_remaining": "0"}, "unknown"),
        (403, "You have exceeded a secondary rate limit", {"retry_after": "60"}, "unknown"),
        (403, "Sorry. Your account was suspended", {}, "unknown"),
        (429, "Too many requests", {}, "unknown"),
        (404, "Not Found", {}, "unknown"),
        (500, "Server Error", {}, "unknown"),
        (503, "Unavailable", {}, "unknown"),
    ],
)
def test_a_token_is_called_invalid_only_when_github_says_so(status, message, headers, standing):
    verdict = GITHUB.judge(reply(status, {"message": message}, **headers))
    assert (verdict.status, verdict.identity) == (standing, None)


def test_a_limit_is_told_from_a_refusal():
    limited = GITHUB.judge(reply(403, {"message": "API rate limit exceeded"}, x_ratelimit_remaining="0"))
    refused = GITHUB.judge(reply(403, {"message": "Sorry. Your account was suspended"}, x_ratelimit_remaining="4999"))
    assert ["rate limit" in verdict.reason for verdict in (limited, refused)] == [True, False]


def explained(status, body=None, /, **headers):
    return GITHUB.explain(reply(status, body, **headers))


def test_bad_credentials_lead_to_a_new_token():
    failure = explained(401, {"message": "Bad credentials", "documentation_url": "https://docs.github.com/rest"})
    assert failure.message == "GitHub answered 401 Unauthorized: Bad credentials"
    assert "POST /api/v1/credentials" in failure.next_step


def test_an_exhausted_hour_tells_how_long_to_wait():
    reset = str(int(time.time()) + 120)
    failure = explained(403, {"message": "API rate limit exceeded"}, x_ratelimit_remaining="0", x_ratelimit_reset=reset)
    assert 120 <= failure.retry_after <= 122
    assert "Call again after 12" in failure.next_step


def test_a_secondary_limit_asks_for_its_own_time_or_a_minute():
    message = {"message": "You have exceeded a secondary rate limit. Please wait."}
    assert explained(403, message, retry_after="31", x_ratelimit_remaining="0", x_ratelimit_reset="1").retry_after == 31
    assert explained(403, message).retry_after == 60
    assert explained(429, message, x_ratelimit_remaining="17").retry_after == 60


def test_a_window_that_has_just_ended_asks_for_a_moment():
    assert 0 < explained(429, None, x_ratelimit_remaining="0", x_ratelimit_reset="1").retry_after <= 1


def test_a_forbidden_call_tells_which_right_is_missing():
    fine = explained(403, {"message": "Resource not accessible"}, x_accepted_github_permissions="issues=write")
    classic = explained(404, {"message": "Not Found"}, x_accepted_oauth_scopes="repo", x_oauth_scopes="gist")
    assert "issues=write" in fine.next_step
    assert "one of the scopes repo, and holds gist" in classic.next_step
    assert fine.retry_after is None


def test_single_sign_on_is_told_without_the_address_of_the_request():
    sso = "required; url=https://github.com/orgs/o/sso?authorization_request=ABC"
    failure = explained(403, {"message": "Resource protected by organization SAML enforcement."}, x_github_sso=sso)
    assert "Configure SSO" in failure.next_step
    assert "ABC" not in f"{failure}"


def test_a_missing_thing_may_be_a_missing_right():
    step = explained(404, {"message": "Not Found"}).next_step
    assert step.index("Check owner, repo and the number") < step.index("scope repo")


@pytest.mark.parametrize(
    "header", [{}, {"x_accepted_oauth_scopes": "repo"}, {"x_accepted_github_permissions": "issues=read"}]
)
def test_a_missing_thing_sends_nobody_for_another_token(header):
    assert "POST /api/v1/credentials" not in explained(404, {"message": "Not Found"}, **header).next_step
    assert "POST /api/v1/credentials" in explained(403, {"message": "Forbidden"}, **header).next_step


def test_wrong_fields_are_listed_one_by_one():
    errors = [
        {"resource": "Issue", "field": "title", "code": "missing_field"},
        {"resource": "Label", "field": "name", "code": "already_exists"},
        {"resource": "PullRequest", "code": "custom", "message": "No commits between main and x"},
        "Something else",
    ]
    failure = explained(422, {"message": "Validation Failed", "errors": errors})
    assert failure.message.endswith(
        ": Validation Failed - title is required; name exists already; No commits between main and x; Something else"
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "moved"),
        (405, "present state"),
        (409, "present sha"),
        (410, "do not repeat"),
        (451, "legal"),
        (500, "whether it took effect"),
        (502, "whether it took effect"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in explained(status, {"message": "x"}).next_step


def test_a_success_is_no_refusal_and_an_unfollowed_redirect_is_one():
    assert [GITHUB.failed(reply(status)) for status in (200, 201, 202, 204)] == [False] * 4
    assert [GITHUB.failed(reply(status)) for status in (301, 307, 404, 500)] == [True] * 4


@pytest.mark.parametrize("name", ["temp_clone_token", "temp_download_token"])
def test_no_token_that_lasts_minutes_is_shown_among_other_things(name):
    told = {"id": 1, name: "AABBCC", "parent": {name: "DDEEFF"}, "note": f'"{name}": "kept"'}
    for body in (msgspec.json.encode(told), json.dumps(told, indent=1).encode()):
        asked = Reply(200, {"content-type": "application/json"}, body)
        shown = GITHUB.translate(get("/repos/o/r"), asked).json()
        assert shown == {"id": 1, name: None, "parent": {name: None}, "note": f'"{name}": "kept"'}


def test_a_reply_without_such_a_token_is_left_as_it_is():
    body = b'{"temp_clone_token": "x"}'
    for told in (Reply(200, {"content-type": "text/plain"}, body), reply(200, {"id": 1})):
        assert GITHUB.translate(get("/repos/o/r"), told) is told
