"""`devmesh contexts`."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from devmesh.cli import people
from devmesh.cli.audit import count
from devmesh.client.asking import sure
from devmesh.client.failure import Exit, Failed
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column
from devmesh.client.server import Reply, Server, in_path
from devmesh.client.text import ago, as_json, at

_STDIN = "-"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listed = people.action(actions, "contexts", "list", "your tenant's contexts, the newest first")
    listed.add_argument("--tag", action="append", help="only those with this tag; several times: with all of them")
    listed.add_argument("--agent-id", help="only those of this agent")
    listed.add_argument("--name", help="only those of this name")
    listed.add_argument("--search", metavar="TEXT", help="only those with this text in their name")
    listed.add_argument("--limit", type=count, default=200, help="at most so many (default: %(default)s)")
    shown = people.action(actions, "contexts", "get", "a context with its content")
    shown.add_argument("context", help="its id")
    shown.add_argument("--version", type=int, metavar="N", help="as it was at this version")
    made = people.action(actions, "contexts", "create", "store a context")
    _of_document(made)
    changed = people.action(actions, "contexts", "update", "replace a context whole, as its next version")
    changed.add_argument("context", help="its id")
    _of_document(changed)
    _of_version(changed)
    removed = people.action(actions, "contexts", "delete", "delete a context with all its versions")
    removed.add_argument("context", help="its id")
    _of_version(removed)
    people.of_asking(removed)
    for each in (listed, shown, made, changed, removed):
        people.of_server(each)


def _of_document(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", help="a JSON object: name, tags, agent_id, expires_at and content; - is standard input")
    parser.add_argument("--name", help="name it so")
    parser.add_argument("--tag", action="append", help="give it this tag; several times: all of them")


def _of_version(parser: argparse.ArgumentParser) -> None:
    about = "only if this is its version still, so that nobody's change in between is lost"
    parser.add_argument("--if-version", type=int, metavar="N", help=about)


def run(options: argparse.Namespace) -> int:
    """Do the action; return its exit code."""
    works = {"list": _list, "get": _get, "create": _create, "update": _update, "delete": _delete}
    return people.told(works[options.action], options)


def _list(options: argparse.Namespace) -> None:
    query = {"tag": options.tag, "agent_id": options.agent_id, "name": options.name, "q": options.search}
    with Progress("reading the contexts") as progress:
        server = people.server(options, progress)
        found = list(server.pages("/contexts", "contexts", query=query, most=options.limit, told=progress.told))
    screen = people.screen(options)
    columns = (
        Column("ID", lambda one: one["id"], whole=True),
        Column("NAME", lambda one: one["name"] or "", lambda _: Color.BOLD),
        Column("TAGS", lambda one: " ".join(one["tags"])),
        Column("VERSION", lambda one: one["version"], whole=True),
        Column("CHANGED", lambda one: ago(one["updated_at"]), whole=True),
    )
    shown = {"contexts": found, "count": len(found)}
    screen.show(shown, lambda: screen.table(found, columns, "There is none: 'devmesh contexts create' stores one."))


def _get(options: argparse.Namespace) -> None:
    version = "" if options.version is None else f"/versions/{options.version}"
    with Progress("asking the server") as progress:
        found = people.server(options, progress).ask("GET", _path(options) + version)
    _show(options, found)


def _create(options: argparse.Namespace) -> None:
    _stored(options, "POST", "/contexts")


def _update(options: argparse.Namespace) -> None:
    _stored(options, "PUT", _path(options), _if_match(options.if_version))


def _stored(options: argparse.Namespace, method: str, path: str, headers: dict[str, str] | None = None) -> None:
    document = _document(options)
    with Progress("storing the context") as progress:
        made = people.server(options, progress).ask(method, path, document, headers=headers)
    screen = people.screen(options)
    screen.show(made, lambda: screen.say(f"Version {made['version']} of {made['id']} is stored.", Color.GREEN))


def _delete(options: argparse.Namespace) -> None:
    server: Server = people.server(options)
    if not sure(f"Delete the context {options.context} with all its versions?", yes=options.yes):
        raise Failed("Nothing was deleted.")
    server.ask("DELETE", _path(options), headers=_if_match(options.if_version))
    screen = people.screen(options)
    screen.show({"id": options.context, "deleted": True}, lambda: screen.say("It is deleted.", Color.GREEN))


def _show(options: argparse.Namespace, found: Reply) -> None:
    screen = people.screen(options)

    def to_person() -> None:
        known = {"name": found["name"], "tags": " ".join(found["tags"]) or None, "agent": found["agent_id"]}
        times = {"changed": at(found["updated_at"]), "ends": at(found["expires_at"]) or None}
        screen.facts({"id": found["id"], **known, "version": found["version"], **times})
        print(as_json(found["content"]))

    screen.show(found, to_person)


def _path(options: argparse.Namespace) -> str:
    return f"/contexts/{in_path(options.context)}"


def _if_match(version: int | None) -> dict[str, str]:
    return {} if version is None else {"If-Match": f'"{version}"'}


def _document(options: argparse.Namespace) -> dict[str, Any]:
    try:
        text = sys.stdin.read() if options.file == _STDIN else Path(options.file).read_text(encoding="utf-8")
        document = json.loads(text)
    except OSError as error:
        raise Failed(f"{options.file} cannot be read: {error.strerror}.", code=Exit.USAGE) from None
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise Failed(f"{options.file} holds no JSON object.", "Write {} around its members.", Exit.USAGE)
    named = {"name": options.name, "tags": options.tag}
    return {**document, **{name: value for name, value in named.items() if value is not None}}
