"""Results that are longer than an agent takes: the rest is read on by handle, by nobody but the caller."""

from __future__ import annotations

import asyncio
import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from devmesh.directory.service import Directory
from devmesh.gateway import rests
from devmesh.gateway.rests import RestsExpiry
from devmesh.upstream import room
from sessions_people import new_person

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Mesh, Organization

ADA = "ghp_adas_token_000000"
SMALL = {"X-Mesh-Result-Bytes": "5000"}
WHERE = {"owner": "o", "repo": "r"}


def answers(github: GitHub, body: Any) -> None:
    github.answer = lambda _received: (200, body, {})


async def read(organization: Organization, handle: str, **how: Any) -> dict[str, Any]:
    return await organization.call("mesh.read_more", {"handle": handle}, **{"headers": SMALL, **how})


async def test_a_long_list_is_read_to_its_end_without_asking_the_service_again(
    organization: Organization, github: GitHub
):
    issues = [{"number": number, "title": f"issue {number} " + "x" * 500} for number in range(100)]
    answers(github, issues)
    await organization.connect(github, ADA)
    result = await organization.call("github.list_issues", WHERE, headers=SMALL)
    asked, seen = len(github.received), []
    while True:
        shown = result["structuredContent"]
        assert json.loads(result["content"][0]["text"]) == shown
        assert len(result["content"][0]["text"]) < 6000
        seen += shown["items"]
        if "more" not in shown:
            break
        assert shown["more"]["left_items"] == 100 - len(seen)
        result = await read(organization, shown["more"]["handle"])
    assert seen == issues
    assert len(github.received) == asked


async def test_a_long_text_says_in_its_last_line_how_to_go_on(organization: Organization, github: GitHub):
    answers(github, {"body": "ä" * 20_000})
    await organization.connect(github, ADA)
    result = await organization.call("github.get_issue", {**WHERE, "issue_number": 1}, headers=SMALL)
    text = result["content"][0]["text"]
    whole, _, line = text.rpartition("\n\n[")
    assert "structuredContent" not in result
    while "mesh.read_more" in line:
        result = await read(organization, line.partition('"handle": "')[2].partition('"')[0])
        text = result["content"][0]["text"]
        part, _, line = text.rpartition("\n\n[") if "mesh.read_more" in text else (text, "", "")
        whole += part
    assert json.loads(whole) == {"body": "ä" * 20_000}


async def test_without_a_wish_100_000_bytes_are_shown(organization: Organization, github: GitHub):
    await organization.connect(github, ADA)
    for size, is_cut in ((99_900, False), (100_100, True)):
        answers(github, {"body": "x" * size})
        result = await organization.call("github.get_issue", {**WHERE, "issue_number": 1})
        assert ("mesh.read_more" in result["content"][0]["text"]) == is_cut


async def test_over_rest_it_is_the_same(organization: Organization, github: GitHub):
    answers(github, [{"title": "x" * 900}] * 10)
    await organization.connect(github, ADA)
    path = "/api/v1/tools/github.list_issues/execute"
    _, done = await organization.ask("POST", path, {"arguments": WHERE}, headers=SMALL)
    assert done["result"]["more"]["left_items"] == 5


async def test_a_key_gets_no_more_than_its_own_most_and_may_ask_for_less(organization: Organization, github: GitHub):
    body = {"name": "small", "key_type": "user", "result_bytes": 5000}
    _, made = await organization.ask("POST", "/api/v1/api-keys", body)
    answers(github, [{"title": "x" * 900}] * 20)
    await organization.connect(github, ADA)
    for headers, shown in (({}, 5), ({"X-Mesh-Result-Bytes": "100000"}, 5), ({"X-Mesh-Result-Bytes": "2000"}, 2)):
        result = await organization.call("github.list_issues", WHERE, key=made["api_key"], headers=headers)
        assert len(result["structuredContent"]["items"]) == shown
    assert (await organization.ask("PATCH", f"/api/v1/api-keys/{made['id']}", {"result_bytes": None}))[0] == 200
    result = await organization.call("github.list_issues", WHERE, key=made["api_key"])
    assert len(result["structuredContent"]["items"]) == 20


