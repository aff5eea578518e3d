"""Registering, logging in and out, and who one is then."""

from __future__ import annotations

import asyncio
import base64
import json
import stat
import time
from typing import TYPE_CHECKING, Any

import pytest

from counting import Counting
from devmesh.factors import totp
from factors.conftest import confirm_app

if TYPE_CHECKING:
    from running import Organization
    from shell import Shell

PASSWORD = "SecurePass123!"


def kept(shell: Shell) -> dict[str, Any]:
    return json.loads(shell.sessions.read_text())


def tokens(shell: Shell) -> dict[str, Any]:
    [login] = kept(shell)["logins"].values()
    return login["tokens"]


def expire(shell: Shell) -> str:
    """Let the kept access token be over, as far as its keeper knows; return its refresh token."""
    content = kept(shell)
    [login] = content["logins"].values()
    login["tokens"]["expires_at"] = time.time() - 1
    shell.sessions.write_text(json.dumps(content))
    return login["tokens"]["refresh_token"]


async def test_a_login_is_kept_for_its_owner_alone_and_shows_no_secret(shell: Shell, organization: Organization):
    email = organization.registered["user"]["email"]
    ran = await shell.type("login", answers=[("E-mail address", email), ("Password (not shown)", PASSWORD)])
    assert (ran.code, f"as {email} ({organization.slug})" in ran.text) == (0, True), ran.out
    directory = shell.sessions.parent
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in directory.iterdir()}
    assert modes == {"sessions.json": 0o600, "sessions.lock": 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    held = tokens(shell)
    for secret in (PASSWORD, held["access_token"], held["refresh_token"]):
        assert secret not in ran.out
    who = await shell.type("whoami")
    assert (who.code, email in who.text, "your login" in who.text) == (0, True, True)


@pytest.mark.parametrize("password", ["wrong", "SecurePass123"])
async def test_a_wrong_password_keeps_nothing_and_ends_with_3(shell: Shell, organization: Organization, password: str):
    ran = await shell.run("login", "--email", organization.registered["user"]["email"], stdin=f"{password}\n")
    assert (ran.code, ran.out) == (3, "")
    assert "do not belong together" in ran.err
    assert password not in ran.err
    assert not shell.sessions.exists()


async def test_without_an_address_or_a_password_nobody_is_waited_for(shell: Shell):
    for words in (("login",), ("login", "--email", "ada@acme.example")):
        ran = await shell.run(*words)
        assert (ran.code, ran.out) == (2, ""), ran.err
        assert "is missing" in ran.err


async def test_a_second_factor_is_asked_for_and_may_be_mistyped(logged_in: Shell, organization: Organization):
    access = tokens(logged_in)["access_token"]
    _, begun = await organization.ask("POST", "/api/v1/auth/mfa/totp", key=access)
    secret = base64.b32decode(begun["secret"])
    path = "/api/v1/auth/mfa/totp/confirm"
    await confirm_app(secret, lambda body: organization.ask("POST", path, body, key=access))
    typed = [
        ("Password (not shown)", PASSWORD),
        ("recovery code (not shown)", "000000"),
        ("recovery code (not shown)", totp.code(secret, int(time.time()) // 30)),
    ]
    ran = await logged_in.type("login", "--email", organization.registered["user"]["email"], answers=typed)
    assert (ran.code, "is not right" in ran.text) == (0, True), ran.out
    assert tokens(logged_in)["access_token"] != access
    assert (await logged_in.run("whoami")).code == 0


async def test_logging_out_ends_the_session_at_the_server_and_forgets_it_here(
    logged_in: Shell, organization: Organization
):
    access = tokens(logged_in)["access_token"]
    ran = await logged_in.type("logout")
    assert (ran.code, "Logged out" in ran.text) == (0, True)
    assert kept(logged_in) == {"current": None, "logins": {}}
    assert (await organization.ask("GET", "/api/v1/auth/profile", key=access))[0] == 401
    again = await logged_in.run("logout")
    assert (again.code, "not logged in" in again.err) == (3, True)
    who = await logged_in.run("whoami")
    assert (who.code, "devmesh login" in who.err) == (3, True)


async def test_logging_out_of_a_server_that_is_away_forgets_the_login_and_says_so(logged_in: Shell):
    content = kept(logged_in)
    [login] = content["logins"].values()
    logged_in.sessions.write_text(
        json.dumps({"current": "http://127.0.0.1:9", "logins": {"http://127.0.0.1:9": login}})
    )
    ran = await logged_in.run("logout", "--url", "http://127.0.0.1:9")
    assert (ran.code, "Forgotten here" in ran.err) == (5, True)
    assert kept(logged_in)["logins"] == {}


async def test_a_session_that_was_ended_elsewhere_is_forgotten(logged_in: Shell, organization: Organization):
    held = tokens(logged_in)
    await organization.ask("POST", "/api/v1/auth/logout", key=held["access_token"])
    ran = await logged_in.run("whoami")
    assert (ran.code, "session has ended" in ran.err, "devmesh login" in ran.err) == (3, True, True), ran.err
    assert kept(logged_in)["logins"] == {}
    assert not any(token in ran.said for token in (held["access_token"], held["refresh_token"]))


async def test_many_commands_at_once_renew_a_session_once(shell: Shell, organization: Organization):
    async with Counting(organization.mesh.url) as server:
        shell.environ["DEVMESH_URL"] = server.url
        await shell.run("login", "--email", organization.registered["user"]["email"], stdin=f"{PASSWORD}\n")
        former = expire(shell)
        ran = await asyncio.gather(*(shell.run("whoami") for _ in range(8)))
        assert [one.code for one in ran] == [0] * 8, ran
        assert server.count("POST", "/api/v1/auth/refresh") == 1
        assert tokens(shell)["refresh_token"] != former
        # The family lives: a token spent twice would have ended it.
        expire(shell)
        assert (await shell.run("whoami")).code == 0
        assert server.count("POST", "/api/v1/auth/refresh") == 2


async def test_a_token_that_is_over_sooner_than_was_said_is_renewed_and_the_request_sent_again(
    logged_in: Shell, organization: Organization
):
    async with Counting(organization.mesh.url, expired={"/api/v1/auth/profile": 1}) as server:
        content = kept(logged_in)
        [login] = content["logins"].values()
        logged_in.sessions.write_text(json.dumps({"current": server.url, "logins": {server.url: login}}))
        ran = await logged_in.run("whoami", "--url", server.url)
        assert ran.code == 0, ran.err
        assert server.count("POST", "/api/v1/auth/refresh") == 1
        assert server.count("GET", "/api/v1/auth/profile") == 2


async def test_a_login_is_sent_to_its_own_server_and_to_no_other(logged_in: Shell, organization: Organization):
    async with Counting(organization.mesh.url) as other:
        ran = await logged_in.run("whoami", "--url", other.url)
        assert (ran.code, "not logged in" in ran.err) == (3, True)
        assert other.requests == []


async def test_without_an_address_the_last_login_says_which_server(logged_in: Shell, organization: Organization):
    del logged_in.environ["DEVMESH_URL"]
    assert (await logged_in.run("whoami")).json["url"] == organization.mesh.url


async def test_the_key_of_the_environment_goes_before_the_login(logged_in: Shell, organization: Organization):
    logged_in.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="agent")
    assert (await logged_in.run("whoami")).json["key_type"] == "agent"
    again = await logged_in.run("login", "--email", organization.registered["user"]["email"], stdin=f"{PASSWORD}\n")
    assert (again.code, "DEVMESH_API_KEY is set" in again.err) == (0, True)
    refused = await logged_in.run("keys", "create", "mine")
    assert (refused.code, "Unset it" in refused.err) == (3, True)


async def test_a_key_that_may_not_see_its_profile_is_not_sent_to_the_command_that_was_run(
    shell: Shell, organization: Organization
):
    shell.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="user", scopes=["tools:read"])
    ran = await shell.run("whoami")
    assert (ran.code, "profile:read" in ran.err, "devmesh whoami" in ran.err) == (3, True, False), ran.err
    assert "next: The key works, for what its scopes name. Unset DEVMESH_API_KEY" in ran.err


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o604])
async def test_a_file_of_logins_that_others_may_read_is_not_used(logged_in: Shell, mode: int):
    logged_in.sessions.chmod(mode)
    ran = await logged_in.run("whoami")
    assert (ran.code, "open to others" in ran.err) == (3, True)


