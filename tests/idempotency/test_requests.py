"""An Idempotency-Key over HTTP: who repeats what, and what the repeat is told."""

from __future__ import annotations

import asyncio
import json
import secrets
from uuid import UUID

import pytest

from chaos.witness import Patient
from devmesh.access import Role
from devmesh.demo.github import GitHub
from idempotency.conftest import EXECUTE, ISSUE, KEYS, TENANTS, Client, new_tenant
from sessions_people import new_person

TOKEN = "ghp_adas_token_000000"


async def test_a_repeat_gets_the_first_reply_and_nothing_happens_again(client: Client):
    body = new_tenant()
    first = await client.post(TENANTS, body, "one")
    again = await client.post(TENANTS, body, "one")
    assert (first.status, first.replayed, again.status, again.replayed) == (201, False, 201, True)
    assert again.body == first.body
    assert again.headers["Content-Type"] == first.headers["Content-Type"]
    assert again.headers["X-Request-Id"] != first.headers["X-Request-Id"]
    other = await client.post(TENANTS, body, "another")
    assert (other.status, other.body["code"]) == (409, "tenant_slug_taken")


async def test_headers_of_the_routes_own_come_back(client: Client):
    first = await client.post("/api/v1/contexts", {"name": "a"}, "one")
    again = await client.post("/api/v1/contexts", {"name": "a"}, "one")
    assert (first.status, again.replayed) == (201, True)
    assert (again.headers["ETag"], again.headers["Location"]) == (first.headers["ETag"], first.headers["Location"])


async def test_another_body_or_query_is_422(client: Client, github: GitHub):
    body = new_tenant()
    await client.post(TENANTS, body, "one")
    for other in (new_tenant(), json.dumps(body).replace(": ", ":").encode()):
        reply = await client.post(TENANTS, other, "one")
        assert (reply.status, reply.body["code"]) == (422, "idempotency_key_reused")
    assert len(await client.tenants()) == 2
    await client.organization.connect(github, TOKEN)
    path = "/api/v1/credentials/github/validate"
    assert (await client.post(path, b"", "two")).body["valid"] is True
    assert (await client.post(f"{path}?owner=organization", b"", "two")).body["code"] in (
        "idempotency_key_reused",
        "insufficient_scope",
    )


async def test_a_key_is_one_principals_tenants_and_routes_own(client: Client):
    organization = client.organization
    name, body = new_tenant(), {"name": "a"}
    same = [
        await client.post("/api/v1/contexts", body, "one"),
        await client.post("/api/v1/contexts", body, "one", by=await organization.new_key(key_type="admin")),
        await client.post("/api/v1/contexts", body, "one", by=await organization.person()),
        await Client(await organization.mesh.organization()).post("/api/v1/contexts", body, "one"),
    ]
    owner = await new_person(organization, Role.OWNER)
    tenant = (await client.post(TENANTS, name, "one")).body["id"]
    session = owner.tokens.access_token
    same += [
        await client.post("/api/v1/contexts", body, "one", by=session),
        await client.post("/api/v1/contexts", body, "one", by=session, X_Tenant_ID=tenant),
    ]
    assert [(reply.status, reply.replayed) for reply in same] == [(201, False)] * 6
    assert len({reply.body["id"] for reply in same}) == 6
    # A session is its person's, not its own: after a new login the repeat is one all the same.
    again = await client.post("/api/v1/contexts", body, "one", by=(await owner.again()).tokens.access_token)
    assert (again.replayed, again.body["id"]) == (True, same[4].body["id"])


async def test_what_stands_in_the_path_is_part_of_the_route(client: Client, github: GitHub):
    await client.organization.connect(github, TOKEN)
    body = {"arguments": {"owner": "acme", "repo": "site"}}
    tools = ("get_repository", "list_issues")
    replies = [await client.post(EXECUTE.replace("create_issue", tool), body, "one") for tool in tools]
    assert [(reply.status, reply.replayed) for reply in replies] == [(200, False)] * 2
    assert {received.path for received in github.received} >= {"/repos/acme/site", "/repos/acme/site/issues"}