@pytest.mark.parametrize("wish", ["0", "999", "8388609", "-1", "1e5", "many", "99999999999"])
async def test_a_wish_that_is_none_is_refused_before_anything_is_sent(
    organization: Organization, github: GitHub, wish: str
):
    await organization.connect(github, ADA)
    before = len(github.received)
    result = await organization.call("github.get_authenticated_user", headers={"X-Mesh-Result-Bytes": wish})
    assert result["_meta"]["code"] == "validation_failed"
    assert "X-Mesh-Result-Bytes" in result["content"][0]["text"]
    assert len(github.received) == before


async def kept(organization: Organization, github: GitHub) -> str:
    """Return the handle of a long list's rest."""
    answers(github, [{"title": "x" * 900}] * 10)
    await organization.connect(github, ADA)
    result = await organization.call("github.list_issues", WHERE, headers=SMALL)
    return result["structuredContent"]["more"]["handle"]


async def test_nobody_else_reads_it(mesh: Mesh, github: GitHub):
    mine, theirs = await mesh.organization(), await mesh.organization()
    handle = await kept(mine, github)
    colleague = await mine.person()
    _, other = await mine.ask("POST", "/api/v1/api-keys", {"name": "another", "key_type": "user"})
    for organization, key in ((theirs, theirs.key), (mine, colleague), (mine, other["api_key"])):
        result = await read(organization, handle, key=key)
        assert (result["isError"], result["_meta"]["code"]) == (True, "result_gone")
    assert len((await read(mine, handle))["structuredContent"]["items"]) == 5


async def test_of_a_persons_sessions_the_one_that_called_reads_on(organization: Organization, github: GitHub):
    answers(github, [{"title": "x" * 900}] * 10)
    person = await new_person(organization)
    mine = person.tokens.access_token
    await organization.connect(github, ADA, key=mine)
    result = await organization.call("github.list_issues", WHERE, headers=SMALL, key=mine)
    handle = result["structuredContent"]["more"]["handle"]
    other = (await person.again()).tokens.access_token
    assert (await read(organization, handle, key=other))["_meta"]["code"] == "result_gone"
    _, refreshed = await person.refresh()
    for key in (mine, refreshed["access_token"]):
        assert len((await read(organization, handle, key=key))["structuredContent"]["items"]) == 5


