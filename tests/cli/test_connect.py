"""Connecting a service: what is asked for, what is hidden, and what the service says of it."""

from __future__ import annotations

import asyncio
import json
import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from counting import Counting

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization
    from shell import Shell

ADA = "ghp_adas_token_000000"


async def stored(organization: Organization) -> list[dict[str, object]]:
    return (await organization.ask("GET", "/api/v1/credentials"))[1]["credentials"]


async def test_a_person_is_asked_for_the_fields_and_told_whose_token_it_is(
    logged_in: Shell, organization: Organization, github: GitHub
):
    ran = await logged_in.type(
        "connect", "github", answers=[("token (not shown)", ADA), ("base_url (Enter", github.url)]
    )
    assert (ran.code, "Connected: GitHub knows this as ada." in ran.text) == (0, True), ran.out
    assert "https://github.com/settings/tokens" in ran.text
    assert ADA not in ran.out
    assert ran.widest <= 80
    assert [one["service_type"] for one in await stored(organization)] == ["github"]
    listed = await logged_in.type("connect")
    assert (listed.code, "github yes 61" in listed.text) == (0, True), listed.out
    assert listed.widest <= 80


async def test_a_token_that_the_service_refuses_ends_with_1_and_says_so(logged_in: Shell, github: GitHub):
    typed = [("token (not shown)", "ghp_mistyped"), ("base_url (Enter", github.url)]
    ran = await logged_in.type("connect", "github", answers=typed)
    assert (ran.code, "GitHub does not accept the token" in ran.text) == (1, True), ran.out
    assert ("'devmesh connect github'" in ran.text, "/api/v1" in ran.text) == (True, False), ran.out
    assert "ghp_mistyped" not in ran.out


async def test_of_several_forms_the_person_chooses_one(logged_in: Shell):
    typed = [
        ("Which of these do you have", "7"),
        ("Which of these do you have", "1"),
        ("email:", "ada@acme.example"),
        ("api_token (not shown)", "ATATT-secret"),
        ("base_url:", "127.0.0.1"),
        ("has to be a whole address, with https://", "https://127.0.0.1"),
    ]
    ran = await logged_in.type("connect", "jira", answers=typed)
    assert "ATATT-secret" not in ran.out
    assert "Stored, but it could not be checked:" in ran.text, ran.out
    assert "check the network and its base_url, then 'devmesh connect jira' again" in ran.text
    assert ran.code == 7  # the service could not say


@pytest.mark.parametrize("stdin", [ADA + "\n", '{"token": "' + ADA + '"}'])
async def test_in_a_pipe_the_secret_comes_over_standard_input(logged_in: Shell, github: GitHub, stdin: str):
    ran = await logged_in.run("connect", "github", "--field", f"base_url={github.url}", stdin=stdin)
    assert (ran.code, ran.json["account"]) == (0, "ada"), ran.err
    assert ADA not in ran.said


async def test_a_secret_in_the_command_line_is_refused_and_not_repeated(logged_in: Shell, organization: Organization):
    ran = await logged_in.run("connect", "github", "--field", f"token={ADA}")
    assert (ran.code, "is a secret" in ran.err, ADA in ran.said) == (2, True, False)
    assert await stored(organization) == []


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("githib",), "", 4, "Did you mean github?"),
        (("github", "--field", "tocken=1"), "", 2, "There is no field 'tocken'."),
        (("github", "--field", "base_url"), "", 2, "NAME=VALUE"),
        (("github",), "", 2, "Write a JSON object"),
        (("aws",), "only-one-value", 2, "secret_key"),
        (("jira",), "a-token-of-which-form", 2, "Write a JSON object"),
        (("github",), '{"tocken": "1"}', 2, "There is no field 'tocken'"),
        (("github",), '{"token": 1}', 2, "or it is no text"),
        (("github",), "{", 2, "no whole JSON object"),
        (("jira", "--field", "base_url=https://127.0.0.1"), '{"email": "a@b.example"}', 1, "credentials.api_token"),
        (("jira",), '{"email": "a@b.example", "api_token": "x"}', 2, "Add --field base_url=https://…"),
        (("jira",), "a-token", 2, '"email": "…", "api_token": "…", "base_url": "https://…"'),
        (("github", "--label", "a b/c"), ADA, 1, "up to 64 letters, digits, dots, hyphens and underscores"),
        (("github", "--field", "base_url=git.acme.example"), ADA, 2, "Write it with https://"),
        (("github",), '{"token": "x", "base_url": "git.acme.example"}', 2, "Write it with https://"),
        (("github",), f'{{"token": "x", "base_url": "{ADA}"}}', 2, "Write it with https://"),
    ],
)
async def test_what_is_wrong_with_a_credential_is_said(
    logged_in: Shell, words: tuple[str, ...], stdin: str, code: int, said: str
):
    ran = await logged_in.run("connect", *words, stdin=stdin)
    assert (ran.code, said in ran.err) == (code, True), ran.said
    assert "Traceback" not in ran.err
    assert ADA not in ran.said


