"""Telling editors and agents of the server: what the README shows, and nothing else in their files changes."""

from __future__ import annotations

import json
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.cli.ide import CLIENTS
from devmesh.client.jsonc import Document, NotJson

if TYPE_CHECKING:
    from shell import Shell

sys.path.insert(0, str(Path(__file__).parents[2] / "docs"))
from pages import ROOT, blocks

URL = "http://localhost:8081"


def printed(name: str) -> Any:
    """Return the configuration that the README shows for that file."""
    shown = blocks((ROOT / "README.md").read_text())
    return json.loads(next(block.text for block in shown if block.name == name))


@pytest.mark.parametrize("client", sorted(CLIENTS))
async def test_the_configuration_is_the_readmes(shell: Shell, client: str):
    ran = await shell.run("ide", "add", client, "--yes", "--url", URL)
    file = shell.home / CLIENTS[client].file
    assert (ran.code, ran.json) == (0, {"file": str(file), "changed": True}), ran.err
    assert json.loads(file.read_text()) == printed(CLIENTS[client].file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    before = file.read_bytes()
    again = await shell.run("ide", "add", client, "--yes", "--url", URL)
    assert (again.json["changed"], file.read_bytes()) == (False, before)


@pytest.mark.parametrize(("alias", "client"), [("claude", "claude-code"), ("vs-code", "vscode")])
async def test_a_client_has_the_name_that_people_call_it_by(shell: Shell, alias: str, client: str):
    ran = await shell.run("ide", "add", alias, "--yes", "--url", URL)
    assert (ran.code, (shell.home / CLIENTS[client].file).exists()) == (0, True), ran.err


async def test_the_difference_is_shown_and_nothing_is_written_unasked(shell: Shell):
    shell.environ["DEVMESH_API_KEY"] = "usr_" + "k" * 43
    file = shell.home / ".mcp.json"
    unasked = await shell.run("ide", "add", "claude-code")
    assert (unasked.code, '+    "devmesh": {' in unasked.err, file.exists()) == (2, True, False)
    refused = await shell.type("ide", "add", "claude-code", answers=[("[y/N]", "no")])
    assert (refused.code, file.exists()) == (1, False)
    agreed = await shell.type("ide", "add", "claude-code", answers=[("[y/N]", "y")])
    assert (agreed.code, file.exists()) == (0, True)
    assert "usr_" not in file.read_text() + agreed.out


async def test_what_was_in_the_file_stays_byte_by_byte(shell: Shell):
    file = shell.home / ".vscode" / "mcp.json"
    file.parent.mkdir()
    before = (
        "\ufeff{\r\n"
        "    // ours\r\n"
        '    "servers": {\r\n'
        '        "other": { "url": "https://other.example", "headers": {"X": "hunter2"} }, /* why */\r\n'
        "    },\r\n"
        '    "inputs": [{"id": "x", "type": "promptString"}]\r\n'
        "}\r\n"
    )
    file.write_bytes(before.encode())
    file.chmod(0o600)
    ran = await shell.run("ide", "add", "vscode", "--yes", "--url", URL)
    assert ran.code == 0, ran.err
    after = file.read_bytes().decode()
    for kept in before.split("\r\n"):
        assert kept.rstrip("},] ") in after
    assert "\n" not in after.replace("\r\n", "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    value = Document(after.removeprefix("\ufeff")).value()
    assert list(value["servers"]) == ["other", "devmesh"]
    assert [one["id"] for one in value["inputs"]] == ["x", "devmesh-key"]
    assert value["servers"]["devmesh"] == printed(".vscode/mcp.json")["servers"]["devmesh"]


async def test_a_former_entry_is_replaced_and_a_key_in_it_is_not_shown(shell: Shell):
    file = shell.home / ".mcp.json"
    secret = "usr_" + "s" * 43
    former = {"url": "http://old/mcp", "headers": {"Authorization": f"Bearer {secret}", "x-token": "hunter2"}}
    file.write_text(json.dumps({"mcpServers": {"devmesh": former}, "token": "hunter2"}, indent=2))
    ran = await shell.run("ide", "add", "claude-code", "--yes", "--url", URL)
    assert (ran.code, secret in ran.said, "hunter2" in ran.said) == (0, False, False), ran.err
    assert json.loads(file.read_text()) == {**printed(".mcp.json"), "token": "hunter2"}


async def test_a_link_stays_a_link(shell: Shell):
    (shell.home / "dotfiles").mkdir()
    real = shell.home / "dotfiles" / "mcp.json"
    real.write_text("{}")
    (shell.home / ".mcp.json").symlink_to(real)
    assert (await shell.run("ide", "add", "claude-code", "--yes")).code == 0
    assert (shell.home / ".mcp.json").is_symlink()
    assert "devmesh" in real.read_text()


@pytest.mark.parametrize(
    "content",
    [
        "[",
        "[]",
        "5",
        '{"mcpServers": []}',
        '{"mcpServers": {"devmesh": 1}',
        "{,}",
        '{"a" 1}',
        '{"a": 1 "b": 2}',
        "\x00",
    ],
)
async def test_a_file_that_cannot_be_understood_is_left_alone(shell: Shell, content: str):
    file = shell.home / ".mcp.json"
    file.write_text(content)
    ran = await shell.run("ide", "add", "claude-code", "--yes")
    assert (ran.code, "Nothing was changed" in ran.err, file.read_text()) == (1, True, content), ran.err


async def test_a_file_that_is_no_text_is_left_alone(shell: Shell):
    (shell.home / ".mcp.json").write_bytes(b"\xff\xfe{\x00")
    ran = await shell.run("ide", "add", "claude-code", "--yes")
    assert (ran.code, "no text in UTF-8" in ran.err) == (1, True)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "a": {\n    "b": 1\n  }\n}'),
        ("{ // none\n}", '{ // none\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"x": 0}', '{"x": 0,\n  "a": {\n    "b": 1\n  }\n}'),
        ('{\n\t"x": 0 // last\n}\n', '{\n\t"x": 0, // last\n\t"a": {\n\t\t"b": 1\n\t}\n}\n'),
        ('{\n  "x": 0,\n}', '{\n  "x": 0,\n  "a": {\n    "b": 1\n  }\n}'),
        ('{"a": {"b": 2}, "x": 0}', '{"a": {"b": 1}, "x": 0}'),
        ('{"a": {"b": [1, {"c": "}"}]}}', '{"a": {"b": 1}}'),
        ('{"a": {}}', '{"a": {\n    "b": 1\n  }}'),
    ],
)
def test_a_member_is_put_where_it_belongs(before: str, after: str):
    document = Document(before)
    document.put(("a", "b"), 1)
    assert document.text == after
    assert document.value()["a"]["b"] == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{}", '{\n  "l": [\n    5\n  ]\n}'),
        ('{"l": []}', '{"l": [\n    5\n  ]}'),
        ('{"l": [1]}', '{"l": [1,\n    5\n  ]}'),
        ('{"l": [1,]}', '{"l": [1,\n    5\n  ]}'),
    ],
)
def test_an_element_is_appended(before: str, after: str):
    document = Document(before)
    document.append(("l",), 5)
    assert document.text == after


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "}",
        "[1,,2]",
        "[,1]",
        '{"a":}',
        '{"a": 01}',
        "{a: 1}",
        '"\n"',
        "[1] 2",
        "/* open",
        "[" * 200,
        '"\\q"',
        "nul",
    ],
)
def test_what_is_no_json_is_none(text: str):
    with pytest.raises(NotJson):
        Document(text)


def test_json_is_read_as_everybody_reads_it():
    text = '{"a": [1, -2.5e3, true, false, null, "\\u00e4\\n\\"", {}], "b": {"c": []}}'
    assert Document(text).value() == json.loads(text)
    assert Document("[1, /* two */ 3, // four\n]").value() == [1, 3]


def test_no_client_is_given_the_key_itself():
    for client in CLIENTS.values():
        assert client.key.startswith("${")
