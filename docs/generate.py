# ruff: noqa: INP001 - a script, no package
"""Writes the tables of docs/reference from the code; with --check, says which of them differ and ends with 1."""

from __future__ import annotations

import argparse
import importlib
import inspect
import pkgutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import bounds
import rights
from tables import plain, table

import devmesh
from devmesh import app, cli
from devmesh.connectors import CONNECTORS
from devmesh.errors import MeshError
from devmesh.gateway.builtin import BUILTIN
from devmesh.http.routing import ANY, BY_TOOL
from devmesh.settings import SETTINGS
from devmesh.upstream.model import Connector, Tool

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by `make docs` from the code. Change the code, not this page. -->"
# What answers beside the routes that the program declares.
FIXED = (
    ("POST", "/mcp", "any key", "MCP: see [the guide](../guide/onboarding.md#6-call-a-tool)."),
    ("GET", "/openapi.json", "anybody", "The OpenAPI document: every body, parameter and reply."),
    ("GET", "/docs", "anybody", "A page that shows the OpenAPI document."),
)


def settings() -> Iterator[str]:
    """Yield the page of the settings."""
    yield "# Settings"
    yield (
        "Environment variables, read once at start. All faults are told at once, each with its mend; a name that "
        "begins with `DEVMESH_` and is none of these is a fault too. [Operating](../operating.md) says which to set."
    )
    yield table(("Name", "Meaning", "Without it"), ((f"`{s.name}`", s.meaning, s.default) for s in SETTINGS))


def errors() -> Iterator[str]:
    """Yield the page of the error codes."""
    for module in pkgutil.walk_packages(devmesh.__path__, "devmesh."):
        importlib.import_module(module.name)
    kinds: set[type[MeshError]] = {MeshError, *(kind for kind in _below(MeshError) if "code" in vars(kind))}
    yield "# Error codes"
    yield (
        "Under `/api/v1` every error is `application/problem+json` (RFC 9457) with `code`, `error`, `hint` and "
        "`request_id` beside the standard members; `hint` is the next step, made for the case. On `POST /mcp` the same "
        "code stands in the `_meta` of a `tools/call` result with `isError: true`, or in a JSON-RPC error's `data`."
    )
    rows = sorted((kind.status, kind.code, kind.error, _meaning(kind)) for kind in kinds)
    shown = ((f"`{code}`", str(status), error, what) for status, code, error, what in rows)
    yield table(("Code", "Status", "`error`", "Meaning"), shown)


def routes() -> Iterator[str]:
    """Yield the page of the routes."""
    yield "# Routes"
    yield (
        "`GET` routes answer `HEAD` too. A scope is held by a key directly (`keys:write`) or through the words `read`, "
        "`write` and `admin`; its type and its owner's role cut it further. `GET /docs` on a running server shows "
        "bodies and replies."
    )
    own = [(f"/api/v1{path}", handler) for handler in app._ROUTES for path in sorted(handler.paths)]  # noqa: SLF001 - the list itself
    own += [(path, handler) for handler in app._ROOT for path in sorted(handler.paths)]  # noqa: SLF001 - the list itself
    rows = [
        (method, path, _who(handler), str(handler.summary or "").rstrip("."))
        for path, handler in own
        for method in sorted(handler.http_methods)
        if method != "HEAD"
    ]
    everything = sorted([*rows, *FIXED], key=lambda row: (row[1], row[0]))
    shown = ((method, f"`{plain(path)}`", who, what) for method, path, who, what in everything)
    yield table(("Method", "Path", "Who may", "Does"), shown)


def tools() -> Iterator[str]:
    """Yield the page of the tools."""
    yield "# Tools"
    yield (
        "As `tools/list` names them; `service_operation` is accepted for `service.operation`. A tool that reads needs "
        "`tools:read`, one that writes `tools:execute`, each also for a service or a tool alone "
        "(`tools:execute:github.create_issue`). `GET /api/v1/tools/{name}` shows a tool's arguments."
    )
    rows = (
        (f"[{one.title}](services/{name}.md)", f"`{name}`", str(len(one.tools)))
        for name, one in sorted(CONNECTORS.items())
    )
    yield table(("Service", "Its name", "Tools"), rows)
    yield "## The gateway's own"
    yield from _tools(BUILTIN)


def service(connector: Connector) -> Iterator[str]:
    """Yield the page of a service."""
    yield f"# {connector.title}"
    name = connector.name
    where = f", made at <{connector.token_page}>" if connector.token_page else ""
    yield (
        f'A credential for `"service_type": "{name}"` holds {_fields(connector)}{where}. '
        "[Credentials](../../guide/credentials.md) says how it is stored, and how one of several is chosen."
    )
    rows = (
        (
            f"`{'metadata' if field.metadata else 'credentials'}.{field.name}`",
            "sealed" if field.secret or not field.metadata else "readable",
            field.description,
        )
        for field in connector.fields
    )
    yield table(("Field", "Kept", "What it is"), rows)
    yield "## Tools"
    yield from _tools(connector)


