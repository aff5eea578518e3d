import asyncio
import logging

import pytest

from authority import Authority
from devmesh.mail import sending, smtp
from mail.conftest import DAY, letter

SECRETS = ("TheSecretOfTheLink", "ada@example.com", "pa/ss w@rd", "pa%2Fss")
USER = "mesh:pa%2Fss%20w%40rd@"


@pytest.fixture(autouse=True)
def log(caplog):
    """No test's log holds a link, a recipient or a password."""
    caplog.set_level(logging.DEBUG)
    yield caplog
    for record in caplog.records:
        if record.name.startswith("devmesh"):
            assert not any(secret in record.getMessage() for secret in SECRETS), record.getMessage()


async def test_a_mail_arrives_whole_with_its_recipient_and_its_sender(post, server):
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await outbox.settled()
    (message,) = server.taken
    assert server.envelopes == [("no-reply@mesh.example.com", ["ada@example.com"])]
    assert message["From"] == "Developer Mesh <no-reply@mesh.example.com>"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert "https://mesh.example.com/verify#token=TheSecretOfTheLink" in text
    assert "\n.a line that begins with a dot\n" in text
    assert 'href="https://mesh.example.com/verify#token=TheSecretOfTheLink"' in html


async def test_the_sender_is_who_the_operator_says(post, server):
    url = f"{server.plain}&from=B\u00fccher %26 Co <post+mesh@example.org>"
    async with post.outbox(url) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert server.envelopes[0][0] == "post+mesh@example.org"
    assert server.taken[0]["From"] == "B\u00fccher & Co <post+mesh@example.org>"
    assert server.raw[0].isascii()


@pytest.mark.usefixtures("trusted")
async def test_credentials_go_over_tls_that_our_authority_vouches_for(post, serve):
    server = await serve(tls=True, auth=True)
    async with post.outbox(server.url(USER)) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert server.encrypted == [True]
    assert server.logins == [(b"mesh", b"pa/ss w@rd")]


@pytest.mark.usefixtures("trusted")
async def test_smtps_is_encrypted_from_the_first_byte(post, serve):
    server = await serve(implicit=True, auth=True)
    async with post.outbox(server.url(USER).replace("smtp:", "smtps:")) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert len(server.taken) == 1
    assert server.logins == [(b"mesh", b"pa/ss w@rd")]


@pytest.mark.parametrize("scheme", ["smtp", "smtps"])
async def test_a_certificate_that_nobody_vouches_for_gets_no_password(post, serve, log, scheme):
    server = await serve(tls=scheme == "smtp", implicit=scheme == "smtps", auth=True)
    async with post.outbox(server.url(USER).replace("smtp:", f"{scheme}:")) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert (server.taken, server.logins) == ([], [])
    assert "certificate is not to be trusted" in log.text
    assert [row["sealed"] is not None for row in await post.rows()] == [True]


async def test_a_certificate_for_another_host_is_refused(post, serve, tmp_path, monkeypatch, log):
    other = Authority(tmp_path, host="mail.example.net")
    monkeypatch.setenv("SSL_CERT_FILE", str(other.file))
    server = await serve(tls=True, auth=True, context=other.server_context())
    async with post.outbox(server.url(USER)) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert (server.taken, server.logins) == ([], [])
    assert "certificate is not to be trusted" in log.text


@pytest.mark.usefixtures("trusted")
@pytest.mark.parametrize("user", ["", USER])
async def test_without_starttls_nothing_is_sent_unless_the_operator_says_so(post, serve, log, user):
    server = await serve(auth=bool(user))
    async with post.outbox(server.url(user)) as outbox:
        await post.put(outbox)
        await outbox.settled()
        assert (server.taken, server.logins) == ([], [])
        assert "STARTTLS extension not supported" in log.text


async def test_this_machines_own_server_gets_the_password_in_the_clear(post, serve):
    server = await serve(auth=True)
    async with post.outbox(server.url(USER, "127.0.0.1", "?starttls=never")) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert (len(server.taken), server.encrypted) == (1, [False])


@pytest.mark.usefixtures("trusted")
async def test_a_wrong_password_is_told_and_the_mail_waits_for_the_right_one(post, serve, log):
    server = await serve(tls=True, auth=True)
    async with post.outbox(server.url("mesh:wrong@")) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert "535 5.7.8 on logging in: it refuses the user or the password" in log.text
    assert server.taken == []
    async with post.outbox(server.url(USER)) as outbox:
        await post.hurry(outbox)
    assert len(server.taken) == 1


