"""Tools from the command line: found by words, called by options that are made from their schemas."""

from __future__ import annotations

import argparse
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from devmesh.client.failure import Exit, Failed
from devmesh.client.flags import Flags
from devmesh.connectors import CONNECTORS
from shell import Shell

if TYPE_CHECKING:
    from devmesh.demo.github import GitHub
    from running import Organization

ADA = "ghp_adas_token_000000"
EVERY = [tool for connector in CONNECTORS.values() for tool in connector.tools.values()]


@pytest.fixture
async def connected(logged_in: Shell, organization: Organization, github: GitHub) -> Shell:
    """The owner's shell, with GitHub connected."""
    await organization.connect(github, ADA)
    return logged_in


async def test_tools_are_listed_searched_and_described_in_80_columns(connected: Shell):
    listed = await connected.type("tools", "list", "github")
    assert (listed.code, "github.create_issue" in listed.text, "mesh." in listed.text) == (0, True, False)
    found = await connected.type("tools", "search", "ISSUE", "comment")
    assert "github.add_issue_comment" in found.text
    assert "github.create_issue " not in found.text
    described = await connected.type("tools", "describe", "github.create_issue")
    assert "--owner TEXT needed." in described.text
    assert all(ran.widest <= 80 for ran in (listed, found, described))
    wide = await connected.type("tools", "list", columns=160)
    assert 80 < wide.widest <= 160


async def test_a_service_that_there_is_none_of_is_said_with_the_nearest(connected: Shell):
    ran = await connected.run("tools", "list", "githib")
    assert (ran.code, "Did you mean github?" in ran.err) == (4, True), ran.said
    unconnected = await connected.type("tools", "list", "jira")
    assert (unconnected.code, "'devmesh connect' shows" in unconnected.text) == (0, True), unconnected.out


async def test_a_token_that_works_no_more_is_said_with_the_command_that_stores_another(
    logged_in: Shell, organization: Organization, github: GitHub
):
    await organization.connect(github, "ghp_revoked")
    words = ("--owner", "ada", "--repo", "website", "--issue-number", "1")
    ran = await logged_in.type("tools", "call", "github.get_issue", *words)
    assert (ran.code, "'devmesh connect github'" in ran.text, "/api/" in ran.text) == (1, True, False), ran.out


async def test_in_a_pipe_lists_are_json(connected: Shell, organization: Organization):
    _, reply = await organization.ask("GET", "/api/v1/tools")
    assert (await connected.run("tools", "list")).json["tools"] == reply["tools"]
    assert (await connected.type("tools", "list", "--json")).out.startswith("{")


async def test_a_tool_is_called_by_options(connected: Shell, github: GitHub):
    words = ("--owner", "ada", "--repo", "website", "--title", "It's late", "--labels", "bug", "--labels", "ui")
    ran = await connected.run("tools", "call", "github.create_issue", *words)
    assert (ran.code, ran.json["title"]) == (0, "It's late"), ran.err
    sent = json.loads(github.received[-1].body)
    assert sent == {"title": "It's late", "labels": ["bug", "ui"]}


async def test_arguments_come_as_json_too_and_options_go_before_them(connected: Shell):
    document = {"owner": "ada", "repo": "website", "title": "One"}
    ran = await connected.run("tools", "call", "github.create_issue", "-", "--title", "Two", stdin=json.dumps(document))
    assert (ran.code, ran.json["title"]) == (0, "Two"), ran.err


@pytest.mark.parametrize(
    ("words", "stdin", "code", "said"),
    [
        (("github.create_issue", "--owner", "ada"), "", 2, "needs --repo, --title."),
        (
            ("github.create_issue", "--ownr", "ada"),
            "",
            2,
            "Did you mean --owner? 'devmesh tools describe github.create_issue'",
        ),
        (("github.create_issue", "--zzzz", "ada"), "", 2, "has no option --zzzz."),
        (("github.create_issue", "ada"), "", 2, "takes its arguments as options only"),
        (("github.get_issue", "--issue-number", "x"), "", 2, "invalid int value"),
        (("github.get_issue", "--issue-number", "x"), "", 2, "next: 'devmesh tools call github.get_issue --help' says"),
        (("github.get_issue", "--owner"), "", 2, "next: 'devmesh tools call github.get_issue --help' says more."),
        (("github.create_issue", "-"), "[]", 2, "no JSON object"),
        (("github.create_issue", "-"), "", 2, "no JSON object"),
        (("github.create_isue",), "", 4, "github.create_issue"),
        (("../auth/profile",), "", 4, ""),
        (("..",), "", 4, ""),
        (("github.get_issue", "--owner", "..", "--repo", "x", "--issue-number", "1"), "", 1, "owner"),
        (("jira.get_issue", "--issue-id-or-key", "A-1"), "", 3, "'devmesh connect jira'"),
    ],
)
async def test_what_is_wrong_with_a_call_is_said(
    connected: Shell, words: tuple[str, ...], stdin: str, code: int, said: str
):
    ran = await connected.run("tools", "call", *words, stdin=stdin)
    assert (ran.code, said in ran.err) == (code, True), ran.said
    assert "Traceback" not in ran.err


