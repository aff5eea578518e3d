"""What Artifactory answers, read right: three ways to page, errors, and what a token or a key proves."""

import json
from datetime import UTC, datetime

import pytest

from devmesh.connectors import CONNECTORS
from devmesh.errors import Invalid
from devmesh.upstream.model import Reply, cursor_of, get

ARTIFACTORY = CONNECTORS["artifactory"]


def reply(status, body=b"", /, **headers):
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Reply(
        status, {"content-type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}, raw
    )


def asked(tool_name, /, **arguments):
    tool = ARTIFACTORY.tools[tool_name]
    return tool.request(tool.arguments.check(arguments))


def paged(tool_name, body, /, **arguments):
    return ARTIFACTORY.tools[tool_name].page(reply(200, body), asked(tool_name, **arguments))


def shown(request, body, /, **headers):
    return ARTIFACTORY.translate(request, reply(200, body, **headers))


CONFIGURATION = {"key": "npm-remote", "rclass": "remote", "username": "ci", "password": "plain-text"}
KIND = "application/vnd.org.jfrog.artifactory.repositories.RemoteRepositoryConfiguration+json"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/artifactory/api/repositories/npm-remote", CONFIGURATION),
        ("/artifactory/API/Repositories;x/npm-remote", CONFIGURATION),
        ("/artifactory/api%2Frepositories/npm-remote", CONFIGURATION),
        ("/artifactory/api/repositories/configurations", {"REMOTE": [CONFIGURATION]}),
        ("/artifactory/api/replications/npm-local", [CONFIGURATION]),
    ],
)
def test_what_a_repository_logs_in_with_elsewhere_is_not_shown(path, body):
    answer = shown(get(path), body, content_type=KIND)

    assert b"plain-text" not in answer.body
    assert b'"username":"ci"' in answer.body, "what is left is as it was"


@pytest.mark.parametrize("path", ["/artifactory/npm-local/api/repositories/x.json", "/artifactory/api/storage/npm/x"])
def test_a_file_that_names_a_password_is_returned_as_it_is(path):
    assert shown(get(path), CONFIGURATION) == reply(200, CONFIGURATION)


def test_a_full_page_of_a_query_has_another_behind_it():
    query = "items.find()"
    rows = {"results": [{"name": "a"}, {"name": "b"}], "range": {"start_pos": 0, "end_pos": 2, "total": 2, "limit": 2}}
    page = paged("search_aql", rows, query=query, limit=2)
    assert page.items == [{"name": "a"}, {"name": "b"}]
    assert page.rest["range"]["total"] == 2
    following = asked("search_aql", query=query, limit=2, cursor=page.next_cursor)
    assert following.content == b"items.find().offset(2).limit(2)"
    last = ARTIFACTORY.tools["search_aql"].page(reply(200, {"results": [{"name": "c"}]}), following)
    assert last.next_cursor is None


def test_users_are_followed_by_the_platforms_own_cursor():
    page = paged("list_users", {"users": [{"username": "ada"}], "cursor": "ada"}, username="a", limit=1)
    assert (page.items, page.rest) == ([{"username": "ada"}], {})
    assert asked("list_users", username="a", cursor=page.next_cursor).query["cursor"] == "ada"


@pytest.mark.parametrize(
    "body",
    [{"users": [{}]}, {"users": [], "cursor": "x"}, {"users": [{}], "cursor": ""}, {"users": [{}], "cursor": 7}, []],
)
def test_a_page_without_a_cursor_or_without_users_is_the_last(body):
    assert paged("list_users", body).next_cursor is None


def test_a_registry_goes_on_behind_the_last_name_of_a_full_page():
    page = paged("list_docker_tags", {"name": "app", "tags": ["1.0", "1.1"]}, repo_key="d", image="app", limit=2)
    assert (page.items, page.rest) == (["1.0", "1.1"], {"name": "app"})
    following = asked("list_docker_tags", repo_key="d", image="app", limit=2, cursor=page.next_cursor)
    assert following.query == {"n": 2, "last": "1.1"}
    short = paged("list_docker_tags", {"tags": ["1.2"]}, repo_key="d", image="app", limit=2)
    assert short.next_cursor is None