@pytest.mark.parametrize("content", ["", "[]", '{"logins": 1}', '{"logins": {"URL": {}}}', "\x00"])
async def test_a_damaged_file_of_logins_is_said_in_a_sentence(logged_in: Shell, content: str):
    logged_in.sessions.write_text(content.replace("URL", logged_in.environ["DEVMESH_URL"]))
    ran = await logged_in.run("whoami")
    assert (ran.code, "Traceback" in ran.err, "devmesh login" in ran.err) == (1, False, True), ran.err


KEYRING = """\
import json, pathlib, os
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked, PasswordDeleteError

class Keyring(KeyringBackend):
    priority = 5
    file = pathlib.Path(os.environ["HOME"]) / "ring"

    def held(self):
        if (self.file.parent / "locked").exists():
            raise KeyringLocked("made up")
        return json.loads(self.file.read_text()) if self.file.exists() else {}

    def get_password(self, service, name):
        return self.held().get(f"{service} {name}")

    def set_password(self, service, name, value):
        self.file.write_text(json.dumps({**self.held(), f"{service} {name}": value}))

    def delete_password(self, service, name):
        held = self.held()
        if held.pop(f"{service} {name}", None) is None:
            raise PasswordDeleteError(name)
        self.file.write_text(json.dumps(held))
"""