async def test_a_long_answer_is_held_until_its_rest_is_kept(
    mesh: Mesh, organization: Organization, github: GitHub, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(room, "MOST_UNITS", 3)
    keeping, cutting, go_on = mesh.app.gateway._rests, asyncio.Event(), asyncio.Event()
    cut = keeping.cut

    async def slowly(*of: Any) -> Any:
        cutting.set()
        await go_on.wait()
        return await cut(*of)

    monkeypatch.setattr(keeping, "cut", slowly)
    answers(github, {"body": "x" * 3_000_000})
    await organization.connect(github, ADA)
    issue = ("github.get_issue", {**WHERE, "issue_number": 1})
    first = asyncio.create_task(organization.call(*issue))
    await cutting.wait()
    refused = await organization.call(*issue)
    assert refused["_meta"]["code"] == "upstream_response_too_large"
    assert refused["_meta"]["retry_after"] == 1.0
    go_on.set()
    assert "mesh.read_more" in (await first)["content"][0]["text"]
    assert not (await organization.call(*issue)).get("isError")


@pytest.mark.parametrize("handle", ["0" * 32 + "-0", "", "x", "0" * 32, "0" * 32 + "-", "../x", "0" * 32 + "--1"])
async def test_a_made_up_handle_reads_nothing(organization: Organization, handle: str):
    result = await read(organization, handle)
    assert result["_meta"]["code"] in ("result_gone", "validation_failed")


async def test_a_key_that_may_no_longer_call_the_tool_reads_no_more_of_it(organization: Organization, github: GitHub):
    _, made = await organization.ask("POST", "/api/v1/api-keys", {"name": "mine", "key_type": "user"})
    answers(github, [{"title": "x" * 900}] * 10)
    await organization.connect(github, ADA)
    result = await organization.call("github.list_issues", WHERE, headers=SMALL, key=made["api_key"])
    handle = result["structuredContent"]["more"]["handle"]
    body = {"scopes": ["tools:execute:github.create_issue"]}
    assert (await organization.ask("PATCH", f"/api/v1/api-keys/{made['id']}", body))[0] == 200
    result = await read(organization, handle, key=made["api_key"])
    assert result["_meta"]["code"] == "insufficient_scope"


async def test_only_the_last_twenty_of_a_caller_are_kept(organization: Organization, github: GitHub):
    first = await kept(organization, github)
    for _ in range(19):
        await organization.call("github.list_issues", WHERE, headers=SMALL)
    assert not (await read(organization, first)).get("isError")
    await organization.call("github.list_issues", WHERE, headers=SMALL)
    assert (await read(organization, first))["_meta"]["code"] == "result_gone"


async def test_of_a_tenants_results_the_newest_are_kept_as_far_as_its_bytes_go(
    mesh: Mesh, organization: Organization, github: GitHub, monkeypatch: pytest.MonkeyPatch
):
    stranger = await mesh.organization()
    keys = [await organization.new_key(name=name, key_type="user") for name in ("one", "two", "three")]
    monkeypatch.setattr(rests, "_BYTES_OF_TENANT", 90_000)
    handles = [await kept(stranger, github)]
    await organization.connect(github, ADA)
    for number, key in enumerate(keys):
        # Of hexadecimal digits that nobody can foretell: packed, somewhat more than half as long.
        answers(github, {"body": "".join(sha256(f"{number} {part}".encode()).hexdigest() for part in range(1000))})
        result = await organization.call("github.get_issue", {**WHERE, "issue_number": 1}, headers=SMALL, key=key)
        handles.append(result["content"][0]["text"].rpartition('"handle": "')[2].partition('"')[0])
    there = []
    for handle, one, key in zip(handles, (stranger, *[organization] * 3), (None, *keys), strict=True):
        there.append(not (await read(one, handle, key=key)).get("isError"))
    assert there == [True, False, True, True]


async def test_it_is_sealed_and_gone_when_its_time_is_over(organization: Organization, github: GitHub):
    handle = await kept(organization, github)
    app = organization.mesh.app
    async with app.database.acting(UUID(organization.id), UUID(organization.id)) as tx:
        (row,) = await tx.all("select sealed, tool from result_rests")
        assert b"xxxx" not in row["sealed"]
        await tx.run("update result_rests set expires_at = now()")
    assert (await read(organization, handle))["_meta"]["code"] == "result_gone"
    await RestsExpiry(app.database, Directory(app.ring)).sweep()
    async with app.database.acting(UUID(organization.id), UUID(organization.id)) as tx:
        assert await tx.value("select count(*) from result_rests") == 0


@pytest.mark.parametrize("column", ["tool", "key_id", "user_id", "id"])
async def test_a_row_that_is_altered_in_the_database_opens_for_nobody(
    organization: Organization, github: GitHub, column: str
):
    handle = await kept(organization, github)
    app = organization.mesh.app
    async with app.database.acting(UUID(organization.id), UUID(organization.id)) as tx:
        if column == "id":
            await tx.run("update result_rests set id = gen_random_uuid()")
            handle = f"{(await tx.value('select id from result_rests')).hex}-0"
        elif column == "tool":
            await tx.run("update result_rests set tool = 'github.get_issue'")
    if column in ("tool", "id"):
        assert (await read(organization, handle))["_meta"]["code"] == "result_gone"
        return
    key = await organization.person() if column == "user_id" else None
    if key is None:
        _, made = await organization.ask("POST", "/api/v1/api-keys", {"name": "other", "key_type": "user"})
        key = made["api_key"]
    caller = await app.verifier.verify(key)
    async with app.database.acting(UUID(organization.id), UUID(organization.id)) as tx:
        await tx.run(
            "update result_rests set user_id = $1, key_id = $2",
            caller.caller("", "").user_id,
            caller.caller("", "").key_id,
        )
    assert (await read(organization, handle, key=key))["_meta"]["code"] == "result_gone"