async def test_what_the_service_refuses_ends_with_1_and_its_words(connected: Shell):
    words = ("--owner", "ada", "--repo", "website", "--issue-number", "999")
    ran = await connected.type("tools", "call", "github.get_issue", *words)
    assert (ran.code, "devmesh:" in ran.text) == (1, True), ran.out
    piped = await connected.run("tools", "call", "github.get_issue", *words)
    assert (piped.code, piped.json["is_error"]) == (1, True)


async def test_what_cannot_be_undone_is_asked_about(connected: Shell, github: GitHub):
    words = ("tools", "call", "github.delete_repository", "--owner", "ada", "--repo", "website")
    before = len(github.received)
    unasked = await connected.run(*words)
    assert (unasked.code, "--yes" in unasked.err) == (2, True)
    refused = await connected.type(*words, answers=[("cannot be undone", "n")])
    assert (refused.code, len(github.received)) == (1, before)
    await connected.run(*words, "--yes")
    assert len(github.received) == before + 1


@pytest.mark.parametrize("tool", EVERY, ids=[tool.name for tool in EVERY])
def test_every_tool_has_options_for_all_its_arguments(tool: Any):
    schema = tool.arguments.schema
    flags = Flags.of(tool.name, schema)
    assert len(flags.names()) == len(schema["properties"])
    shown = " ".join(flags.text(80).split())
    assert all(f"--{name.replace('_', '-')}" in shown for name in schema["properties"])
    with pytest.raises(Failed) if schema.get("required") else _nothing() as caught:
        flags.read([], _options(), {})
    assert caught is None or caught.value.code is Exit.USAGE


SCHEMA = {
    "properties": {
        "text": {"type": "string"},
        "count": {"type": "integer"},
        "share": {"type": "number"},
        "draft": {"type": "boolean"},
        "state": {"enum": ["open", "closed"]},
        "level": {"enum": [1, 2]},
        "tags": {"type": "array", "items": {"type": "string"}},
        "body": {"type": "object"},
        "either": {"anyOf": [{"type": "string"}, {"type": "integer"}]},
        "nested": {"$ref": "#/$defs/Nested"},
        "json": {"type": "string"},
    },
    "$defs": {"Nested": {"type": "object", "description": "Nested, 100 %."}},
}


@pytest.mark.parametrize(
    ("words", "values"),
    [
        (["--text", "5"], {"text": "5"}),
        (["--text=-"], {"text": "-"}),
        (["--count", "-5"], {"count": -5}),
        (["--share", "0.5"], {"share": 0.5}),
        (["--draft"], {"draft": True}),
        (["--no-draft"], {"draft": False}),
        (["--state", "open"], {"state": "open"}),
        (["--level", "2"], {"level": 2}),
        (["--tags", "a", "--tags", "b c"], {"tags": ["a", "b c"]}),
        (["--body", '{"a": [1]}'], {"body": {"a": [1]}}),
        (["--either", "A-1"], {"either": "A-1"}),
        (["--either", "7"], {"either": 7}),
        (["--either", "true"], {"either": "true"}),
        (["--nested", '{"x": null}'], {"nested": {"x": None}}),
        (["--json", "mine"], {"json": "mine"}),
    ],
)
def test_an_option_becomes_what_the_schema_asks_for(words: list[str], values: dict[str, Any]):
    assert Flags.of("x.y", SCHEMA).read(words, _options(), {}) == values


@pytest.mark.parametrize("words", [["--body", "x"], ["--state", "gone"], ["--level", "3"], ["--count", "1.5"]])
def test_what_the_schema_does_not_allow_is_a_usage_error(words: list[str], capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        Flags.of("x.y", SCHEMA).read(words, _options(), {})
    assert ended.value.code == 2
    assert "100 %" not in capsys.readouterr().err


@pytest.mark.parametrize("words", [["--te", "x"], ["--text", "x", "y"], ["--te=hunter2"]])
def test_what_is_no_option_of_the_tool_is_a_usage_error_that_repeats_no_value(words: list[str]):
    with pytest.raises(Failed, match=r"x\.y") as failed:
        Flags.of("x.y", SCHEMA).read(words, _options(), {})
    assert failed.value.code == Exit.USAGE
    assert "hunter2" not in failed.value.what + failed.value.hint


def _options() -> Any:
    return argparse.Namespace(json=False, yes=False)


def _nothing() -> Any:
    return contextlib.nullcontext()
