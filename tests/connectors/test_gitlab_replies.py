"""What GitLab's replies are taken for: pages, verdicts, and refusals in words."""

import base64
import time
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply

GITLAB = CONNECTORS["gitlab"]


def reply(status, body=None, /, **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, msgspec.json.encode(body))


def listed(name, **arguments):
    tool = GITLAB.tools[name]
    return tool.request(tool.arguments.check({"id": "group/app", **arguments}))


def paged(name, query, **arguments):
    link = f'<https://gitlab.example/api/v4/x?{query}>; rel="next", <https://gitlab.example/x?page=9>; rel="last"'
    return GITLAB.tools[name].page(reply(200, [{"iid": 1}], link=link), listed(name, **arguments))


def test_the_cursor_of_a_page_asks_for_the_next_of_the_same_size():
    page = paged("list_issues", "state=all&per_page=10&page=2", limit=10)
    assert page.items == [{"iid": 1}]
    assert listed("list_issues", cursor=page.next_cursor).query == {"per_page": "10", "page": "2"}
    assert listed("list_issues", cursor=page.next_cursor, limit=10).query == {"per_page": "10", "page": "2"}
    with pytest.raises(Invalid, match="limit: must stay 10"):
        listed("list_issues", cursor=page.next_cursor, limit=11)


def test_the_address_of_the_next_page_is_not_in_the_cursor():
    cursor = paged("list_issues", "per_page=20&page=2").next_cursor
    assert b"gitlab.example" not in base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))


def test_a_tree_goes_on_after_its_last_entry():
    cursor = paged("list_repository_tree", "pagination=keyset&page_token=a1d%2Be8&per_page=20").next_cursor
    assert listed("list_repository_tree", cursor=cursor).query == {
        "pagination": "keyset",
        "per_page": "20",
        "page_token": "a1d+e8",
    }


def test_the_cursor_of_one_kind_of_list_is_refused_by_the_other():
    number = paged("list_issues", "per_page=20&page=2").next_cursor
    entry = paged("list_repository_tree", "page_token=a1de8&per_page=20").next_cursor
    for name, cursor in (("list_repository_tree", number), ("list_issues", entry)):
        with pytest.raises(Invalid, match="cursor"):
            listed(name, cursor=cursor)


@pytest.mark.parametrize(("number", "more"), [("3", True), ("", False), ("0", False), ("x", False), ("9" * 12, False)])
def test_the_next_page_is_known_by_its_number_where_a_proxy_drops_the_link(number, more):
    page = GITLAB.tools["list_issues"].page(reply(200, [], x_next_page=number), listed("list_issues"))
    assert (page.next_cursor is not None) == more
    if more:
        assert listed("list_issues", cursor=page.next_cursor).query == {"per_page": "20", "page": number}


@pytest.mark.parametrize(
    "link", ["", "<>; rel=next", '<https://x/?page=1>; rel="prev"', '<http://[/?page=2>; rel="next"']
)
def test_a_page_without_a_usable_link_is_the_last(link):
    assert GITLAB.tools["list_issues"].page(reply(200, [], link=link), listed("list_issues")).next_cursor is None


