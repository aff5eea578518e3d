"""What `devmesh doctor` says of the mail server."""

import pytest

from devmesh.cli import doctor_mail
from devmesh.settings import Settings
from mail.conftest import PUBLIC_URL

USER = "mesh:pa%2Fss%20w%40rd@"


async def look(url=None):
    environ = {"DEVMESH_PUBLIC_URL": PUBLIC_URL, "DEVMESH_DATA_DIR": "/data"}
    return await doctor_mail.look(Settings.load(environ | ({"DEVMESH_SMTP_URL": url} if url else {})))


@pytest.mark.usefixtures("trusted")
async def test_a_server_that_takes_our_password_is_well_and_is_sent_nothing(serve):
    server = await serve(tls=True, auth=True)
    found = await look(server.url(USER))
    assert (found.mend, server.taken) == ("", [])
    assert found.what == f"mail by smtp://localhost:{server.port}: takes our connection and our password"


@pytest.mark.usefixtures("trusted")
async def test_what_is_wrong_is_said_with_the_mend_and_without_the_password(serve):
    server = await serve(tls=True, auth=True)
    plain = await serve()
    for url, words in (
        (server.url("mesh:hunter2@"), "it refuses the user or the password"),
        (plain.url(), "STARTTLS extension not supported"),
        ("smtp://localhost:1", "connecting"),
        ("smtp://nowhere.invalid", "connecting"),
    ):
        found = await look(url)
        assert words in found.what
        assert "DEVMESH_SMTP_URL" in found.mend
        assert "hunter2" not in found.what + found.mend


async def test_a_certificate_that_is_not_trusted_is_said_to_be(serve):
    server = await serve(tls=True)
    found = await look(server.url())
    assert "certificate is not to be trusted" in found.what
    assert "SSL_CERT_FILE" in found.mend


async def test_without_a_mail_server_the_folder_is_named():
    found = await look()
    assert (found.mend, "/data/outbox" in found.what) == ("", True)
