"""Contexts over HTTP: what is answered, with which headers, and what a stored document is worth afterwards."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from running import Mesh, Organization

PATH = "/api/v1/contexts"
FIELDS = ["id", "tenant_id", "name", "tags", "agent_id", "content", "version", "created_at", "updated_at", "expires_at"]
LIMITS = {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"}
NOBODYS = f"{PATH}/01980000-0000-7000-8000-000000000000"

# Numbers that Python's json, JavaScript and PostgreSQL's jsonb would each change; text of every script.
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
NUMBERS = st.one_of(
    st.integers(-(10**60), 10**60).map(str),
    st.from_regex(r"\A-?(0|[1-9][0-9]{0,30})\.[0-9]{1,30}\Z"),
    st.from_regex(r"\A-?[1-9][eE][+-]?[0-9]{1,2}\Z"),
)
SCALARS = st.one_of(NUMBERS, TEXTS.map(json.dumps), st.sampled_from(["null", "true", "false"]))


def _object(members: dict[str, str]) -> str:
    return "{" + ", ".join(f"{json.dumps(name)}: {value}" for name, value in members.items()) + "}"


DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[ {','.join(items)}]"),
        st.dictionaries(TEXTS, inner, max_size=4).map(_object),
    ),
    max_leaves=20,
)


async def asked(
    organization: Organization, method: str, path: str, body: Any = None, **headers: str
) -> tuple[int, Any, Any]:
    """Send one request as the owner; return status, headers and decoded body."""
    sent = {"Authorization": f"Bearer {organization.key}"}
    sent |= {name.replace("_", "-"): value for name, value in headers.items()}
    async with organization.mesh.http.request(method, path, json=body, headers=sent) as reply:
        text = await reply.text()
        return reply.status, reply.headers, json.loads(text) if text else None


async def made(organization: Organization, key: str | None = None, **body: Any) -> dict[str, Any]:
    """Store a context."""
    status, context = await organization.ask("POST", PATH, body, key=key)
    assert status == 201, context
    return context


async def names(organization: Organization, query: str, key: str | None = None) -> list[str]:
    status, found = await organization.ask("GET", f"{PATH}{query}", key=key)
    assert status == 200, found
    assert found["count"] == len(found["contexts"])
    return [context["name"] for context in found["contexts"]]


async def test_a_context_is_stored_and_read_back(organization: Organization):
    end = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    body = {"name": "run", "tags": ["b", "a"], "agent_id": "planner", "expires_at": end, "content": {"step": 3}}
    status, headers, stored = await asked(organization, "POST", PATH, body)
    assert (status, headers["ETag"], headers["Location"]) == (201, '"1"', f"{PATH}/{stored['id']}")
    assert list(stored) == FIELDS
    assert {name: stored[name] for name in ("name", "tags", "agent_id", "content")} == {
        "name": "run",
        "tags": ["b", "a"],
        "agent_id": "planner",
        "content": {"step": 3},
    }
    assert (stored["tenant_id"], stored["version"]) == (organization.id, 1)
    assert datetime.fromisoformat(stored["expires_at"]) == datetime.fromisoformat(end)
    assert stored["created_at"] == stored["updated_at"]
    assert stored["created_at"].endswith("Z")
    status, headers, got = await asked(organization, "GET", headers["Location"])
    assert (status, headers["ETag"], got) == (200, '"1"', stored)
    assert set(headers) >= LIMITS


async def test_a_post_without_a_body_stores_an_empty_context(organization: Organization):
    status, _, stored = await asked(organization, "POST", PATH)
    assert (status, stored["content"], stored["name"], stored["tags"]) == (201, {}, None, [])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(document=DOCUMENTS)
async def test_a_document_comes_back_as_it_was_sent(organization: Organization, document: str):
    headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(organization.mesh.url, headers=headers) as http:
        async with http.post(PATH, data=f'{{"content": {document}}}'.encode()) as reply:
            first = await reply.read()
            assert reply.status == 201, first
            place = reply.headers["Location"]
        async with http.get(place) as reply:
            got = await reply.read()
        async with http.put(place, data=got) as reply:
            assert reply.status == 200, await reply.text()
            again = await reply.read()
    for body in (first, got, again):
        assert b'"content":' + document.encode() + b',"version":' in body


async def test_the_list_shows_no_content(organization: Organization):
    stored = await made(organization, name="one", content={"much": "text"})
    status, headers, found = await asked(organization, "GET", PATH)
    assert (status, found["count"], found["next_cursor"]) == (200, 1, None)
    [listed] = found["contexts"]
    assert {name: value for name, value in stored.items() if name != "content"}.items() <= listed.items()
    assert "content" not in listed
    assert set(headers) >= LIMITS


async def test_the_list_has_pages_the_newest_first(organization: Organization):
    for number in range(5):
        await made(organization, name=str(number))
    seen, query = [], "?limit=2"
    while query:
        _, found = await organization.ask("GET", f"{PATH}{query}")
        seen.append([context["name"] for context in found["contexts"]])
        query = f"?limit=2&cursor={found['next_cursor']}" if found["next_cursor"] else ""
    assert seen == [["4", "3"], ["2", "1"], ["0"]]


async def test_the_list_is_searched(organization: Organization):
    await made(organization, name="Release 100%", tags=["x", "y"], agent_id="a")
    await made(organization, name="release 1000", tags=["x"], agent_id="b")
    await made(organization, name="Straße_7", tags=["y", "x%"])
    assert await names(organization, "?tag=x") == ["release 1000", "Release 100%"]
    assert await names(organization, "?tag=x&tag=y") == ["Release 100%"]
    assert await names(organization, "?tag=X") == []
    assert await names(organization, "?agent_id=b") == ["release 1000"]
    assert await names(organization, "?agent_id=a&tag=y") == ["Release 100%"]
    assert await names(organization, "?name=release%201000") == ["release 1000"]
    assert await names(organization, "?q=RELEASE") == ["release 1000", "Release 100%"]
    assert await names(organization, "?q=STRASSE") == ["Straße_7"]
    assert await names(organization, "?q=e&limit=1&tag=x") == ["release 1000"]


@pytest.mark.parametrize("wild", ["%25", "_", "%5C", "rel%25", "a.*", "'", "%27%20or%201=1--"])
async def test_no_character_of_a_search_stands_for_others(organization: Organization, wild: str):
    await made(organization, name="release", tags=["t"], agent_id="a")
    for field in ("q", "name", "tag", "agent_id"):
        assert await names(organization, f"?{field}={wild}") == []


async def test_a_search_sees_what_was_written_last(organization: Organization):
    stored = await made(organization, name="old", tags=["old", "both"])
    await organization.ask("PUT", f"{PATH}/{stored['id']}", {"name": "new", "tags": ["new", "both"]})
    assert [await names(organization, f"?tag={tag}") for tag in ("old", "new", "both")] == [[], ["new"], ["new"]]
    assert [await names(organization, f"?q={text}") for text in ("old", "new")] == [[], ["new"]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("?limit=0", "limit"),
        ("?limit=201", "limit"),
        ("?cursor=x", "cursor"),
        ("?q=", "q"),
        ("?q=" + "x" * 201, "q"),
        ("?name=", "name"),
        ("?agent_id=" + "x" * 201, "agent_id"),
        ("?tag=a" + "&tag=a" * 10, "tag"),
        ("?surprise=1", "surprise"),
        ("?q=a%00b", "q"),
    ],
)
async def test_a_wrong_parameter_is_named(organization: Organization, query: str, field: str):
    status, problem = await organization.ask("GET", f"{PATH}{query}")
    assert (status, problem["errors"][0]["field"]) == (422, field)


async def test_a_put_replaces_the_whole_context(organization: Organization):
    stored = await made(organization, name="first", tags=["t"], agent_id="a", content={"a": 1})
    status, headers, changed = await asked(organization, "PUT", f"{PATH}/{stored['id']}", {"b": 2})
    assert (status, headers["ETag"]) == (200, '"2"')
    assert (changed["content"], changed["version"]) == ({"b": 2}, 2)
    assert (changed["name"], changed["tags"], changed["agent_id"]) == (None, [], None)
    assert changed["created_at"] == stored["created_at"]
    assert changed["updated_at"] > stored["updated_at"]
    assert (await organization.ask("GET", f"{PATH}/{stored['id']}"))[1] == changed


async def test_a_stale_if_match_is_412_and_names_the_present_version(organization: Organization):
    stored = await made(organization, content={"by": 0})
    place = f"{PATH}/{stored['id']}"
    assert (await asked(organization, "PUT", place, {"by": 1}, If_Match='"1"'))[0] == 200
    for stale in ('"1"', 'W/"2"', '"02"', '"two"', '"99999999999999999999"', '"1", W/"2"'):
        for method, body in (("PUT", {"by": 2}), ("DELETE", None)):
            status, _, problem = await asked(organization, method, place, body, If_Match=stale)
            assert (status, problem["code"]) == (412, "precondition_failed")
            assert (problem["version"], problem["etag"]) == (2, '"2"')
            assert "version 2" in problem["detail"]
    assert (await organization.ask("GET", place))[1]["content"] == {"by": 1}
    for right in ("*", '"2", "3"', '"1" , "4"'):
        assert (await asked(organization, "PUT", place, {"by": 3}, If_Match=right))[0] == 200
    assert (await asked(organization, "PUT", place, {"by": 4}))[2]["version"] == 6
    assert (await asked(organization, "DELETE", place, If_Match='"6"'))[0] == 204
    assert (await asked(organization, "PUT", place, {}, If_Match="*"))[0] == 404


@pytest.mark.parametrize("header", ["1", '"1', "1, 2", "* , *", '"1" "2"', "", "W/1"])
async def test_what_is_no_entity_tag_is_refused(organization: Organization, header: str):
    stored = await made(organization, content={"by": 0})
    place = f"{PATH}/{stored['id']}"
    for method, name in (("PUT", "If_Match"), ("DELETE", "If_Match"), ("GET", "If_None_Match")):
        status, _, problem = await asked(organization, method, place, {} if method == "PUT" else None, **{name: header})
        assert (status, problem["code"]) == (400, "bad_request")
    assert (await organization.ask("GET", place))[1]["version"] == 1


async def test_a_known_version_is_304(organization: Organization):
    stored = await made(organization, content={"a": 1})
    place = f"{PATH}/{stored['id']}"
    for known in ('"1"', 'W/"1"', '"7", "1"', "*"):
        for method in ("GET", "HEAD"):
            status, headers, body = await asked(organization, method, place, If_None_Match=known)
            assert (status, headers["ETag"], body) == (304, '"1"', None)
            assert "Content-Type" not in headers
            assert set(headers) >= LIMITS
    await organization.ask("PUT", place, {"a": 2})
    assert (await asked(organization, "GET", place, If_None_Match='"1"'))[2]["content"] == {"a": 2}


async def test_head_answers_without_a_body(organization: Organization):
    stored = await made(organization, content={"a": 1})
    for path, tag in ((PATH, None), (f"{PATH}/{stored['id']}", '"1"')):
        status, headers, body = await asked(organization, "HEAD", path)
        assert (status, headers.get("ETag"), body) == (200, tag, None)
        assert set(headers) >= LIMITS
        assert int(headers["Content-Length"]) > 2


async def test_a_deleted_context_is_gone_whole(organization: Organization):
    stored = await made(organization, tags=["t"], content={"a": 1})
    place = f"{PATH}/{stored['id']}"
    assert (await asked(organization, "DELETE", place))[0] == 204
    for method, path in (("GET", place), ("PUT", place), ("DELETE", place), ("GET", f"{place}/versions")):
        status, _, problem = await asked(organization, method, path, {} if method == "PUT" else None)
        assert (status, problem["code"]) == (404, "context_not_found")
    assert (await organization.ask("GET", f"{place}/versions/1"))[0] == 404
    assert await names(organization, "?tag=t") == []


async def test_former_versions_can_be_read(organization: Organization):
    stored = await made(organization, name="one", content={"n": 1})
    place = f"{PATH}/{stored['id']}"
    _, changed = await organization.ask("PUT", place, {"name": "two", "tags": ["t"], "content": {"n": 22}})
    status, _, listed = await asked(organization, "GET", f"{place}/versions")
    assert (status, listed["count"], listed["next_cursor"]) == (200, 2, None)
    writer = organization.registered["user"]["id"]
    assert [(entry["version"], entry["name"], entry["size"], entry["written_by"]) for entry in listed["versions"]] == [
        (2, "two", len('{"n": 22}'), writer),
        (1, "one", len('{"n": 1}'), writer),
    ]
    assert listed["versions"][0]["written_at"] == changed["updated_at"]
    status, headers, first = await asked(organization, "GET", f"{place}/versions/1")
    assert (status, headers["ETag"], first) == (200, '"1"', stored)
    assert (await organization.ask("GET", f"{place}/versions/2"))[1] == changed
    _, page = await organization.ask("GET", f"{place}/versions?limit=1")
    _, rest = await organization.ask("GET", f"{place}/versions?limit=1&cursor={page['next_cursor']}")
    assert [entry["version"] for entry in (*page["versions"], *rest["versions"])] == [2, 1]
    assert rest["next_cursor"] is None


@pytest.mark.parametrize("number", ["0", "3", "-1", "2147483648", "99999999999999999999999"])
async def test_a_version_that_there_is_not_is_404(organization: Organization, number: str):
    stored = await made(organization)
    status, problem = await organization.ask("GET", f"{PATH}/{stored['id']}/versions/{number}")
    assert (status, problem["error"]) == (404, "Not Found")


async def test_at_most_twenty_former_versions_are_kept(organization: Organization):
    stored = await made(organization, content={"n": 1})
    place = f"{PATH}/{stored['id']}"
    for number in range(2, 25):
        await organization.ask("PUT", place, {"n": number})
    _, listed = await organization.ask("GET", f"{place}/versions")
    assert [entry["version"] for entry in listed["versions"]] == list(range(24, 3, -1))
    status, problem = await organization.ask("GET", f"{place}/versions/3")
    assert (status, problem["code"]) == (404, "context_version_not_found")


async def test_an_unknown_context_is_404(organization: Organization):
    for method, path in (("GET", NOBODYS), ("PUT", NOBODYS), ("DELETE", NOBODYS), ("GET", f"{NOBODYS}/versions/1")):
        status, _, problem = await asked(organization, method, path, {} if method == "PUT" else None)
        assert (status, problem["code"]) == (404, "context_not_found")
    assert (await organization.ask("GET", f"{PATH}/x"))[0] == 404


async def test_a_body_over_a_mebibyte_is_413(mesh: Mesh, organization: Organization):
    headers = {"Authorization": f"Bearer {organization.key}", "Content-Type": "application/json"}
    body = b'{"content": "' + b"x" * 1_048_576 + b'"}'
    async with mesh.http.post(PATH, data=io.BytesIO(body), headers=headers) as reply:
        assert (reply.status, (await reply.json(content_type=None))["code"]) == (413, "body_too_large")
    async with mesh.http.post(PATH, data=b"a=1", headers=headers | {"Content-Type": "text/plain"}) as reply:
        assert reply.status == 415


async def test_every_change_is_on_record(organization: Organization):
    stored = await made(organization, content={"secret": "a-word-of-the-document"})
    place = f"{PATH}/{stored['id']}"
    await organization.ask("PUT", place, {"n": 2})
    await organization.ask("DELETE", place)
    _, audit = await organization.ask("GET", "/api/v1/audit")
    found = [entry for entry in audit["entries"] if entry["target"] == stored["id"]]
    assert [(entry["action"], entry["details"].get("version")) for entry in found] == [
        ("context.delete", 2),
        ("context.update", 2),
        ("context.create", 1),
    ]
    assert {entry["actor"]["user_id"] for entry in found} == {organization.registered["user"]["id"]}
    assert "a-word-of-the-document" not in repr(audit)


async def test_a_post_repeated_under_its_idempotency_key_stores_one_context(organization: Organization):
    body = {"name": "once", "content": {"share": 0.1}}
    replies = [await asked(organization, "POST", PATH, body, Idempotency_Key="deploy-7") for _ in range(3)]
    assert [status for status, _, _ in replies] == [201] * 3
    assert [stored for _, _, stored in replies] == [replies[0][2]] * 3
    assert {headers["ETag"] for _, headers, _ in replies} == {'"1"'}
    assert await names(organization, "") == ["once"]


async def test_the_openapi_document_tells_the_members_that_have_a_meaning(mesh: Mesh):
    async with mesh.http.get("/openapi.json") as reply:
        document = json.loads(await reply.text())
    body = document["components"]["schemas"]["ContextBody"]
    assert set(body["properties"]) == {"name", "tags", "agent_id", "expires_at", "content"}
    assert body.get("additionalProperties", True) is True
    post = document["paths"]["/api/v1/contexts"]["post"]
    assert (post["x-required-scope"], post["requestBody"]["required"]) == ("contexts:write", False)
    assert "any JSON object" in post["description"]