@pytest.mark.parametrize("body", [b"", b"{", b"null", b"[]", b'{"tags": null}', b'{"tags": [1, 2]}', b'{"results": 7}'])
def test_a_strange_page_is_the_last(body):
    for name, arguments in (
        ("search_aql", {"query": "items.find()"}),
        ("list_groups", {}),
        ("list_docker_tags", {"repo_key": "d", "image": "app", "limit": 2}),
    ):
        assert paged(name, body, **arguments).next_cursor is None


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("search_aql", {"offset": 0}),
        ("search_aql", {"offset": "5).delete("}),
        ("search_aql", {"offset": -1}),
        ("search_aql", {"after": "x"}),
        ("list_users", {"after": "a\nb"}),
        ("list_users", {"after": "x" * 501}),
        ("list_users", {"offset": 7}),
        ("list_docker_tags", {"after": "é"}),
    ],
)
def test_a_cursor_made_by_hand_holds_only_what_a_page_can_have_given(name, place):
    needed = {"search_aql": {"query": "items.find()"}, "list_docker_tags": {"repo_key": "d", "image": "app"}}
    with pytest.raises(Invalid, match="cursor"):
        asked(name, cursor=cursor_of(**place), **needed.get(name, {}))


TOLD = {
    "token_id": "7f1e",
    "subject": "jfac@01c5dzbk5zpvqx1mzz3a2p0k8r/users/ada",
    "scope": "applied-permissions/user system:identities:r",
    "expiry": 1798761600,
    "issued_at": 1767225600,
}


def test_a_token_tells_whose_it_is_what_it_may_and_when_it_ends():
    verdict = ARTIFACTORY.judge(reply(200, TOLD))
    assert verdict.status == "valid"
    assert verdict.identity.account == "ada"
    assert verdict.identity.scopes == ("applied-permissions/user", "system:identities:r")
    assert verdict.identity.expires_at == datetime(2027, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("expiry", [0, -1, "soon", None, 10**30, 1.5])
def test_a_token_without_an_end_has_none(expiry):
    verdict = ARTIFACTORY.judge(reply(200, {**TOLD, "expiry": expiry, "scope": 7, "subject": "service"}))
    assert (verdict.identity.account, verdict.identity.scopes, verdict.identity.expires_at) == ("service", None, None)


def test_a_key_is_valid_with_nobodys_name_and_a_word_on_its_end():
    verdict = ARTIFACTORY.judge(reply(200, {"version": "7.98.8", "revision": "79808900", "addons": []}))
    assert (verdict.status, verdict.identity) == ("valid", None)
    assert "2024" in verdict.reason


@pytest.mark.parametrize(
    "body",
    [b"OK", {"version": "7"}, {"subject": "x"}, {"token_id": "x"}, {"subject": 7, "token_id": "x"}, {"status": "UP"}],
)
def test_an_answer_that_anybody_gets_proves_nothing(body):
    assert ARTIFACTORY.judge(reply(200, body)).status == "unknown"


@pytest.mark.parametrize(
    ("status", "standing", "words"),
    [
        (401, "invalid", "identity token"),
        (403, "unknown", "without saying"),
        (404, "unknown", "without /artifactory"),
        (302, "unknown", "base_url"),
        (429, "unknown", "later"),
        (503, "unknown", "later"),
    ],
)
def test_a_credential_is_called_invalid_only_where_artifactory_says_so(status, standing, words):
    verdict = ARTIFACTORY.judge(reply(status, {"errors": [{"status": status, "message": "Bad credentials"}]}))
    assert (verdict.status, verdict.identity) == (standing, None)
    assert words in verdict.reason


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"errors": [{"status": 404, "message": "Unable to find item"}]}, "Unable to find item"),
        (
            {"errors": [{"code": "NOT_FOUND", "message": "User not found", "detail": "x"}, {"message": "b"}]},
            "User not found; b",
        ),
        ({"error": "artifact not found"}, "artifact not found"),
    ],
)
def test_the_errors_are_told_in_each_products_words(body, said):
    assert ARTIFACTORY.explain(reply(404, body)).message == f"Artifactory answered 404 Not Found: {said}"


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (400, "Pro"),
        (401, "POST /api/v1/credentials"),
        (403, "permission"),
        (404, "list_repositories"),
        (409, "checksum"),
        (302, "base_url"),
        (500, "whether it took effect"),
    ],
)
def test_each_refusal_has_its_own_next_step(status, words):
    assert words in ARTIFACTORY.explain(reply(status)).next_step