async def test_twenty_at_once_act_once(client: Client):
    body = new_tenant()
    replies = await client.at_once(20, TENANTS, body, "one")
    made = [reply for reply in replies if reply.status == 201]
    assert sum(not reply.replayed for reply in made) == 1
    assert len({reply.body["id"] for reply in made}) == 1
    running = [reply for reply in replies if reply.status != 201]
    assert {(reply.status, reply.body["code"]) for reply in running} <= {(409, "request_in_progress")}
    assert all(int(reply.headers["Retry-After"]) >= 1 for reply in running)


async def test_twenty_calls_at_once_reach_the_service_once(client: Client):
    async with Patient({TOKEN: "ada"}) as github:
        arrived, go = asyncio.Event(), asyncio.Event()

        async def wait(_received):
            arrived.set()
            await go.wait()

        github.before = wait
        await client.organization.connect(github, TOKEN)
        asked = asyncio.gather(*(client.post(EXECUTE, ISSUE, "one") for _ in range(20)))
        await arrived.wait()
        running = await client.post(EXECUTE, ISSUE, "one")
        go.set()
        replies = await asked
        assert (running.status, running.body["code"]) == (409, "request_in_progress")
        assert sorted({reply.status for reply in replies}) == [200, 409]
        assert len(github.issues) == 1
        again = await client.post(EXECUTE, ISSUE, "one")
        assert (again.replayed, again.body["result"]["number"]) == (True, 1)


async def test_a_tools_result_is_kept_sealed_and_read_by_nobody_else(client: Client, github: GitHub):
    await client.organization.connect(github, TOKEN)
    secret = f"CANARY-{secrets.token_hex(8)}"
    body = {"arguments": {**ISSUE["arguments"], "title": secret}}
    first = await client.post(EXECUTE, body, "canary-key")
    assert first.body["result"]["title"] == secret
    (row,) = await client.rows()
    assert row["state"] == "kept"
    kept = b"".join(value for value in row.values() if isinstance(value, bytes)) + str(row).encode()
    for open_text in (secret, "canary-key", TOKEN):
        assert open_text.encode() not in kept
    # By the person's own data key: with that gone, nothing opens it.
    await client.change("delete from data_keys where user_id is not null")
    client.organization.mesh.app.data_keys.forget_all()
    again = await client.post(EXECUTE, body, "canary-key")
    assert (again.status, again.body["code"]) == (409, "already_done")
    assert len(github.issues) == 1


async def test_a_key_shown_once_is_not_shown_again(client: Client):
    first = await client.post(KEYS, {"name": "a"}, "one")
    again = await client.post("/api/v1/auth/keys", {"name": "a"}, "one")
    assert (again.status, again.body["code"], again.body["id"]) == (409, "already_done", first.body["id"])
    assert f"{first.body['id']}/rotate" in again.body["hint"]
    assert first.body["api_key"] not in str(again.body)
    assert [row["sealed"] for row in await client.rows()] == [None]
    _, listed = await client.organization.ask("GET", KEYS)
    assert listed["count"] == 2


async def test_twenty_at_once_make_one_key(client: Client):
    replies = await client.at_once(20, KEYS, {"name": "a"}, "one")
    assert [reply.status for reply in replies].count(201) == 1
    assert {reply.body["code"] for reply in replies if reply.status == 409} <= {"already_done", "request_in_progress"}
    _, listed = await client.organization.ask("GET", KEYS)
    assert listed["count"] == 2