@pytest.mark.parametrize("where", ["mail", "rcpt", "data"])
async def test_what_a_server_defers_is_sent_later_as_the_same_message(post, server, where):
    said = iter(["451 4.3.0 Try again", "421 4.3.2 ada@example.com later"])
    seen = []

    def defer(*_):
        seen.append(where)
        return next(said, None)

    setattr(server, f"on_{where}", defer)
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await outbox.settled()
        (row,) = await post.rows()
        assert (row["attempts"], row["handed_over_at"]) == (1, None)
        assert 55 < (row["next_at"] - row["created_at"]).total_seconds() < 95
        await post.hurry(outbox)
        await post.hurry(outbox)
        await post.hurry(outbox)
    assert (len(server.taken), len(seen)) == (1, 3)
    assert server.taken[0]["Message-ID"] == f"<{row['id']}@mesh.example.com>"


@pytest.mark.parametrize("where", ["rcpt", "data"])
async def test_what_a_server_refuses_is_given_up_and_told_without_the_person(post, server, where, log):
    setattr(server, f"on_{where}", lambda _: "550 5.1.1 <ada@example.com> unknown, TheSecretOfTheLink")
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox, event="test:refused")
        await outbox.settled()
        await post.hurry(outbox)
        setattr(server, f"on_{where}", lambda _: None)
        # The connection is as good as before.
        await post.put(outbox, letter("bo@example.com"))
        await outbox.settled()
    assert "(test:refused) is given up: the mail server answered 550 5.1.1" in log.text
    assert [envelope[1] for envelope in server.envelopes] == [["bo@example.com"]]
    assert [row["sealed"] for row in await post.rows()] == [None, None]


async def test_a_sender_that_is_refused_is_for_the_operator_to_mend(post, server):
    server.on_mail = lambda: "553 5.7.1 not yours"
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await outbox.settled()
        server.on_mail = lambda: None
        await post.hurry(outbox)
    assert len(server.taken) == 1


async def test_a_server_that_is_away_is_tried_again(post, serve, log):
    server = await serve()
    port, server.port = server.port, 1
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await outbox.settled()
    assert "on connecting" in log.text
    server.port = port
    async with post.outbox(server.plain) as outbox:
        await post.hurry(outbox)
    assert len(server.taken) == 1


async def test_a_server_that_drops_the_connection_within_the_message_gets_it_again(post, server, log):
    """The row is locked meanwhile, so that the sender comes to know before it ends the message."""
    dropping = await Rude.start()
    async with post.outbox(dropping.url) as outbox:
        await post.put(outbox)
        await dropping.asked.wait()
        async with post.db.routing() as tx:
            await tx.one("select 1 from mail_outbox for update")
            dropping.go_on.set()
            await dropping.dropped.wait()
            await asyncio.sleep(0.1)
        await outbox.settled()
    assert "on ending the message" in log.text or "within the message" in log.text
    (row,) = await post.rows()
    assert (row["handed_over_at"], row["sealed"] is not None) == (None, True)
    async with post.outbox(server.plain) as outbox:
        await post.hurry(outbox)
    assert len(server.taken) == 1
    dropping.close()


@pytest.mark.parametrize("how", ["silent", "gone"])
async def test_a_server_that_says_nothing_to_the_whole_message_is_not_sent_it_twice(
    post, server, log, monkeypatch, how
):
    monkeypatch.setattr(sending, "_LAST_WORD_SECONDS", 0.2)
    received = []

    async def swallow(session):
        received.append(1)
        if how == "gone":
            session.transport.abort()
        await asyncio.sleep(3600)

    server.on_data = swallow
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox, event="test:swallowed")
        await outbox.settled()
        await post.hurry(outbox)
    assert received == [1]
    assert "(test:swallowed) was sent is not known" in log.text
    assert "it is not repeated" in log.text
    assert [(row["sealed"], row["handed_over_at"] is not None) for row in await post.rows()] == [(None, True)]


async def test_a_server_that_hangs_before_the_message_ends_is_tried_again(post, server, monkeypatch):
    server.on_rcpt = lambda _: asyncio.sleep(3600)
    with monkeypatch.context() as patched:
        patched.setattr(smtp, "_ATTEMPT_SECONDS", 0.3)
        async with post.outbox(server.plain) as outbox:
            await post.put(outbox)
            await outbox.settled()
    server.on_rcpt = lambda _: None
    async with post.outbox(server.plain) as outbox:
        await post.hurry(outbox)
    assert len(server.taken) == 1


async def test_one_slow_mail_holds_up_neither_the_others_nor_the_event_loop(post, server):
    freed = asyncio.Event()

    def slowly(address):
        return _until(freed) if address == "slow@example.com" else None

    server.on_rcpt = slowly
    async with post.outbox(server.plain) as outbox:
        for _ in range(3):
            await post.put(outbox, letter("slow@example.com"))
        for _ in range(20):
            await post.put(outbox)
        async with asyncio.timeout(30):
            while len(server.taken) < 20:
                begun = asyncio.get_running_loop().time()
                await asyncio.sleep(0.01)
                assert asyncio.get_running_loop().time() - begun < 5
        freed.set()
        await outbox.settled()
    assert len(server.taken) == 23


