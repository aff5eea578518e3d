"""What holds for every command: it starts in an instant, explains itself, and a shell completes it."""

from __future__ import annotations

import asyncio
import importlib
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from devmesh import cli
from devmesh.cli.completion import words
from devmesh.client.address import DEFAULT_URL
from devmesh.client.failure import Exit
from devmesh.settings import DEFAULT_PORT
from hostile import Hostile, reply
from shell import PROGRAM, Ran, Shell

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

PEOPLE = [
    "audit", "completion", "connect", "contexts", "disconnect", "ide", "keys", "login", "logout", "register", "tools",
    "whoami",
]  # fmt: skip
# The rooms of the server, and what it is made with.
SERVERS = ("devmesh.settings", "devmesh.db", "devmesh.app", "devmesh.upstream", "devmesh.connectors", "devmesh.audit")
LIBRARIES = ("asyncpg", "litestar", "msgspec", "cryptography", "pyreqwest", "asyncio", "keyring", "botocore")
SHELLS = ("bash", "zsh", "fish")


@pytest.mark.parametrize("name", PEOPLE)
def test_a_command_of_people_loads_nothing_of_the_server(name: str):
    program = (
        "import argparse, sys, devmesh.cli, importlib\n"
        f"importlib.import_module('devmesh.cli.{name}').arguments(argparse.ArgumentParser())\n"
        "print(*sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(said.stdout.split())
    assert not loaded & {*SERVERS, *LIBRARIES}


@pytest.mark.parametrize("name", cli.COMMANDS)
async def test_a_command_explains_itself_in_80_columns(name: str, tmp_path: Path):
    ran = await Shell(tmp_path).type(name, "--help")
    assert (ran.code, ran.widest <= 80) == (0, True), ran.out
    assert f"devmesh {name}" in ran.text


def test_the_clients_address_is_the_servers():
    assert f"http://localhost:{DEFAULT_PORT}" == DEFAULT_URL


async def test_a_command_that_there_is_none_of_is_a_usage_error(tmp_path: Path):
    ran = await Shell(tmp_path).run("conect")
    assert (ran.code, "invalid choice: 'conect'" in ran.err) == (Exit.USAGE, True)


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        (["conect"], "next: Did you mean connect? 'devmesh --help' says more."),
        (["keys", "rotat"], "next: Did you mean rotate? 'devmesh keys --help' says more."),
        (
            ["keys", "create", "x", "--type", "agnt"],
            "next: Did you mean agent? 'devmesh keys create --help' says more.",
        ),
        (["ide", "add", "vscod"], "next: Did you mean vscode? 'devmesh ide add --help' says more."),
        (["keys"], "next: 'devmesh keys --help' says more."),
        (["xyzzy"], "next: 'devmesh --help' says more."),
        (["connect", "--lable", "x"], "next: Did you mean --label? 'devmesh connect --help' says more."),
        (["audit", "--limt", "3"], "next: Did you mean --limit? 'devmesh audit --help' says more."),
        (["whoami", "--jsn"], "there is no option --jsn\n  next: Did you mean --json?"),
        (["keys", "create", "x", "--exires-in=1d"], "Did you mean --expires-in? 'devmesh keys create --help'"),
        (["--verson", "whoami"], "next: Did you mean --version? 'devmesh --help' says more."),
        (["keys", "create", "x", "--type", "a' (choose from b)"], "--help' says more."),
    ],
    ids=" ".join,
)
async def test_what_is_mistyped_is_answered_with_the_nearest_choice(typed: list[str], said: str, tmp_path: Path):
    ran = await Shell(tmp_path).run(*typed)
    assert (ran.code, ran.out, said in ran.err) == (Exit.USAGE, "", True), ran.err


@pytest.mark.parametrize(
    "typed",
    [
        ["connect", "github", "ghp_adas_token"],
        ["connect", "github", "--token", "ghp_adas_token"],
        ["connect", "github", "--token=ghp_adas_token"],
        ["login", "ghp_adas_token"],
        ["connect", "github", "-ghp_adas_token"],
        ["keys", "create", "x", "--api-key", "ghp_adas_token"],
    ],
    ids=" ".join,
)
async def test_a_secret_in_the_command_line_is_not_repeated_and_its_place_is_said(typed: list[str], tmp_path: Path):
    ran = await Shell(tmp_path).run(*typed)
    assert (ran.code, "ghp_adas_token" in ran.said) == (Exit.USAGE, False), ran.err
    assert "next: A secret is asked for, or read from standard input." in ran.err


async def test_whoever_types_the_name_alone_is_shown_the_commands(tmp_path: Path):
    ran = await Shell(tmp_path).run()
    assert (ran.code, ran.out) == (Exit.USAGE, "")
    assert all(f"\n    {name}" in ran.err for name in cli.COMMANDS)


