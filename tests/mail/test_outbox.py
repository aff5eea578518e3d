import asyncio
import logging
import re
import stat
from contextvars import ContextVar
from datetime import timedelta

import asyncpg
import pytest

from devmesh.mail import store
from devmesh.mail.sending import pause
from devmesh.metrics import MAILS, MAILS_WAITING
from mail.conftest import DAY, letter


async def files(post, outbox):
    await outbox.settled()
    folder = post.data_dir / "outbox"
    return sorted(folder.iterdir()) if folder.exists() else []


async def test_every_mail_is_a_file_of_its_own_for_its_owner_alone(post):
    async with post.outbox() as outbox:
        await asyncio.gather(*(post.put(outbox) for _ in range(20)))
        found = await files(post, outbox)
    assert len(found) == 20
    assert all(re.fullmatch(r"\d{8}T\d{6}Z-[0-9a-f-]{36}\.eml", file.name) for file in found)
    assert {stat.S_IMODE(file.stat().st_mode) for file in found} == {0o600}
    assert stat.S_IMODE((post.data_dir / "outbox").stat().st_mode) == 0o700
    assert b"\r" not in found[0].read_bytes()


async def put_and_fail(post, outbox):
    async with post.db.routing() as tx:
        await outbox.put(tx, letter(), event="test:1", lifetime=DAY)
        await tx.run("select 1 from nothing")


async def test_a_rollback_takes_its_mail_along(post):
    async with post.outbox() as outbox:
        with pytest.raises(asyncpg.UndefinedTableError):
            await put_and_fail(post, outbox)
        assert await files(post, outbox) == []


async def test_nothing_leaves_before_the_commit(post):
    async with post.outbox() as outbox:
        async with post.db.routing() as tx:
            await outbox.put(tx, letter(), event="test:1", lifetime=DAY)
            assert await files(post, outbox) == []
        assert len(await files(post, outbox)) == 1


async def test_one_event_has_one_mail_also_when_that_is_sent_already(post):
    async with post.outbox() as outbox:
        await asyncio.gather(*(post.put(outbox, event="test:once") for _ in range(5)))
        assert len(await files(post, outbox)) == 1
        await post.put(outbox, event="test:once")
        assert len(await files(post, outbox)) == 1


async def test_a_mail_leaves_without_anybody_waiting_for_it(post, server):
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        async with asyncio.timeout(30):
            while not server.taken:  # noqa: ASYNC110 - a server's list
                await asyncio.sleep(0.01)


async def test_a_copy_of_the_database_holds_neither_link_nor_person(post):
    outbox = post.unopened()
    await post.put(outbox)
    async with post.db.routing() as tx:
        (row,) = [bytes(str(dict(one)), "utf-8") for one in await tx.all("select * from mail_outbox")]
        sealed = await tx.value("select sealed from mail_outbox")
    for secret in (b"TheSecretOfTheLink", b"ada@example.com", b"example.com", b"Verify", b"registered"):
        assert secret not in row
        assert secret not in sealed
    async with post.outbox() as outbox:
        await outbox.settled()
    assert [row["sealed"] for row in await post.rows()] == [None]


async def test_a_row_that_was_swapped_or_altered_is_given_up(post, caplog):
    outbox = post.unopened()
    await post.put(outbox, letter("ada@example.com"))
    await post.put(outbox, letter("eve@example.com"))
    async with post.db.routing() as tx:
        await tx.run(
            "update mail_outbox set sealed = (select o.sealed from mail_outbox o where o.id <> mail_outbox.id)"
        )
    async with post.outbox() as outbox:
        assert await files(post, outbox) == []
    assert caplog.text.count("its row was altered") == 2


async def test_a_mail_that_expires_is_given_up_and_told(post, serve, caplog):
    server = await serve()
    server.on_mail = lambda: "451 later"
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox, event="test:late", lifetime=timedelta(seconds=2))
        await outbox.settled()
        (row,) = await post.rows()
        assert row["next_at"] <= row["expires_at"]
        await asyncio.sleep(2.1)
        server.on_mail = lambda: None
        await post.hurry(outbox, tidy=True)
    assert "(test:late) is given up: it could not be sent before it expired" in caplog.text
    assert (server.taken, await post.rows()) == ([], [])


async def test_a_sender_that_slept_says_nothing_of_a_mail_that_another_has_taken(post):
    await post.put(post.unopened())
    async with post.db.routing() as tx:
        slept = await store.take(tx, None, 0.0)
    async with post.db.routing() as tx:
        taken = await store.take(tx, None, 60.0)
    assert (slept.id, slept.attempt, taken.attempt) == (taken.id, 1, 2)
    before = await post.rows()
    async with post.db.routing() as tx:
        await store.put_off(tx, slept, 0.0)
        await store.conclude(tx, slept)
        assert not await store.hand_over(tx, slept, 60.0)
    assert await post.rows() == before


