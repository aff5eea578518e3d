"""What Bitbucket's replies are taken for: pages, verdicts, and refusals in words."""

import base64

import msgspec
import pytest

from devmesh.connectors import CONNECTORS
from devmesh.credentials.fields import how_to_connect
from devmesh.errors import Invalid
from devmesh.gateway.shape import shape
from devmesh.upstream.model import Reply

BITBUCKET = CONNECTORS["bitbucket"]
REPOSITORY = {"workspace": "my-team", "repo_slug": "hello-world"}
LACKS = {
    "type": "error",
    "error": {
        "message": "Your credentials lack one or more required privilege scopes.",
        "detail": {"granted": ["repository"], "required": ["account"]},
    },
}


def reply(status, body=None, /, host="api.bitbucket.org", **headers):
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status, {"content-type": "application/json", **names}, msgspec.json.encode(body), host)


def listed(name="list_commits", **arguments):
    tool = BITBUCKET.tools[name]
    return tool.request(tool.arguments.check({**REPOSITORY, **arguments}))


def paged(query, name="list_commits", origin="https://api.bitbucket.org", **arguments):
    body = {"values": [1], "size": 5421, "page": 1, "pagelen": 10, "next": f"{origin}/2.0/x?{query}", "previous": "y"}
    return BITBUCKET.tools[name].page(reply(200, body), listed(name, **arguments))


@pytest.mark.parametrize(
    ("query", "place"),
    [
        ("page=2", {"page": "2"}),
        ("pagelen=10&page=2&q=name", {"pagelen": "10", "page": "2"}),
        ("ctx=0a1b%2B%3D&page=2", {"ctx": "0a1b+=", "page": "2"}),
        ("after=2011-09-03T12%3A33%3A16.028393%2B00%3A00", {"after": "2011-09-03T12:33:16.028393+00:00"}),
        ("page=hL1rJW5l-_=", {"page": "hL1rJW5l-_="}),
    ],
)
def test_the_cursor_of_a_page_asks_for_the_next(query, place):
    page = paged(query)
    assert (page.items, page.rest) == ([1], {"size": 5421})
    assert listed(cursor=page.next_cursor).query == place


def test_the_size_that_was_asked_for_goes_on_where_the_next_address_does_not_say_it():
    cursor = paged("page=2", limit=30).next_cursor
    assert listed(cursor=cursor).query == listed(cursor=cursor, limit=30).query == {"page": "2", "pagelen": "30"}
    with pytest.raises(Invalid, match="limit: must stay 30"):
        listed(cursor=cursor, limit=31)
    with pytest.raises(Invalid, match="limit: must stay left out"):
        listed(cursor=paged("page=2").next_cursor, limit=31)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "http://169.254.169.254", "https://x@evil.example", "file://"]
)
def test_wherever_the_next_page_is_said_to_be_only_its_place_is_kept(origin):
    cursor = paged("page=2&access_token=x&fields=secret", origin=origin).next_cursor
    held = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert held == b"page=2"
    assert listed(cursor=cursor).path == listed().path


@pytest.mark.parametrize(
    "following", [None, 7, "", "x", "http://[/?page=2", "https://x/?q=1", "https://x/?page=" + "9" * 1001]
)
def test_a_page_without_a_usable_next_is_the_last(following):
    page = BITBUCKET.tools["list_commits"].page(reply(200, {"values": [], "next": following}), listed())
    assert page.next_cursor is None


def counted(number, size, total, values=(1,), **arguments):
    body = {"values": list(values), "page": number, "pagelen": size, "size": total}
    return BITBUCKET.tools["list_pipelines"].page(reply(200, body), listed("list_pipelines", **arguments))


def test_pipelines_go_on_by_number_since_bitbucket_names_no_next_page():
    first = counted(1, 10, 21)
    assert listed("list_pipelines", cursor=first.next_cursor).query == {"page": "2", "pagelen": "10"}
    second = counted(2, 10, 21, cursor=first.next_cursor)
    assert listed("list_pipelines", cursor=second.next_cursor, limit=10).query == {"page": "3", "pagelen": "10"}
    assert counted(3, 10, 21, cursor=second.next_cursor).next_cursor is None


def test_the_size_of_a_page_of_pipelines_is_the_one_that_was_asked_for():
    # On the last page Bitbucket may tell how many there are on it.
    assert counted(3, 1, 21, limit=10).next_cursor is None
    assert listed("list_pipelines", cursor=counted(1, 7, 21, limit=10).next_cursor).query["pagelen"] == "10"


@pytest.mark.parametrize(
    ("number", "size", "total", "values"),
    [(1, 10, 10, [1]), (2, 10, 21, []), (None, 10, 21, [1]), (1, None, 21, [1]), (1, 10, "21", [1]), (-1, 10, 21, [1])],
)
def test_pipelines_end_with_the_last_page_or_where_bitbucket_does_not_count(number, size, total, values):
    assert counted(number, size, total, values).next_cursor is None