@pytest.mark.parametrize(
    ("before", "some", "none"),
    [
        ([], {"connect", "serve", "--help"}, set()),
        (["keys"], {"create", "list", "rotate", "revoke", "scan"}, {"--url"}),
        (["keys", "create", "x"], {"--type", "--scope", "--url"}, {"--yes"}),
        (["keys", "create", "x", "--type"], {"agent", "admin"}, {"--type"}),
        (["ide", "add"], {"cursor", "vscode", "claude-code"}, set()),
        (["audit", "--outcome"], {"ok", "refused"}, {"--url"}),
        (["completion"], {"bash", "zsh", "fish"}, {"words"}),
        (["nothing"], set(), {"connect"}),
    ],
)
def test_what_may_follow_is_known_without_a_server(
    before: list[str], some: set[str], none: set[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("DEVMESH_URL", "http://127.0.0.1:9")
    found = set(words(before))
    assert some <= found
    assert not none & found


async def completed(shell: Shell, *words: str) -> Ran:
    """Ask what may follow until there is an answer: one that takes two seconds is none."""
    async with asyncio.timeout(120):
        while not (ran := await shell.run("completion", "words", "--", *words)).said:
            pass
    return ran


async def test_services_tools_and_a_tools_arguments_come_from_the_server(
    logged_in: Shell, organization: Organization, github: GitHub
):
    await organization.connect(github, "ghp_adas_token_000000")
    cases = {
        ("connect", "gi"): ["github", "gitlab"],
        ("tools", "call", "github.create_is"): ["github.create_issue"],
        ("tools", "describe", "github.create_is"): ["github.create_issue"],
        ("tools", "call", "github.create_issue", "--ti"): ["--title"],
        ("tools", "li"): ["list"],
        ("keys", "create", "x", "--t"): ["--tenant", "--type"],
    }
    for given, found in cases.items():
        ran = await completed(logged_in, *given)
        assert (ran.code, ran.out.split()) == (0, found), (given, ran.said)


async def test_words_of_a_hostile_server_mean_nothing_to_a_shell(shell: Shell):
    evil = (
        b'{"services": [{"service": "$(touch owned)"}, {"service": "`id`"}, {"service": "a b"}, {"service": "good"}]}'
    )
    async with Hostile(lambda _: reply("200 OK", evil)) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": "usr_x"}
        ran = await completed(shell, "connect", "")
    assert (ran.code, ran.out) == (0, "good\n")


@pytest.mark.parametrize("silent", [True, False])
async def test_a_shell_is_not_kept_waiting(shell: Shell, silent: bool):  # noqa: FBT001
    async with Hostile(lambda _: b"", silent=silent) as server:
        shell.environ |= {"DEVMESH_URL": server.url, "DEVMESH_API_KEY": "usr_x"}
        begun = time.monotonic()
        ran = await shell.run("completion", "words", "--", "connect", "")
        assert (ran.code, time.monotonic() - begun < 30) == (0, True)


async def bash(shell: Shell, program: str) -> str:
    """Return what bash prints for the program, in which `devmesh` is ours."""
    ours = f"devmesh() {{ {PROGRAM[0]} -c '{PROGRAM[2]}' \"$@\"; }}\n"
    started = asyncio.create_subprocess_exec("bash", "-c", ours + program, cwd=shell.home, stdout=-1, stderr=-2)
    out, _ = await (process := await started).communicate()
    assert process.returncode == 0, out
    return out.decode()


@pytest.mark.parametrize("name", SHELLS)
async def test_a_shells_script_is_read_by_that_shell(name: str, tmp_path: Path):
    script = (await Shell(tmp_path).run("completion", name)).out
    assert "devmesh completion words" in script
    if found := shutil.which(name):
        process = await asyncio.create_subprocess_exec(found, "-n", stdin=-1)
        await process.communicate(script.encode())
        assert process.returncode == 0


async def test_bash_completes_a_command(tmp_path: Path):
    program = (
        'eval "$(devmesh completion bash)"\n'
        "COMP_WORDS=(devmesh keys re); COMP_CWORD=2; _devmesh; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    assert await bash(Shell(tmp_path), program) == "revoke\n"


async def test_a_reader_that_has_seen_enough_is_no_error(tmp_path: Path):
    program = "set -o pipefail; devmesh completion fish | { exec <&-; sleep 1; }"
    assert await bash(Shell(tmp_path), program) == ""


@pytest.mark.parametrize("command", ["doctor", "demo"])
def test_a_report_that_nobody_reads_ends_without_a_traceback(tmp_path: Path, command: str):
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(
        [sys.executable, "-c", "import devmesh.cli; raise SystemExit(devmesh.cli.main())", command],
        env=os.environ | {"DEVMESH_DATA_DIR": str(tmp_path)},
        stdout=writing,
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


async def test_ctrl_c_ends_a_question_with_130(shell: Shell):
    ran = await shell.type("login", answers=[("E-mail address", "\x03")])
    assert (ran.code, "Traceback" in ran.out) == (Exit.INTERRUPTED, False)


async def test_the_end_of_input_ends_a_question(shell: Shell):
    ran = await shell.type("login", answers=[("E-mail address", "\x04")])
    assert (ran.code, "There was no answer" in ran.text) == (Exit.USAGE, True)


def test_every_command_is_a_module_with_its_two_functions():
    for name in cli.COMMANDS:
        module = importlib.import_module(f"devmesh.cli.{name.replace('-', '_')}")
        assert callable(module.run)
        assert callable(module.arguments)
