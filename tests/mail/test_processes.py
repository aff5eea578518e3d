"""Several processes on one table, and the death of one at the worst moment."""

import asyncio
import base64
import json
import sys
from collections import Counter
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from mail.conftest import DAY, PUBLIC_URL, letter

SENDER = Path(__file__).with_name("sender.py")


@pytest.fixture
def process(post, post_postgres, master_key):
    """Start a sender in a process of its own."""

    @asynccontextmanager
    async def start(smtp_url=None):
        environ = {"DEVMESH_DATA_DIR": str(post.data_dir), "DEVMESH_PUBLIC_URL": PUBLIC_URL}
        if smtp_url:
            environ["DEVMESH_SMTP_URL"] = smtp_url
        given = {
            "connect": post_postgres.app_dsn,
            "master_key": base64.b64encode(master_key).decode(),
            "environ": environ,
        }
        pipe = asyncio.subprocess.PIPE
        running = await asyncio.create_subprocess_exec(sys.executable, SENDER, stdin=pipe, stdout=pipe)
        running.stdin.write(f"{json.dumps(given)}\n".encode())
        try:
            yield running
        finally:
            if running.returncode is None:
                running.stdin.write(b"\n")
                async with asyncio.timeout(60):
                    assert await running.wait() == 0
            running._transport.close()

    return start


async def put(post, count, **environ):
    """Leave mails behind, as a process does that dies at once after its commits."""
    outbox = post.unopened(**environ)
    async with post.db.routing() as tx:
        for number in range(count):
            await outbox.put(tx, letter(f"p{number}@example.com"), event=f"test:{number}", lifetime=DAY)


async def settled(running):
    async with asyncio.timeout(60):
        assert await running.stdout.readline() == b"settled\n"


async def test_processes_at_once_send_each_mail_once(post, server, process):
    await put(post, 60, smtp_url=server.plain)
    async with process(server.plain) as one, process(server.plain) as other, post.outbox(server.plain) as here:
        await settled(one)
        await settled(other)
        await here.settled()
    assert Counter(envelope[1][0] for envelope in server.envelopes) == {f"p{n}@example.com": 1 for n in range(60)}
    assert [row["sealed"] for row in await post.rows()] == [None] * 60
    assert all(row["attempts"] == 1 for row in await post.rows())


async def test_a_sender_killed_before_the_message_ends_leaves_it_to_another(post, server, process):
    await put(post, 1, smtp_url=server.plain)
    asked = asyncio.Event()

    async def wait(_address):
        asked.set()
        await asyncio.sleep(3600)

    server.on_rcpt = wait
    async with process(server.plain) as running:
        await asked.wait()
        running.kill()
        await running.wait()
    server.on_rcpt = lambda _: None
    async with post.outbox(server.plain) as outbox:
        # Not at once: nobody knows yet that the other is dead.
        await outbox.settled()
        assert server.taken == []
        await post.hurry(outbox)
    assert len(server.taken) == 1


@pytest.mark.parametrize("taken", [True, False])
async def test_a_sender_killed_while_the_server_has_the_whole_message_is_followed_by_no_second_mail(
    post, server, process, caplog, taken
):
    await put(post, 1, smtp_url=server.plain)
    received, asked = [], asyncio.Event()

    async def wait(_session):
        if taken:
            received.append(1)
        asked.set()
        await asyncio.sleep(3600)

    server.on_data = wait
    async with process(server.plain) as running:
        await asked.wait()
        running.kill()
        await running.wait()
    server.on_data = lambda _: received.append(1)
    (row,) = await post.rows()
    assert row["handed_over_at"] is not None
    async with post.outbox(server.plain) as outbox:
        await outbox.settled()
        await post.hurry(outbox, tidy=True)
        await post.hurry(outbox, tidy=True)
    assert len(received) == taken
    assert "(test:0) was sent is not known: its sender died; it is not repeated" in caplog.text
    assert [row["sealed"] for row in await post.rows()] == [None]


async def test_a_sender_that_slept_while_another_took_its_mail_does_not_end_the_message(post, server):
    """What a stopped process, or a machine that was asleep, does when it goes on."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def wait(_address):
        asked.set()
        await go_on.wait()

    server.on_rcpt = wait
    async with post.outbox(server.plain) as slow:
        await post.put(slow)
        await asked.wait()
        server.on_rcpt = lambda _: None
        async with post.outbox(server.plain) as other:
            await post.hurry(other)
        assert len(server.taken) == 1
        go_on.set()
        await slow.settled()
    assert len(server.taken) == 1


async def test_processes_at_once_write_each_file_once_and_after_a_crash_the_same_one(post, process):
    await put(post, 20)
    async with process() as one, process() as other:
        await settled(one)
        await settled(other)
    folder = post.data_dir / "outbox"
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert len(before) == 20
    # As if it had died between the file and the row.
    await put_back(post)
    async with post.outbox() as outbox:
        await post.hurry(outbox)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


async def put_back(post):
    folder = str(post.data_dir / "outbox")
    for row in await post.rows():
        number = row["event"].partition(":")[2]
        sealed = post.sealed(row["id"], letter(f"p{number}@example.com"))
        async with post.db.routing() as tx:
            await tx.run("delete from mail_outbox where id = $1", row["id"])
            await tx.run(
                "insert into mail_outbox (id, event, folder, sealed, expires_at) "
                "values ($1, $2, $3, $4, now() + interval '1 day')",
                *(row["id"], row["event"], folder, sealed),
            )