async def test_a_request_that_was_refused_can_be_mended_under_its_key(client: Client):
    body, taken = new_tenant(), new_tenant()
    await client.organization.ask("POST", TENANTS, taken)
    for wrong, status in ((b"{", 400), ({"name": 7}, 422), ({**body, "slug": "-"}, 422), (taken, 409)):
        assert (await client.post(TENANTS, wrong, "one")).status == status
    readonly = await client.organization.new_key(key_type="user", scopes=["contexts:read"])
    assert (await client.post(TENANTS, body, "one", by=readonly)).status == 403
    assert await client.rows() == []
    assert (await client.post(TENANTS, body, "one")).status == 201


async def test_a_call_that_was_refused_can_be_mended_under_its_key(client: Client, github: GitHub):
    refused = await client.post(EXECUTE, ISSUE, "one")
    assert refused.body["code"] == "no_credential"
    await client.organization.connect(github, TOKEN)
    assert (await client.post(EXECUTE, ISSUE, "one")).status == 200


async def test_only_who_still_may_is_told_the_first_reply(client: Client):
    organization = client.organization
    person = await new_person(organization, Role.ADMIN)
    body, session = new_tenant(), person.tokens.access_token
    assert (await client.post(TENANTS, body, "one", by=session)).status == 201
    status, _ = await organization.ask("PATCH", f"/api/v1/users/{person.id}", {"role": "member"})
    assert status == 200
    refused = await client.post(TENANTS, body, "one", by=session)
    assert (refused.status, refused.body["code"]) == (403, "insufficient_scope")
    await organization.ask("PATCH", f"/api/v1/users/{person.id}", {"role": "admin"})
    assert (await client.post(TENANTS, body, "one", by=session)).replayed
    await organization.ask("PATCH", f"/api/v1/users/{person.id}", {"is_active": False})
    assert (await client.post(TENANTS, body, "one", by=session)).status == 401


async def test_a_revoked_key_is_told_nothing(client: Client):
    made = await client.post(KEYS, {"name": "a", "key_type": "admin"}, "make")
    body = new_tenant()
    assert (await client.post(TENANTS, body, "one", by=made.body["api_key"])).status == 201
    await client.organization.ask("DELETE", f"{KEYS}/{made.body['id']}")
    assert (await client.post(TENANTS, body, "one", by=made.body["api_key"])).status == 401


async def test_only_who_still_may_call_the_tool_is_told_its_result(client: Client, github: GitHub):
    organization = client.organization
    person = await new_person(organization, Role.MEMBER)
    session = person.tokens.access_token
    await organization.connect(github, TOKEN, key=session)
    assert (await client.post(EXECUTE, ISSUE, "one", by=session)).status == 200
    await organization.ask("PATCH", f"/api/v1/users/{person.id}", {"role": "readonly"})
    refused = await client.post(EXECUTE, ISSUE, "one", by=session)
    assert (refused.status, refused.body["code"]) == (403, "insufficient_scope")
    assert refused.body["required_scopes"] == ["tools:execute:github.create_issue"]
    assert len(github.issues) == 1


async def test_a_repeat_counts_against_the_limit(client: Client):
    key = await client.organization.new_key(key_type="user", rate_limit=2, rate_window=60)
    replies = [await client.post("/api/v1/contexts", {"name": "a"}, "one", by=key) for _ in range(3)]
    assert [reply.status for reply in replies] == [201, 201, 429]


async def test_a_repeated_call_counts_against_the_limit(client: Client, github: GitHub):
    await client.organization.connect(github, TOKEN)
    key = await client.organization.new_key(key_type="user", rate_limit=3, rate_window=60)
    replies = [await client.post(EXECUTE, ISSUE, "one", by=key) for _ in range(4)]
    assert [reply.status for reply in replies] == [200, 200, 200, 429]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["2", "1", "0", "0"]


@pytest.mark.parametrize("wrong", ["", " ", "a b", "a\tb", "ä", '"abc', '"a"b"', '"\\a"', "x" * 256, '""', '"é"'])
async def test_a_malformed_key_is_400(client: Client, wrong: str):
    reply = await client.post(TENANTS, new_tenant(), wrong)
    assert (reply.status, reply.body["code"]) == (400, "idempotency_key_invalid")