async def test_rows_of_sent_mails_go_when_they_expire(post):
    async with post.outbox() as outbox:
        for event in ("test:over", "test:kept"):
            await post.put(outbox, event=event)
        assert len(await files(post, outbox)) == 2
        async with post.db.routing() as tx:
            await tx.run("update mail_outbox set expires_at = now() where event = 'test:over'")
        await post.hurry(outbox, tidy=True)
    assert [row["event"] for row in await post.rows()] == ["test:kept"]


async def test_files_are_written_where_the_mail_was_asked_for(post, tmp_path):
    """Two machines without a mail server: each keeps its own."""
    await post.put(post.unopened(DEVMESH_DATA_DIR=str(tmp_path / "other")))
    async with post.outbox() as outbox:
        assert await files(post, outbox) == []
    assert [row["attempts"] for row in await post.rows()] == [0]


async def test_a_mail_that_waited_to_be_a_file_goes_to_the_mail_server_that_came_meanwhile(post, server):
    await post.put(post.unopened())
    async with post.outbox(server.plain) as outbox:
        await outbox.settled()
    assert len(server.taken) == 1


async def test_a_link_that_leads_elsewhere_is_no_mail_of_ours(post):
    outbox = post.unopened()
    for link in (
        "https://evil.example/verify#token=x",
        "https://mesh.example.com.evil.example/",
        "javascript:alert(1)",
    ):
        with pytest.raises(ValueError, match="public URL"):
            await post.put(outbox, letter(link=link))
    assert await post.rows() == []


class Ours:
    """Passes on to a metric what tasks count that begin from now on, and not what others do."""

    def __init__(self, metric):
        self._metric = metric
        self._ours = ContextVar("ours", default=False)
        self._ours.set(True)

    def add(self, *labels):
        if self._ours.get():
            self._metric.add(*labels)

    def set(self, *, to):
        if self._ours.get():
            self._metric.set(to=to)


async def test_mails_are_counted(post, server, monkeypatch):
    # Whatever else in this process sends mails may do so meanwhile.
    monkeypatch.setattr("devmesh.mail.sending.MAILS", Ours(MAILS))
    monkeypatch.setattr("devmesh.mail.outbox.MAILS_WAITING", Ours(MAILS_WAITING))
    before = {outcome: MAILS.value(outcome) for outcome in ("sent", "refused", "retried")}
    said = {"no@example.com": "550 no", "later@example.com": "450 later"}
    server.on_rcpt = said.get
    async with post.outbox(server.plain) as outbox:
        for to in ("ada@example.com", *said):
            await post.put(outbox, letter(to))
        await outbox.settled()
    assert {outcome: MAILS.value(outcome) - before[outcome] for outcome in before} == {
        "sent": 1,
        "refused": 1,
        "retried": 1,
    }
    assert MAILS_WAITING.value() == 1


@pytest.mark.parametrize("place", ["files", "server"])
async def test_production_says_at_the_start_where_mails_go(post, server, caplog, place):
    caplog.set_level(logging.INFO)
    production = {"DEVMESH_ENV": "production", "DEVMESH_MASTER_KEY": "B" * 42 + "A="}
    async with post.outbox(server.plain if place == "server" else None, **production):
        pass
    if place == "files":
        assert f"mails are written as files into {post.data_dir}/outbox: DEVMESH_SMTP_URL is not set" in caplog.text
    else:
        assert f"mails are sent from no-reply@mesh.example.com by smtp://127.0.0.1:{server.port}" in caplog.text


def test_pauses_grow_from_a_minute_to_an_hour_and_no_two_are_alike():
    for attempt, (least, most) in enumerate([(60, 80), (120, 160), (240, 320), (480, 640), (960, 1280), (1920, 2560)]):
        assert all(least <= pause(attempt + 1) <= most for _ in range(50))
    assert all(2700 <= pause(attempt) <= 3600 for attempt in (7, 8, 50, 10_000))
    assert len({pause(1) for _ in range(20)}) > 1


async def test_a_mail_whose_database_went_away_before_it_was_handed_over_is_sent_later(post, server):
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_address):
        asked.set()
        await go_on.wait()

    server.on_rcpt = wait
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await asked.wait()
        async with post.db.routing() as holding, post.db.routing() as tx:
            await holding.one("select 1 from mail_outbox for update")
            go_on.set()
            ended: list[object] = []
            while not ended:
                await tx.value("select pg_stat_clear_snapshot()::text")
                ended = await tx.all(
                    "select pg_terminate_backend(pid) from pg_stat_activity where wait_event_type = 'Lock'"
                )
                await asyncio.sleep(0.05)
            assert len(ended) == 1
            await asyncio.sleep(0.1)
        await outbox.settled()
        assert server.taken == []
        await post.hurry(outbox)
    assert len(server.taken) == 1
