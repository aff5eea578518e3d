import asyncio
import stat
from email import message_from_bytes, policy

import pytest

from devmesh.ids import new_id
from devmesh.mail.message import Mail, compose
from devmesh.mail.outbox import Outbox, OutboxFailed

MAIL = Mail(
    to="ada@example.com",
    subject="Verify",
    before=("Somebody & co <b>.",),
    link="https://mesh.example.com/verify#token=abc",
    action="Verify",
    after=("Otherwise, do nothing.",),
)


def parsed(content):
    return message_from_bytes(content, policy=policy.default)


def test_a_message_has_one_link_in_text_and_in_html():
    message = parsed(compose(MAIL, new_id(), "https://mesh.example.com"))
    assert message["From"] == "Developer Mesh <no-reply@mesh.example.com>"
    assert message.get_content_type() == "multipart/alternative"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text == "Somebody & co <b>.\n\nhttps://mesh.example.com/verify#token=abc\n\nOtherwise, do nothing.\n"
    assert '<a href="https://mesh.example.com/verify#token=abc">Verify</a>' in html
    assert "Somebody &amp; co &lt;b&gt;." in html


def test_a_message_in_any_script_is_readable():
    mail = Mail(
        to="ada@example.com", subject="Pr\u00fcfen", before=("\u6771\u4eac",), link=MAIL.link, action="\u00d6ffnen"
    )
    message = parsed(compose(mail, new_id(), "http://[::1]:8081"))
    assert message["Subject"] == "Pr\u00fcfen"
    assert message["From"].endswith("<no-reply@[IPv6:::1]>")
    assert "\u6771\u4eac" in message.get_body(("plain",)).get_content()


def test_a_mail_shows_no_link_in_a_log():
    assert "token" not in repr(MAIL)


def test_a_header_takes_no_second_line():
    mail = Mail(to="ada@example.com\r\nBcc: eve@example.com", subject="x", before=(), link="x", action="x")
    with pytest.raises(ValueError, match="linefeed"):
        compose(mail, new_id(), "http://localhost")


async def test_every_mail_is_a_file_of_its_own_for_its_owner_alone(tmp_path):
    folder = tmp_path / "data" / "outbox"
    outbox = Outbox(folder, "http://localhost:8081")
    paths = await asyncio.gather(*(outbox.put(MAIL) for _ in range(5)))
    assert sorted(paths) == sorted(folder.iterdir())
    assert {stat.S_IMODE(path.stat().st_mode) for path in paths} == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_a_mail_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "outbox").write_text("in the way")
    with pytest.raises(OutboxFailed):
        await Outbox(tmp_path / "outbox", "http://localhost:8081").put(MAIL)
    assert [path.name for path in tmp_path.iterdir()] == ["outbox"]