async def test_who_is_not_known_is_told_so_first(client: Client):
    async with client.organization.mesh.http.post(TENANTS, json={}, headers={"Idempotency-Key": "a b"}) as reply:
        assert reply.status == 401


async def test_the_document_tells_where_the_header_is_read(client: Client):
    async with client.organization.mesh.http.get("/openapi.json") as reply:
        paths = (await reply.json(content_type=None))["paths"]

    def told(path: str, method: str = "post") -> bool:
        return "Idempotency-Key" in [each["name"] for each in paths[path][method].get("parameters", [])]

    assert told(TENANTS)
    assert told("/api/v1/tools/{name}/execute")
    assert not told("/api/v1/auth/login")
    assert not told("/api/v1/auth/validate")
    assert not told(TENANTS, "get")


async def test_bare_and_quoted_are_the_same_key(client: Client):
    body = new_tenant()
    for once in ('8e03-40"d5\\', "x" * 255, "!"):
        body = new_tenant()
        quoted = '"' + once.replace("\\", "\\\\").replace('"', '\\"') + '"'
        assert (await client.post(TENANTS, body, once)).status == 201
        assert (await client.post(TENANTS, body, quoted)).replayed
    assert (await client.post(TENANTS, new_tenant(), '"with a blank"')).status == 201


async def test_who_sends_no_key_leaves_no_row_and_other_methods_and_tokens_ignore_it(client: Client):
    organization = client.organization
    await organization.ask("POST", TENANTS, new_tenant())
    session = (await new_person(organization, Role.OWNER)).tokens.access_token
    ignored = {"Idempotency-Key": "a b"}
    assert (await organization.ask("GET", TENANTS, headers=ignored))[0] == 200
    assert (await organization.ask("POST", "/api/v1/auth/validate", headers=ignored))[0] == 200
    assert (await organization.ask("POST", "/api/v1/auth/logout", key=session, headers=ignored))[0] == 204
    for path in ("login", "refresh", "password/reset"):
        async with organization.mesh.http.post(f"/api/v1/auth/{path}", json={}, headers=ignored) as reply:
            assert (await reply.json())["code"] != "idempotency_key_invalid"
    assert await client.rows() == []


async def test_a_reply_too_large_to_keep_is_told_to_be_done(client: Client, github: GitHub):
    await client.organization.connect(github, TOKEN)
    body = {"arguments": {**ISSUE["arguments"], "body": "x" * 60_000}}
    first = await client.post(EXECUTE, body, "one")
    again = await client.post(EXECUTE, body, "one")
    assert (first.status, again.replayed, again.body) == (200, True, first.body)
    github.answer = lambda _: (201, {"title": "y" * 1_100_000}, {})
    # Where no key says so, a result is cut long before.
    key = await client.organization.new_key(result_bytes=8_000_000)
    assert (await client.post(EXECUTE, ISSUE, "two", by=key)).status == 200
    again = await client.post(EXECUTE, ISSUE, "two", by=key)
    assert (again.status, again.body["code"], again.body["id"]) == (409, "already_done", None)


async def test_who_is_removed_leaves_nothing(client: Client):
    person = await new_person(client.organization, Role.ADMIN)
    assert (await client.post(TENANTS, new_tenant(), "one", by=person.tokens.access_token)).status == 201
    assert len(await client.rows()) == 1
    status, _ = await client.organization.ask("DELETE", f"/api/v1/users/{person.id}")
    assert (status, await client.rows()) == (204, [])


async def test_rows_of_another_organization_are_not_seen(client: Client):
    await client.post(TENANTS, new_tenant(), "one")
    other = Client(await client.organization.mesh.organization())
    assert await other.rows() == []
    async with client.organization.mesh.app.database.routing() as tx:
        assert await tx.all("select * from idempotency_keys") == []
    assert [row["tenant_id"] for row in await client.rows()] == [UUID(client.organization.id)]