@pytest.mark.parametrize(
    "place",
    [
        "per_page=10&page=0",
        "per_page=101&page=2",
        "per_page=10&page=-1",
        "per_page=10&page=2&sudo=root",
        "page=2",
        "per_page=10",
    ],
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        listed("list_issues", cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


PERSONAL = {
    "id": 4,
    "name": "Mesh",
    "revoked": False,
    "scopes": ["read_api", "read_user"],
    "user_id": 3,
    "active": True,
    "expires_at": "2026-12-31",
}


def test_a_personal_token_is_valid_with_its_scopes_and_its_end():
    verdict = GITLAB.judge(reply(200, PERSONAL))
    assert verdict.status == "valid"
    assert (verdict.identity.account, verdict.identity.scopes) == ("user 3", ("read_api", "read_user"))
    assert verdict.identity.expires_at == datetime(2026, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize("day", [None, "", "soon", "2026-13-01", 7])
def test_a_token_without_an_end_is_valid_all_the_same(day):
    verdict = GITLAB.judge(reply(200, {**PERSONAL, "expires_at": day}))
    assert (verdict.status, verdict.identity.expires_at) == ("valid", None)


def test_the_scopes_of_a_fine_grained_token_are_unknown():
    assert GITLAB.judge(reply(200, {**PERSONAL, "scopes": ["granular"]})).identity.scopes is None


@pytest.mark.parametrize("said", [{"revoked": True}, {"active": False}])
def test_a_token_that_is_said_to_be_dead_is_invalid(said):
    assert GITLAB.judge(reply(200, {**PERSONAL, **said})).status == "invalid"


def test_an_oauth_token_is_valid_with_its_scopes_and_its_end():
    said = {"resource_owner_id": 3, "scope": ["api"], "expires_in": 7200, "application": {"uid": "x"}}
    verdict = GITLAB.judge(reply(200, said))
    assert (verdict.status, verdict.identity.account, verdict.identity.scopes) == ("valid", "user 3", ("api",))
    assert abs(verdict.identity.expires_at - datetime.now(UTC) - timedelta(hours=2)) < timedelta(seconds=5)
    assert GITLAB.judge(reply(200, {**said, "expires_in": None})).identity.expires_at is None
    for odd in (-(10**20), 10**20):
        assert GITLAB.judge(reply(200, {**said, "expires_in": odd})).identity.expires_at is not None


def test_a_jobs_token_belongs_to_whom_the_job_runs_for():
    verdict = GITLAB.judge(reply(200, {"id": 8, "status": "running", "user": {"username": "ann"}}))
    assert (verdict.status, verdict.identity.account, verdict.identity.scopes) == ("valid", "ann", None)


@pytest.mark.parametrize(
    ("status", "body", "standing"),
    [
        (401, {"message": "401 Unauthorized"}, "invalid"),
        (401, {"error": "invalid_token", "error_description": "Token was revoked."}, "invalid"),
        (403, {"error": "insufficient_scope", "error_description": "x", "scope": "api read_api"}, "valid"),
        (403, {"error": "insufficient_granular_scope", "error_description": "x"}, "valid"),
        (
            400,
            {"message": "400 Bad request - This endpoint requires token type to be a personal access token"},
            "valid",
        ),
        (400, {"message": "400 Bad request"}, "unknown"),
        (403, {"message": "403 Forbidden - Your account has been blocked"}, "unknown"),
        (404, {"message": "404 Not Found"}, "unknown"),
        (429, "Retry later", "unknown"),
        (500, None, "unknown"),
        (200, {"id": 1, "username": "ann"}, "unknown"),
        (200, {"user_id": "3", "scopes": ["api"]}, "unknown"),
        (200, {"user_id": 3, "scopes": [1]}, "unknown"),
    ],
)
def test_a_token_is_called_invalid_only_when_gitlab_says_so(status, body, standing):
    verdict = GITLAB.judge(reply(status, body))
    assert (verdict.status, verdict.identity) == (standing, None)


@pytest.mark.parametrize(
    ("token", "header", "path"),
    [
        ("glpat-" + "x" * 20, {"private-token": "glpat-" + "x" * 20}, "/api/v4/personal_access_tokens/self"),
        ("x" * 20, {"private-token": "x" * 20}, "/api/v4/personal_access_tokens/self"),
        ("acme-" + "a1" * 30, {"private-token": "acme-" + "a1" * 30}, "/api/v4/personal_access_tokens/self"),
        ("a1" * 32, {"authorization": "Bearer " + "a1" * 32}, "/oauth/token/info"),
        ("glcbt-64_x", {"job-token": "glcbt-64_x"}, "/api/v4/job"),
    ],
)
def test_each_kind_of_token_goes_into_its_own_header_and_is_proven_by_its_own_route(token, header, path):
    request, base_url, headers = GITLAB.outgoing(GITLAB.probing({"token": token}), {"token": token}, None)
    assert (request.path, base_url, headers) == (path, "https://gitlab.com", header)


def test_gitlab_of_ones_own_may_stand_below_a_prefix():
    assert GITLAB.outgoing(GITLAB.tools["list_groups"].build(), {"token": "x"}, "https://code.example/git")[1:] == (
        "https://code.example/git",
        {"private-token": "x"},
    )


def test_what_a_token_must_be_allowed_is_told_and_holds_for_broader_scopes():
    assert {tool.needs for tool in GITLAB.tools.values() if tool.read_only} == {
        ("read_api", "api"),
        ("read_user", "read_api", "api"),
        ("read_repository", "read_api", "api"),
        ("api",),  # the check of a CI configuration, which is a POST
    }
    writes = [tool for name, tool in GITLAB.tools.items() if not tool.read_only and name != "call_api"]
    assert {tool.needs for tool in writes} == {("api",)}


def explained(status, body=None, /, **headers):
    return GITLAB.explain(reply(status, body, **headers))


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"message": "404 Project Not Found"}, "404 Project Not Found"),
        ({"message": {"title": ["can't be blank", "is too short"]}}, "title can't be blank; title is too short"),
        ({"message": {"base": "no"}}, "base no"),
        ({"message": ["Another open merge request exists"]}, "Another open merge request exists"),
        ({"error": "title is missing, ref is empty"}, "title is missing, ref is empty"),
        (
            {"error": "invalid_request", "error_description": "The request is malformed"},
            "invalid_request; The request is malformed",
        ),
    ],
)
def test_each_shape_of_an_error_is_put_into_words(body, words):
    assert explained(400, body).message == f"GitLab answered 400 Bad Request: {words}"


def test_a_missing_scope_names_those_that_would_do():
    failure = explained(403, {"error": "insufficient_scope", "error_description": "x", "scope": "api"})
    assert "needs one of api" in failure.next_step
    assert "role" in explained(403, {"message": "403 Forbidden"}).next_step


def test_a_limit_tells_how_long_to_wait():
    reset = str(int(time.time()) + 120)
    assert explained(429, "Retry later", retry_after="31", ratelimit_reset=reset).retry_after == 31
    assert 119 <= explained(429, "Retry later", ratelimit_reset=reset).retry_after <= 121
    assert explained(429, "Retry later", ratelimit_reset="soon").retry_after == 60
    assert explained(429, "Retry later", ratelimit_reset="1").retry_after == 1


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "present path"),
        (401, "may not do this"),
        (404, "may not see"),
        (405, "present state"),
        (409, "present sha"),
        (412, "read it again"),
        (422, "cannot do it"),
        (500, "whether it took effect"),
        (502, "whether it took effect"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in explained(status, {"message": "x"}).next_step