def _tools(connector: Connector) -> Iterator[str]:
    scoped = any(tool.needs for tool in connector.tools.values())
    rows = (
        (
            f"`{tool.name}`",
            _does(tool),
            *([" or ".join(f"`{scope}`" for scope in tool.needs)] if scoped else []),
            " ".join(tool.description.partition("\n\n")[0].split()),
        )
        for tool in sorted(connector.tools.values(), key=lambda tool: tool.name)
    )
    yield table(("Tool", "Does", *(["Needs of the token"] if scoped else []), "Description"), rows)


def commands() -> Iterator[str]:
    """Yield the page of the commands."""
    yield "# Commands"
    yield "`devmesh COMMAND`; after `make install` it is `.venv/bin/devmesh`. Settings come from the environment."
    for name, summary in cli.COMMANDS.items():
        parser = argparse.ArgumentParser(prog=f"devmesh {name}", add_help=False)
        importlib.import_module(f"devmesh.cli.{name.replace('-', '_')}").arguments(parser)
        yield f"## devmesh {name}"
        yield summary[0].upper() + summary[1:] + "."
        yield from _options(parser)


def _options(parser: argparse.ArgumentParser) -> Iterator[str]:
    """Yield the table of the command's options, or a section for each of its actions."""
    shown = [
        action
        for action in parser._actions  # noqa: SLF001 - nothing public lists them
        if argparse.SUPPRESS not in (action.help, action.dest) and action.dest != "help"
    ]
    for action in shown:
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for name, child in action.choices.items():
                about = str(child.description).removeprefix(f"devmesh {parser.prog.partition(' ')[2]} {name}: ")
                yield f"### {parser.prog} {name}"
                yield about[0].upper() + about[1:]
                yield from _options(child)
            return
    if shown:
        yield table(("Option", "Meaning"), ((_option(action), _help(action)) for action in shown))


PAGES: dict[str, Callable[[], Iterator[str]]] = {
    **{page.__name__: page for page in (settings, errors, routes, tools, commands)},
    "scopes": rights.page,
    "limits": bounds.page,
    **{f"services/{name}": partial(service, connector) for name, connector in CONNECTORS.items()},
}


def _below(kind: type[MeshError]) -> Iterator[type[MeshError]]:
    for below in kind.__subclasses__():
        yield below
        yield from _below(below)


def _meaning(kind: type[MeshError]) -> str:
    text = "Something went wrong inside." if kind is MeshError else inspect.getdoc(kind) or ""
    return " ".join(text.partition("\n\n")[0].split())


def _who(handler: Any) -> str:
    plan = handler.opt["plan"]
    scope = handler.opt["scope"]
    if scope not in (None, ANY):
        return "`tools:execute:{name}`; `tools:read:{name}` if it reads" if scope == BY_TOOL else f"`{scope}`"
    if plan.caller is None:
        return "anybody"
    return "any key" if plan.caller_required else "anybody; a key is checked if sent"


def _fields(connector: Connector) -> str:
    """Return the fields of a credential; of several sets of them exactly one is given."""
    names = {field.name: f"`{'metadata.' if field.metadata else ''}{field.name}`" for field in connector.fields}
    sets = [" and ".join(names[name] for name in form) for form in connector.forms]
    in_sets = {name for form in connector.forms for name in form}
    others = [
        f"{names[field.name]}{'' if field.required else ' (optional)'}"
        for field in connector.fields
        if field.name not in in_sets
    ]
    either = [f"either {', or '.join(sets)}"] if sets else []
    return "; beside that ".join([*either, *([", ".join(others)] if others else [])])


def _does(tool: Tool) -> str:
    if tool.read_only:
        return "reads"
    if tool.safe is not None:
        return "reads or writes"
    return "writes, cannot be undone" if tool.destructive else "writes"


def _option(action: argparse.Action) -> str:
    return f"`{', '.join(action.option_strings) or action.dest}`"


def _help(action: argparse.Action) -> str:
    return (action.help or "") % {"default": action.default}


def main() -> int:
    """Write the pages, or compare them; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing, say what differs")
    only_check = parser.parse_args().check
    (FOLDER / "services").mkdir(parents=True, exist_ok=True)
    code = 0
    for name, page in PAGES.items():
        head, *rest = page()
        text = "\n\n".join((head, NOTE, *rest)) + "\n"
        file = FOLDER / f"{name}.md"
        if only_check and (not file.exists() or file.read_text(encoding="utf-8") != text):
            sys.stderr.write(f"docs/reference/{name}.md differs from the code: run 'make docs' and commit it\n")
            code = 1
        elif not only_check:
            file.write_text(text, encoding="utf-8")
    return code


if __name__ == "__main__":
    sys.exit(main())