def test_a_next_page_that_bitbucket_names_goes_before_its_number():
    page = paged("page=abc", "list_pipelines")
    assert listed("list_pipelines", cursor=page.next_cursor).query == {"page": "abc"}


@pytest.mark.parametrize(
    "place", ["page=2&q=x", "pagelen=10", "page=2&pagelen=101", "page=2&pagelen=0", "page=", "https://x"]
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(place):
    with pytest.raises(Invalid, match="cursor"):
        listed(cursor=base64.urlsafe_b64encode(place.encode()).decode().rstrip("="))


def test_a_directory_is_a_page_and_a_file_is_not():
    tool = BITBUCKET.tools["get_file_contents"]
    request = listed("get_file_contents", commit="main", path="src")
    assert tool.page(reply(200, {"values": [{"path": "src/a"}], "pagelen": 10}), request).items == [{"path": "src/a"}]
    assert tool.page(reply(200, {"name": "package", "dependencies": {}}), request) is None
    assert tool.page(Reply(200, {"content-type": "text/plain"}, b"print()"), request) is None


def test_a_file_reaches_the_agent_as_it_is():
    tool = BITBUCKET.tools["get_file_contents"]
    checked = tool.arguments.check({**REPOSITORY, "commit": "main", "path": "a.py"})
    found = Reply(200, {"content-type": "text/plain"}, "print('ü')\n".encode())
    result = shape(tool, checked, tool.request(checked), found, {}, reads=True)
    assert (result.text, result.is_error) == ("print('ü')\n", False)


def test_pull_requests_come_fifty_at_most():
    with pytest.raises(Invalid, match="limit"):
        listed("list_pull_requests", limit=51)


def test_a_person_is_known_with_the_scopes_that_the_reply_names():
    user = {"uuid": "{x}", "account_id": "557058:x", "nickname": "ann", "display_name": "Ann"}
    verdict = BITBUCKET.judge(reply(200, user, x_oauth_scopes="read:user:bitbucket, read:repository:bitbucket"))
    assert (verdict.status, verdict.identity.account) == ("valid", "ann")
    assert verdict.identity.scopes == ("read:user:bitbucket", "read:repository:bitbucket")
    assert BITBUCKET.judge(reply(200, user)).identity.scopes is None


def test_a_token_that_belongs_to_nobody_is_valid_with_the_scopes_that_the_error_names():
    verdict = BITBUCKET.judge(reply(403, LACKS))
    assert (verdict.status, verdict.identity.scopes) == ("valid", ("repository",))
    assert "takes the scope account" in verdict.reason


@pytest.mark.parametrize(
    ("status", "body", "standing"),
    [
        (401, None, "invalid"),
        (401, {"type": "error", "error": {"message": "Access token expired."}}, "invalid"),
        (403, {"type": "error", "error": {"message": "Forbidden"}}, "unknown"),
        (404, None, "unknown"),
        (410, None, "unknown"),
        (429, None, "unknown"),
        (500, None, "unknown"),
        (200, {"uuid": "{x}"}, "unknown"),
        (200, {"username": "ann"}, "unknown"),
        (200, {"username": "ann", "uuid": 7}, "unknown"),
    ],
)
def test_a_credential_is_called_invalid_only_when_bitbucket_says_so(status, body, standing):
    verdict = BITBUCKET.judge(reply(status, body))
    assert (verdict.status, verdict.identity) == (standing, None)


def test_a_refused_app_password_is_told_that_there_are_none_any_more_and_what_to_make_instead():
    reason = BITBUCKET.judge(reply(401)).reason
    for words in ("removed on 2026-07-28", "API token", "id.atlassian.com", "`email`", "`api_token`"):
        assert words in reason


@pytest.mark.parametrize("host", ["bitbucket.example.com", "evilbitbucket.org", ""])
def test_only_bitbuckets_own_servers_have_ended_app_passwords(host):
    assert "2026" not in BITBUCKET.judge(reply(401, host=host)).reason


ELSEWHERE = "git.example.com"
WRONG_PASSWORD = {
    "errors": [
        {
            "context": None,
            "message": "Authentication failed. Please check your credentials and try again.",
            "exceptionName": "com.atlassian.bitbucket.auth.IncorrectPasswordAuthenticationException",
        }
    ]
}


@pytest.mark.parametrize(
    "found",
    [
        reply(401, WRONG_PASSWORD, host=ELSEWHERE),
        reply(404, None, host=ELSEWHERE, x_arequestid="@1ABCDEFx100x1x0"),
        Reply(302, {"location": "https://git.example.com/login", "x-arequestid": "*1"}, b"", ELSEWHERE),
        Reply(404, {"content-type": "text/html"}, b"<title>Oops, you've found a dead link</title>", ELSEWHERE),
        Reply(200, {"content-type": "text/html"}, b"<title>Log in - Bitbucket</title>", ELSEWHERE),
    ],
)
def test_data_center_is_told_to_be_another_product_and_no_credential_of_it_is_called_invalid(found):
    verdict = BITBUCKET.judge(found)
    assert verdict.status == "unknown"
    assert "Bitbucket Data Center (Server) is not supported" in verdict.reason


def test_a_call_that_reached_data_center_says_so():
    step = BITBUCKET.explain(reply(404, None, host=ELSEWHERE, x_arequestid="@1")).next_step
    assert "Bitbucket Data Center (Server) is not supported" in step


def test_bitbucket_cloud_is_never_taken_for_data_center():
    for found in (reply(401, WRONG_PASSWORD), reply(404, None, x_arequestid="@1"), reply(200, {})):
        assert "Data Center" not in f"{BITBUCKET.judge(found)}{BITBUCKET.explain(found)}"


@pytest.mark.parametrize("base_url", ["https://git.example.com/rest/api/1.0", "https://git.example.com/ctx/rest"])
def test_the_address_of_data_centers_api_is_not_stored(base_url):
    (fault,) = BITBUCKET.faults({"token": "x", "base_url": base_url})
    assert (fault.field, "Data Center" in fault.message) == ("base_url", True)
    for other in ("https://rest.example", "https://proxy.example/restricted"):
        assert list(BITBUCKET.faults({"token": "x", "base_url": other})) == []


def basic(pair):
    return {"authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize(
    ("fields", "header"),
    [
        ({"username": "ann", "app_password": "s3:cret"}, basic("ann:s3:cret")),
        ({"email": "ann@example.com", "api_token": "ATATTü"}, basic("ann@example.com:ATATTü")),
        ({"token": "ATCTT"}, {"authorization": "Bearer ATCTT"}),
    ],
)
def test_each_form_of_a_credential_goes_into_its_own_header(fields, header):
    assert tuple(fields) in BITBUCKET.forms
    assert BITBUCKET.outgoing(BITBUCKET.probing(fields), fields, None)[1:] == ("https://api.bitbucket.org", header)


def test_what_is_offered_first_is_not_the_form_that_ended():
    assert BITBUCKET.forms[0] == ("email", "api_token")
    assert BITBUCKET.forms[-1] == ("username", "app_password")
    told = how_to_connect(BITBUCKET, passthrough=True)
    assert "X-Service-Bitbucket-Email, X-Service-Bitbucket-Api-Token" in told
    assert told.index("email and api_token") < told.index("username and app_password")


@pytest.mark.parametrize(
    ("granted", "needed", "enough"),
    [
        ({"repository:write"}, "repository", True),
        ({"pullrequest:write"}, "repository", True),
        ({"pullrequest"}, "repository:write", False),
        ({"repository:admin"}, "repository", False),
        ({"repository"}, "pullrequest", False),
        ({"write:repository:bitbucket"}, "read:repository:bitbucket", False),
        ({"read:repository:bitbucket"}, "read:repository:bitbucket", True),
        (set(), "repository", False),
    ],
)
def test_a_scope_holds_for_those_that_bitbucket_says_it_implies(granted, needed, enough):
    assert BITBUCKET.implies(granted, needed) == enough


def test_each_tool_names_a_scope_of_access_tokens_and_one_of_api_tokens():
    for name, tool in BITBUCKET.tools.items():
        if name not in ("call_api", "get_workspace"):
            assert [scope.endswith(":bitbucket") for scope in tool.needs] == [False, True], name


def explained(status, body=None, /, **headers):
    return BITBUCKET.explain(reply(status, body, **headers))


def test_an_error_is_told_with_its_detail_and_its_fields():
    error = {
        "message": "Bad request",
        "detail": "Look below",
        "fields": {"title": ["is required"], "src": "unknown", "x": [1]},
    }
    assert explained(400, {"type": "error", "error": error}).message == (
        "Bitbucket answered 400 Bad Request: Bad request; Look below; title: is required; src: unknown; x is not valid"
    )


def test_a_missing_scope_is_told_with_those_that_are_held():
    step = explained(403, LACKS).next_step
    assert "it needs account (it holds: repository)" in step
    assert "POST /api/v1/credentials" in step


def test_a_limit_asks_for_its_own_time_or_a_minute():
    assert explained(429, None, retry_after="31").retry_after == 31
    assert explained(429).retry_after == 60


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (301, "moved"),
        (401, "app passwords ended"),
        (403, "lacks the permission"),
        (404, "may not see"),
        (409, "read it again"),
        (410, "do not repeat"),
        (500, "whether it took effect"),
        (555, "too long"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in explained(status, {"error": {"message": "x"}}).next_step
