from __future__ import annotations

import pytest

from devmesh.settings import SETTINGS, Settings, SettingsError, SmtpUrl

PUBLIC = {"DEVMESH_PUBLIC_URL": "https://mesh.example.com"}


def problem(url: str, **environ: str) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.load({"DEVMESH_SMTP_URL": url, **PUBLIC, **environ})
    (found,) = caught.value.problems
    assert found.startswith("DEVMESH_SMTP_URL: ")
    return found


def load(url: str, **environ: str) -> SmtpUrl:
    found = Settings.load({"DEVMESH_SMTP_URL": url, **PUBLIC, **environ}).smtp_url
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("url", "meant"),
    [
        ("smtp://mail.example.com", SmtpUrl("mail.example.com", 587, "starttls")),
        ("smtps://Mail.Example.com", SmtpUrl("mail.example.com", 465, "tls")),
        ("smtp://u:p@mail.example.com:2525/", SmtpUrl("mail.example.com", 2525, "starttls", "u", "p")),
        ("smtp://u%40x:p%2F%23%3F@h.example", SmtpUrl("h.example", 587, "starttls", "u@x", "p/#?")),
        ("smtp://u@x.example:p@h.example", SmtpUrl("h.example", 587, "starttls", "u@x.example", "p")),
        ("smtp://127.0.0.1:25?starttls=never", SmtpUrl("127.0.0.1", 25, "none")),
        ("smtp://u:p@localhost:25?starttls=never", SmtpUrl("localhost", 25, "none", "u", "p")),
        ("smtp://u:p@[::1]:25?starttls=never", SmtpUrl("::1", 25, "none", "u", "p")),
        ("smtp://relay.internal?starttls=never", SmtpUrl("relay.internal", 587, "none")),
        (
            "smtp://h.example?from=Team Mesh <mesh@example.com>",
            SmtpUrl("h.example", 587, "starttls", None, None, "Team Mesh", "mesh@example.com"),
        ),
        (
            'smtp://h.example?from="B%C3%BCcher, Inc." <mesh+x@example.com>',
            SmtpUrl("h.example", 587, "starttls", None, None, "B\u00fccher, Inc.", "mesh+x@example.com"),
        ),
        (
            "smtp://h.example?from=mesh@example.com",
            SmtpUrl("h.example", 587, "starttls", None, None, "Developer Mesh", "mesh@example.com"),
        ),
    ],
)
def test_a_mail_server_is_named_by_one_address(url: str, meant: SmtpUrl):
    assert load(url) == meant


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mail.example.com", "neither smtp:// nor smtps://"),
        ("http://mail.example.com", "neither smtp:// nor smtps://"),
        ("http://mail.example.com:25", "neither smtp:// nor smtps://"),
        ("smtp://", "names no host"),
        ("smtp://:587", "names no host"),
        ("smtp://ex ample.com", "names no host"),
        ("smtp://h.example:0x", "no port from 1 to 65535"),
        ("smtp://h.example:99999", "no port from 1 to 65535"),
        ("smtp://h.example:0", "no port from 1 to 65535"),
        ("smtp://h.example/path", "holds a path or a #"),
        ("smtp://u:p#w@h.example", "# as %23"),
        ("smtp://u:p@h.example#x", "holds a path or a #"),
        ("smtp://user@h.example", "belong together"),
        ("smtp://:word@h.example", "belong together"),
        ("smtp://u:p%0D%0ARSET@h.example", "control character"),
        ("smtp://h.example?form=a@example.com", "there is no option 'form'"),
        ("smtp://h.example?starttls=no", "takes only 'never'"),
        ("smtps://h.example?starttls=never", "encrypted from the start"),
        ("smtp://u:p@h.example?starttls=never", "in the clear"),
        ("smtp://u:p@127.0.0.1.example?starttls=never", "in the clear"),
        ("smtp://u:p@10.0.0.1?starttls=never", "in the clear"),
        ("smtp://h.example?from=", "no sender"),
        ("smtp://h.example?from=mesh", "no sender"),
        ("smtp://h.example?from=mesh@localhost", "no sender"),
        ("smtp://h.example?from=a@example.com,b@example.com", "no sender"),
        ("smtp://h.example?from=A%0D%0ABcc:%20eve@example.com <a@example.com>", "no sender"),
        ("smtp://h.example?from=A <a@example.com%0ABcc:x@example.com>", "no sender"),
        ("smtp://h.example?from=A <a@example.com> <b@example.com>", "no sender"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused_with_the_mend(url: str, words: str):
    assert words in problem(url)


def test_all_that_is_wrong_is_told_at_once_and_nothing_secret():
    found = problem("smtp://user:hunter2@h.example/x?starttls=never&from=nobody&tls=yes")
    for words in ("holds a path", "no sender", "no option 'tls'", "in the clear"):
        assert words in found
    assert "hunter2" not in found


@pytest.mark.parametrize("host", ["localhost", "192.0.2.1", "[2001:db8::1]", "mesh"])
def test_mail_is_from_the_public_host_or_from_whom_the_operator_names(host: str):
    public = {"DEVMESH_PUBLIC_URL": f"http://{host}:8081"}
    assert "add ?from=" in problem("smtp://h.example", **public)
    assert load("smtp://h.example?from=mesh@example.com", **public).sender_address == "mesh@example.com"


def test_neither_password_nor_user_is_shown():
    settings = Settings.load({"DEVMESH_SMTP_URL": "smtp://somebody:hunter2@h.example", **PUBLIC})
    for shown in (repr(settings), repr(settings.smtp_url), str(settings.smtp_url)):
        assert "hunter2" not in shown
        assert "somebody" not in shown
    assert str(settings.smtp_url) == "smtp://h.example:587"


def test_without_it_there_is_no_mail_server():
    assert Settings.load({}).smtp_url is None
    assert "DEVMESH_SMTP_URL" in {setting.name for setting in SETTINGS}