@pytest.fixture
def keyring(shell: Shell) -> Shell:
    """The shell of somebody who has a keyring."""
    (shell.home / "ours.py").write_text(KEYRING)
    shell.environ |= {"PYTHONPATH": str(shell.home), "PYTHON_KEYRING_BACKEND": "ours.Keyring"}
    return shell


async def test_where_there_is_a_keyring_it_holds_the_tokens_and_the_file_does_not(
    keyring: Shell, organization: Organization
):
    email = organization.registered["user"]["email"]
    ran = await keyring.run("login", "--email", email, stdin=f"{PASSWORD}\n")
    assert (ran.code, ran.json["kept_in"]) == (0, "keyring"), ran.err
    url = organization.mesh.url
    assert kept(keyring)["logins"] == {url: {"email": email, "organization": organization.slug, "in_keyring": True}}
    held = json.loads(json.loads((keyring.home / "ring").read_text())[f"devmesh {url}"])
    assert held["refresh_token"] not in keyring.sessions.read_text()
    assert (await keyring.run("whoami")).json["email"] == email
    assert (await keyring.run("logout")).code == 0
    assert json.loads((keyring.home / "ring").read_text()) == {}


async def test_a_keyring_that_is_locked_is_said_and_a_new_login_goes_to_the_file(
    keyring: Shell, organization: Organization
):
    email = organization.registered["user"]["email"]
    await keyring.run("login", "--email", email, stdin=f"{PASSWORD}\n")
    (keyring.home / "locked").touch()
    ran = await keyring.run("whoami")
    assert (ran.code, "does not open" in ran.err, "Traceback" in ran.err) == (3, True, False), ran.err
    again = await keyring.run("login", "--email", email, stdin=f"{PASSWORD}\n")
    assert again.json["kept_in"] == "file"
    assert (await keyring.run("whoami")).code == 0