async def test_a_stored_credential_is_replaced_only_after_yes_and_that_is_said(
    logged_in: Shell, organization: Organization, github: GitHub
):
    await organization.connect(github, ADA)
    [before] = await stored(organization)
    kept = await logged_in.type("connect", "github", answers=[("Replace it? [y/N]", "n")])
    assert (kept.code, await stored(organization)) == (1, [before]), kept.out
    typed = [("Replace it? [y/N]", "y"), ("token (not shown)", ADA), ("base_url (Enter", github.url)]
    ran = await logged_in.type("connect", "github", answers=typed)
    assert (ran.code, "was stored here before was replaced" in ran.text) == (0, True), ran.out
    beside = await logged_in.type("connect", "github", "--label", "work", answers=typed[1:])
    assert (beside.code, "replaced" in beside.text) == (0, False), beside.out
    piped = await logged_in.run("connect", "github", "--field", f"base_url={github.url}", stdin=ADA)
    assert (piped.code, "was replaced" in piped.err) == (0, True), piped.err


class _Meanwhile(Counting):
    """Has somebody store a credential as soon as a command has been told that there is none."""

    def __init__(self, organization: Organization, github: GitHub) -> None:
        super().__init__(organization.mesh.url)
        self._connect = partial(organization.connect, github, ADA)

    async def _hand_on(self, request: web.Request) -> web.Response:
        reply = await super()._hand_on(request)
        if (request.method, request.path, reply.status) == ("GET", "/api/v1/credentials/github", 404):
            await self._connect()
        return reply


async def test_one_that_came_to_be_meanwhile_is_not_replaced_unasked(
    shell: Shell, organization: Organization, github: GitHub
):
    async with _Meanwhile(organization, github) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": organization.key}
        ran = await shell.type(
            "connect", "github", answers=[("token (not shown)", "ghp_another"), ("base_url (Enter", github.url)]
        )
        assert (ran.code, "Run the command again: it asks whether to replace it." in ran.text) == (1, True), ran.out
        # In a pipe nobody is asked, and what is there is replaced.
        await organization.ask("DELETE", "/api/v1/credentials/github")
        piped = await shell.run("connect", "github", "--field", f"base_url={github.url}", stdin=ADA)
        assert piped.code == 0, piped.err
    _, page = await organization.ask("GET", "/api/v1/audit?action=credential.store")
    assert page["count"] == 3


class _NoCheck(Counting):
    """Leaves every check of a credential without an answer: until `over`, or by ending the connection."""

    def __init__(self, to: str, *, silent: bool) -> None:
        super().__init__(to)
        self.silent = silent
        self.asked = asyncio.Event()
        self.over = asyncio.Event()

    async def _hand_on(self, request: web.Request) -> web.Response:
        if not request.path.endswith("/validate"):
            return await super()._hand_on(request)
        self.asked.set()
        if self.silent:
            await self.over.wait()
        elif request.transport is not None:
            request.transport.abort()
        return web.Response()


@pytest.mark.parametrize(("silent", "code"), [(True, 130), (False, 5)])
async def test_of_a_check_without_an_answer_it_is_said_that_the_credential_is_stored(
    shell: Shell,
    organization: Organization,
    silent: bool,  # noqa: FBT001 - a column of the table
    code: int,
):
    async with asyncio.timeout(60), _NoCheck(organization.mesh.url, silent=silent) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": organization.key}
        process = await shell.start("connect", "github")
        told = asyncio.create_task(process.communicate(ADA.encode()))
        await server.asked.wait()
        if silent:
            process.send_signal(signal.SIGINT)
        _, err = await told
        server.over.set()
    assert process.returncode == code, err
    assert b"The credential is stored; whether it is accepted is not known." in err
    assert b"Whether it was done" not in err
    assert len(await stored(organization)) == 1


async def test_a_label_and_a_service_account_are_stored_as_such(
    logged_in: Shell, organization: Organization, github: GitHub
):
    fields = ("--field", f"base_url={github.url}")
    assert (await logged_in.run("connect", "github", *fields, "--label", "work", stdin=ADA)).code == 0
    assert (await logged_in.run("connect", "github", *fields, "--organization", stdin=ADA)).code == 0
    found = {(one["owner"], one["label"]) for one in await stored(organization)}
    assert found == {("user", "work"), ("organization", None)}


async def test_disconnecting_asks_first_and_destroys_one_credential(
    logged_in: Shell, organization: Organization, github: GitHub
):
    await organization.connect(github, ADA)
    unasked = await logged_in.run("disconnect", "github")
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    refused = await logged_in.type("disconnect", "github", answers=[("[y/N]", "")])
    assert (refused.code, len(await stored(organization))) == (1, 1)
    done = await logged_in.type("disconnect", "github", answers=[("[y/N]", "y")])
    assert (done.code, await stored(organization)) == (0, [])
    again = await logged_in.run("disconnect", "github", "--yes")
    assert (again.code, "No such credential is stored." in again.err) == (4, True), again.err
    await organization.connect(github, ADA, label="work")
    unlabeled = await logged_in.run("disconnect", "github", "--yes")
    assert (unlabeled.code, "There is one with --label work." in unlabeled.err) == (4, True), unlabeled.err


async def test_an_agents_key_may_see_services_and_connect_none(shell: Shell, organization: Organization):
    shell.environ["DEVMESH_API_KEY"] = await organization.new_key(key_type="agent")
    assert "github" in {one["service"] for one in (await shell.run("connect")).json["services"]}
    ran = await shell.run("connect", "github", stdin=json.dumps({"token": ADA}))
    assert (ran.code, "Unset it" in ran.err) == (3, True)
