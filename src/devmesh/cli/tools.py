"""`devmesh tools`."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys
from typing import Any

from devmesh.cli import people, services
from devmesh.client.asking import sure
from devmesh.client.failure import Exit, Failed, Refused
from devmesh.client.flags import Flags
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column, Screen
from devmesh.client.server import Reply, Server, in_path
from devmesh.client.steps import spoken
from devmesh.client.text import as_json, plain

_LARGEST = 4 * 1024 * 1024
_UNCONNECTED = ("no_credential", "credential_expired")


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = people.action(actions, "tools", "list", "the tools that you may call")
    listed.add_argument("service", nargs="?", help="only those of this service")
    people.of_server(listed)
    searched = people.action(actions, "tools", "search", "the tools whose name or description has all these words")
    searched.add_argument("word", nargs="+", help="a word, upper or lower case, or a part of one")
    people.of_server(searched)
    described = people.action(actions, "tools", "describe", "what a tool does, and its arguments")
    described.add_argument("tool", help="its name, such as github.get_issue")
    people.of_server(described)
    called = people.action(actions, "tools", "call", "call a tool; ends with 1 if it says that it failed")
    people.of_server(called)
    people.of_asking(called)
    called.add_argument("tool", help="its name, such as github.get_issue")
    called.add_argument(
        "arguments",
        nargs=argparse.REMAINDER,
        help="its arguments as options (--owner ada; --help lists them); - reads a JSON object of them from standard "
        "input",
    )


def run(options: argparse.Namespace) -> int:
    """Do the action; return its exit code."""
    works = {"list": _list, "search": _search, "describe": _describe, "call": _call}
    return people.told(works[options.action], options)


def _list(options: argparse.Namespace) -> None:
    tools = _tools(options)
    if options.service is not None:
        tools = [tool for tool in tools if tool["name"].startswith(f"{options.service.lower()}.")]
        if not tools:
            with contextlib.suppress(Refused):  # a key that may not see the services has no tools of this one
                services.named(people.server(options), options.service)
    empty = "There is none: 'devmesh connect' shows what can be connected."
    _show(people.screen(options), tools, empty)


def _search(options: argparse.Namespace) -> None:
    words = [word.lower() for word in options.word]
    tools = [
        tool
        for tool in _tools(options)
        if all(word in f"{tool['name']} {tool['title']} {tool['description']}".lower() for word in words)
    ]
    _show(people.screen(options), tools, "No tool that you may call has all these words.")


def _tools(options: argparse.Namespace) -> list[Reply]:
    with Progress("reading the tools") as progress:
        return list(people.server(options, progress).pages("/tools", "tools", told=progress.told))


def _show(screen: Screen, tools: list[Reply], empty: str) -> None:
    columns = (
        Column("TOOL", lambda tool: tool["name"], whole=True),
        Column("DOES", _does, _color, whole=True),
        Column("WHAT", lambda tool: tool["description"].partition("\n")[0]),
    )
    screen.show({"tools": tools, "count": len(tools)}, lambda: screen.table(tools, columns, empty))


def _does(tool: Reply) -> str:
    return "reads" if tool["read_only"] else "destroys" if tool["destructive"] else "writes"


def _color(tool: Reply) -> Color:
    return Color.GREEN if tool["read_only"] else Color.RED if tool["destructive"] else Color.YELLOW


def _describe(options: argparse.Namespace) -> None:
    with Progress("asking the server") as progress:
        tool = _tool(people.server(options, progress), options.tool)
    screen = people.screen(options)

    def to_person() -> None:
        screen.say(f"{tool['name']} {_does(tool)}.", _color(tool))
        screen.say(tool["description"])
        screen.say("")
        print(Flags.of(tool["name"], tool["input_schema"]).text(screen.columns))

    screen.show(tool, to_person)


def _call(options: argparse.Namespace) -> Exit:
    given, piped = list(options.arguments), "-" in options.arguments
    with Progress(f"calling {plain(options.tool)}") as progress:
        server = people.server(options, progress)
        tool = _tool(server, options.tool)
    flags = Flags.of(tool["name"], tool["input_schema"])
    values = flags.read([word for word in given if word != "-"], options, _from_stdin() if piped else {})
    if tool["destructive"] and not sure(f"{tool['name']} cannot be undone. Call it?", yes=options.yes):
        raise Failed("Nothing was called.")
    with Progress(f"calling {tool['name']}") as progress:
        server.wait = progress.wait
        done = _done(server, tool["name"], values)
    return _end(people.screen(options), done)


def _done(server: Server, name: str, values: dict[str, Any]) -> Reply:
    try:
        return server.ask("POST", f"/tools/{in_path(name)}/execute", {"arguments": values})
    except Refused as refused:
        if refused.problem in _UNCONNECTED:
            refused.hint = f"'devmesh connect {name.partition('.')[0]}' stores a credential for it."
        raise


def _end(screen: Screen, done: Reply) -> Exit:
    """Show the result, for a program as it is; return the exit code."""
    result: Any = done["result"]
    if not done["is_error"]:
        screen.show(result, lambda: print(plain(result, lines=True) if isinstance(result, str) else as_json(result)))
        return Exit.OK
    screen.show(done, lambda: None)
    what, _, rest = (result if isinstance(result, str) else as_json(result)).partition("\n")
    screen.note(f"devmesh: {spoken(what)}", Color.RED)
    screen.note(f"  {spoken(rest)}" if rest else "")
    return Exit.FAILED


def _tool(server: Server, name: str) -> Reply:
    return server.ask("GET", f"/tools/{in_path(name)}")


def _from_stdin() -> dict[str, Any]:
    try:
        value = json.loads(sys.stdin.read(_LARGEST))
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise Failed("Standard input holds no JSON object.", "Write the arguments to it, by name.", Exit.USAGE)
    return value
