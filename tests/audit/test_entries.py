"""An entry from its opening to its outcome, and how it is read."""

import asyncio
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from audit.opened import opened
from devmesh.access import Rights
from devmesh.audit import service, store
from devmesh.audit.filters import Filters
from devmesh.errors import InsufficientScope, RateLimited
from devmesh.ids import new_id


async def entries(audit, caller, **filters):
    return (await audit.read(caller, Filters(**filters))).entries


async def only(audit, caller):
    (entry,) = await entries(audit, caller)
    return entry


async def test_intent_and_outcome_are_read_as_one_entry(audit, caller):
    credential = new_id()
    async with audit.entry(caller, "tool.call", "github_create_issue") as entry:
        await entry.open(service="github", tool="github.create_issue", arguments={"title": "Hello"})
        entry.credential_source, entry.credential_id = "user", credential
        entry.upstream_host, entry.upstream_status = "api.github.com", 201
        await entry.close("ok")
    read = await only(audit, caller)
    assert (read.action, read.tool, read.service, read.outcome) == ("tool.call", "github.create_issue", "github", "ok")
    assert (read.actor.user_id, read.actor.key_id, read.actor.key_type) == (
        caller.user_id,
        caller.key_id,
        caller.key_type,
    )
    assert (read.credential.source, read.credential.id) == ("user", credential)
    assert (read.upstream.host, read.upstream.status) == ("api.github.com", 201)
    assert (read.tenant_id, read.address, read.request_id) == (caller.tenant_id, "192.0.2.1", "r-1")
    assert read.latency_ms > 0
    assert entry.receipt == {"id": str(read.id), "row_hash": read.receipt.row_hash}
    assert abs(read.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert '"key_type":"admin"' in msgspec.json.encode(read).decode()


async def test_arguments_are_recorded_as_a_keyed_digest_alone(audit, caller, stranger):
    for who, arguments in ((caller, {"a": 1, "b": "needle"}), (caller, {"b": "needle", "a": 1}), (stranger, {"a": 1})):
        entry = await opened(audit, who, arguments=arguments)
        await entry.close("ok")
    first, second = await entries(audit, caller)
    assert first.arguments_digest == second.arguments_digest
    assert first.arguments_digest != (await only(audit, stranger)).arguments_digest
    assert "needle" not in msgspec.json.encode([first, second]).decode()


async def test_what_was_refused_before_anything_was_sent_is_one_row(audit, caller, db):
    with pytest.raises(RateLimited):
        async with audit.entry(caller, "tool.call", "github.get_issue"):
            raise RateLimited
    read = await only(audit, caller)
    assert (read.outcome, read.code, read.tool) == ("refused", "rate_limit_exceeded", "github.get_issue")
    async with db.acting(caller.organization_id) as tx:
        assert await tx.value("select array_agg(phase) from audit_events") == [2]


async def test_an_error_after_the_intent_is_its_outcome(audit, caller):
    async def call():
        async with audit.entry(caller, "tool.call", "github.get_issue") as entry:
            await entry.open(service="github")
            raise RateLimited

    with pytest.raises(RateLimited):
        await call()
    read = await only(audit, caller)
    assert (read.outcome, read.code) == ("error", "rate_limit_exceeded")


async def test_a_call_cancelled_while_upstream_has_it_is_unknown(audit, caller):
    opened = asyncio.Event()

    async def call():
        async with audit.entry(caller, "tool.call") as entry:
            await entry.open()
            opened.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(call())
    await opened.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    read = await only(audit, caller)
    assert (read.outcome, read.code) == ("unknown", "cancelled")


async def test_an_intent_is_pending_and_after_the_longest_call_unknown(audit, caller, monkeypatch):
    await opened(audit, caller)
    assert (await only(audit, caller)).outcome == "pending"
    assert len(await entries(audit, caller, outcome="pending")) == 1
    monkeypatch.setattr(service, "LONGEST_CALL", timedelta(0))
    assert (await only(audit, caller)).outcome == "unknown"
    assert await entries(audit, caller, outcome="pending") == []
    assert len(await entries(audit, caller, outcome="unknown")) == 1


async def test_an_entry_has_one_outcome_the_first(audit, caller):
    entry = await opened(audit, caller)
    await entry.close("error", code="first")
    receipt = entry.receipt
    await entry.close("ok")
    assert (await only(audit, caller)).code == "first"
    assert entry.receipt == receipt


async def test_a_change_and_its_record_are_committed_together_or_not_at_all(audit, caller, db):
    async def change(*, fails):
        async with db.acting(caller.organization_id) as tx:
            await audit.record_in(tx, caller, "key.create", "key-1", key_type="agent")
            if fails:
                raise LookupError

    with pytest.raises(LookupError):
        await change(fails=True)
    assert await entries(audit, caller) == []
    await change(fails=False)
    read = await only(audit, caller)
    assert (read.action, read.target, read.outcome, read.details) == (
        "key.create",
        "key-1",
        "ok",
        {"key_type": "agent"},
    )


async def test_what_a_caller_names_can_be_anything(audit, caller):
    await audit.record(caller, "x\0y", "\ud800" + "long" * 1000, note="\0")
    read = await only(audit, caller)
    assert read.action == "x\ufffdy"
    assert read.target == "?" + ("long" * 50)[:199]
    assert read.details == {"note": "\ufffd"}


async def test_filters_choose_by_every_fact(audit, caller):
    for tool, outcome in (("github.get_issue", "ok"), ("jira.get_issue", "error"), ("github.get_issue", "error")):
        entry = await opened(audit, caller, tool=tool, service=tool.partition(".")[0])
        await entry.close(outcome)
    await audit.record(caller, "key.create", "k")
    newest, _, _, oldest = await entries(audit, caller)
    assert newest.action == "key.create"
    for filters, count in (
        ({"actor": caller.user_id}, 4),
        ({"actor": caller.key_id}, 4),
        ({"actor": new_id()}, 0),
        ({"action": "tool.call"}, 3),
        ({"service": "github"}, 2),
        ({"tool": "jira.get_issue"}, 1),
        ({"outcome": "error"}, 2),
        ({"outcome": "error", "service": "jira"}, 1),
        ({"since": newest.at}, 1),
        ({"until": newest.at}, 3),
        ({"since": oldest.at, "until": newest.at}, 3),
        ({"until": oldest.at}, 0),
        ({"since": datetime.min.replace(tzinfo=UTC), "until": datetime.max.replace(tzinfo=UTC)}, 4),
    ):
        assert len(await entries(audit, caller, **filters)) == count, filters


async def test_pages_hold_every_entry_once_newest_first(audit, caller):
    for number in range(7):
        await audit.record(caller, "key.create", str(number))
    seen, before = [], None
    while True:
        page = await audit.read(caller, Filters(limit=3, before=before))
        seen += [entry.target for entry in page.entries]
        before = page.next
        if before is None:
            break
    assert seen == ["6", "5", "4", "3", "2", "1", "0"]


async def test_reading_needs_the_scope_and_an_admins_role(audit, somebody):
    for rights in (
        Rights(["read"], "member", "admin"),
        Rights(["admin"], "admin", "user"),
        Rights(["write"], "owner", "agent"),
    ):
        with pytest.raises(InsufficientScope):
            await audit.read(somebody(rights=rights), Filters())


async def test_another_organization_sees_nothing(audit, caller, stranger):
    await audit.record(caller, "key.create", "k")
    audit.refused(caller, "tool.call", "insufficient_scope")
    await opened(audit, caller)
    assert await entries(audit, stranger) == []
    assert await entries(audit, stranger, actor=caller.user_id) == []
    assert await entries(audit, stranger, before=new_id()) == []
    assert len(await entries(audit, caller)) == 3


async def test_two_readers_read_at_once_and_the_others_wait(mesh, caller, monkeypatch):
    page, reading, most = store.page, 0, 0

    async def counted(*arguments):
        nonlocal reading, most
        reading += 1
        most = max(most, reading)
        await asyncio.sleep(0.01)
        reading -= 1
        return await page(*arguments)

    monkeypatch.setattr(store, "page", counted)
    await asyncio.gather(*(mesh.app.audit.read(caller, Filters()) for _ in range(10)))
    assert most == 2
