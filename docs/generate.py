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
import services
from tables import plain, table

import devmesh
from devmesh import app, cli
from devmesh import metrics as told
from devmesh.connectors import CONNECTORS
from devmesh.errors import MeshError
from devmesh.http.routing import ANY, BY_TOOL
from devmesh.metrics.registry import Metric
from devmesh.settings import SETTINGS

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
        "code stands in the `_meta` of a `tools/call` result with `isError: true`, or in a JSON-RPC error's `data`. An "
        "error of the protocol itself, such as `params.name must be a string.`, has no such code: its JSON-RPC `code` "
        "is all ([Writing an MCP client](../guide/mcp-client.md))."
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


def metrics() -> Iterator[str]:
    """Yield the page of the metrics."""
    yield "# Metrics"
    yield (
        "What `GET /metrics` tells in Prometheus's text form: to an admin key with `metrics:read`, and to anybody on "
        "`DEVMESH_METRICS_ADDR`. Each worker counts for itself. [Operating](../operating.md#monitoring) says what to "
        "watch."
    )
    named = (metric for metric in vars(told).values() if isinstance(metric, Metric))
    rows = ((f"`{one.name}`", one.kind, ", ".join(f"`{label}`" for label in one.labels), one.meaning) for one in named)
    yield table(("Name", "Kind", "Labels", "Meaning"), rows)


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
    **{page.__name__: page for page in (settings, errors, routes, services.tools, commands, metrics)},
    "scopes": rights.page,
    "limits": bounds.page,
    **{f"services/{name}": partial(services.service, connector) for name, connector in CONNECTORS.items()},
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
