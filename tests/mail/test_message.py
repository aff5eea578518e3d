from dataclasses import replace
from email import message_from_bytes, policy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devmesh.ids import new_id
from devmesh.mail.message import Mail, compose, mail_host

MAIL = Mail(
    to="ada@example.com",
    subject="Verify",
    before=("Somebody & co <b>.",),
    link="https://mesh.example.com/verify#token=abc",
    action="Verify",
    after=("Otherwise, do nothing.",),
)
SENDER = "Developer Mesh <no-reply@mesh.example.com>"


def composed(mail, mail_id=None, sender=SENDER):
    content = compose(mail, mail_id or new_id(), sender, "mesh.example.com")
    return message_from_bytes(content.replace(b"\r\n", b"\n"), policy=policy.default)


def test_a_message_has_one_link_in_text_and_in_html():
    message = composed(MAIL)
    assert message["From"] == SENDER
    assert message.get_content_type() == "multipart/alternative"
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text == "Somebody & co <b>.\n\nhttps://mesh.example.com/verify#token=abc\n\nOtherwise, do nothing.\n"
    assert '<a href="https://mesh.example.com/verify#token=abc">Verify</a>' in html
    assert "Somebody &amp; co &lt;b&gt;." in html


def test_a_notice_has_no_link():
    message = composed(Mail(to="ada@example.com", subject="Changed", before=("Your password was changed.",)))
    text, html = (message.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert text == "Your password was changed.\n"
    assert "<p>Your password was changed.</p>" in html
    assert "href" not in html


def test_a_message_in_any_script_is_readable():
    mail = replace(MAIL, subject="Pr\u00fcfen", before=("\u6771\u4eac",), action="\u00d6ffnen")
    message = composed(mail)
    assert message["Subject"] == "Pr\u00fcfen"
    assert "\u6771\u4eac" in message.get_body(("plain",)).get_content()
    assert "\u00d6ffnen" in message.get_body(("html",)).get_content()


def test_a_message_holds_nothing_that_a_mail_server_may_refuse():
    mail = replace(MAIL, subject="Pr\u00fcfen " * 40, before=("word " * 400, "\u6771" * 400, ".", "x" * 2000))
    content = compose(mail, new_id(), SENDER, "mesh.example.com")
    assert content.isascii()
    assert content.endswith(b"\r\n")
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert max(map(len, content.split(b"\r\n"))) <= 998
    assert composed(mail).get_body(("plain",)).get_content().split("\n\n")[0] == "word " * 400


def test_a_message_that_is_made_again_is_the_same():
    mail_id = new_id()
    again = [compose(MAIL, mail_id, SENDER, "mesh.example.com") for _ in range(2)]
    assert again[0] == again[1]
    assert f"Message-ID: <{mail_id}@mesh.example.com>".encode() in again[0]


def test_a_mail_shows_neither_link_nor_person_in_a_log():
    assert "token" not in repr(MAIL)
    assert "ada" not in repr(MAIL)
    assert "Somebody" not in repr(MAIL)


@pytest.mark.parametrize("end", ["\r\n", "\r", "\n", "\x0b", "\x0c", "\x85", "\u2028", "\u2029", "\0"])
@pytest.mark.parametrize("text", ["Ada{}Bcc: eve@example.com", "{}Ada", "Ada{}", "Ada{}{} <script>"])
def test_no_subject_has_a_second_line(end, text):
    with pytest.raises(ValueError, match="one line"):
        replace(MAIL, subject=f"{text.format(end, end)} invites you")


@pytest.mark.parametrize(
    "to",
    [
        "ada@example.com\r\nBcc: eve@example.com",
        "ada@example.com\n",
        "ada@example.com, eve@example.com",
        "Ada <ada@example.com>",
        "ada@EXAMPLE.com",
        "ada@b\u00fccher.example",
        " ada@example.com",
    ],
)
def test_a_recipient_is_one_parsed_address(to):
    with pytest.raises(ValueError, match="must"):
        replace(MAIL, to=to)


NAMES = st.text(st.characters(exclude_categories=("Cs",)), max_size=60)


@given(subject=NAMES, paragraph=NAMES)
def test_no_text_of_anybodys_choosing_becomes_a_header(subject, paragraph):
    try:
        mail = replace(MAIL, subject=subject, before=(paragraph, f"{paragraph}\r\n.\r\nRCPT TO:<eve@example.com>"))
    except ValueError:
        return
    message = composed(mail)
    names = ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"]
    assert [name.lower() for name in message] == [name.lower() for name in names]
    assert message["To"] == "ada@example.com"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://mesh.example.com:8443", "mesh.example.com"),
        ("http://192.0.2.1:8081", "[192.0.2.1]"),
        ("http://[::1]:8081", "[IPv6:::1]"),
    ],
)
def test_the_public_urls_host_is_written_as_mail_writes_it(url, host):
    assert mail_host(url) == host