async def test_many_mails_share_a_few_connections(post, server):
    async with post.outbox(server.plain) as outbox:
        async with post.db.routing() as tx:
            for number in range(60):
                await outbox.put(tx, letter(f"p{number}@example.com"), event=f"test:{number}", lifetime=DAY)
        await outbox.settled()
    assert sorted(envelope[1][0] for envelope in server.envelopes) == sorted(f"p{n}@example.com" for n in range(60))
    assert server.most_at_once <= 4
    assert server.connections <= 8


async def test_a_connection_serves_no_more_mails_than_servers_like(post, server, monkeypatch):
    monkeypatch.setattr(smtp, "_MOST_MAILS", 2)
    async with post.outbox(server.plain) as outbox:
        async with post.db.routing() as tx:
            for number in range(30):
                await outbox.put(tx, letter(), event=f"test:{number}", lifetime=DAY)
        await outbox.settled()
    assert len(server.taken) == 30
    assert server.connections >= 15


async def test_a_connection_that_the_server_ended_between_two_mails_is_replaced(post, server):
    server.on_rcpt = lambda address: "421 4.3.2 closing" if address == "bo@example.com" else None
    async with post.outbox(server.plain) as outbox:
        async with post.db.routing() as tx:
            for number, to in enumerate(("bo@example.com", "ada@example.com", "bo@example.com", "ada@example.com")):
                await outbox.put(tx, letter(to), event=f"test:{number}", lifetime=DAY)
        await outbox.settled()
    assert len(server.taken) == 2


def patiently(outbox, monkeypatch, *seconds):
    """Have each of the three waits of the outbox's end last so long; what is to be done meanwhile takes its time."""
    whole, each = outbox._lanes_end, iter(seconds)
    monkeypatch.setattr(outbox, "_lanes_end", lambda _: whole(next(each)))


async def test_the_end_waits_a_little_and_gives_the_mail_back(post, server, monkeypatch):
    server.on_rcpt = lambda _: asyncio.sleep(3600)
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await _reached(post)
        patiently(outbox, monkeypatch, 0.2, 30, 30)
        begun = asyncio.get_running_loop().time()
        await outbox.close()
        assert asyncio.get_running_loop().time() - begun < 20
    (row,) = await post.rows()
    assert row["sealed"] is not None
    server.on_rcpt = lambda _: None
    # At once, not after a minute: nothing was wrong with it.
    async with post.outbox(server.plain) as outbox:
        await outbox.settled()
    assert len(server.taken) == 1


async def test_the_end_does_not_cut_off_a_mail_that_is_nearly_sent(post, server):
    arrived = asyncio.Event()

    def nearly(_session):
        arrived.set()
        return asyncio.sleep(0.3)

    server.on_data = nearly
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox)
        await arrived.wait()
    assert len(server.taken) == 1
    assert [row["sealed"] for row in await post.rows()] == [None]


async def test_the_end_says_of_which_mail_nobody_knows_whether_it_was_sent(post, server, log, monkeypatch):
    server.on_data = lambda _: asyncio.sleep(3600)
    async with post.outbox(server.plain) as outbox:
        await post.put(outbox, event="test:swallowed")
        async with asyncio.timeout(30):
            while not (await post.rows())[0]["handed_over_at"]:  # noqa: ASYNC110 - another's row
                await asyncio.sleep(0.01)
        patiently(outbox, monkeypatch, 0.2, 0.2, 30)
        await outbox.close()
    assert "(test:swallowed) was sent is not known" in log.text
    assert [row["sealed"] for row in await post.rows()] == [None]


async def _reached(post):
    async with asyncio.timeout(30):
        while (await post.rows())[0]["attempts"] == 0:  # noqa: ASYNC110 - another's row
            await asyncio.sleep(0.01)


async def _until(event):
    await event.wait()


class Rude:
    """A mail server that drops the connection at the message's first line."""

    def __init__(self):
        self.asked, self.go_on, self.dropped = asyncio.Event(), asyncio.Event(), asyncio.Event()

    @classmethod
    async def start(cls):
        rude = cls()
        rude._server = await asyncio.start_server(rude._serve, "127.0.0.1", 0)
        rude.url = f"smtp://127.0.0.1:{rude._server.sockets[0].getsockname()[1]}?starttls=never"
        return rude

    def close(self):
        self._server.close()

    async def _serve(self, reader, writer):
        writer.write(b"220 rude\r\n")
        while not (await reader.readline()).startswith(b"DATA"):
            writer.write(b"250 OK\r\n")
        self.asked.set()
        await self.go_on.wait()
        writer.write(b"354 go on\r\n")
        await reader.readline()
        writer.transport.abort()
        self.dropped.set()
