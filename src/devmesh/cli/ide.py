"""`devmesh ide`: tells an editor or an agent of the server, without the key."""

from __future__ import annotations

import argparse
import difflib
import re
import stat
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from devmesh.cli import people
from devmesh.client.asking import sure
from devmesh.client.failure import Exit, Failed
from devmesh.client.files import replace
from devmesh.client.jsonc import Document, NotJson
from devmesh.client.screen import Color, Screen, painted
from devmesh.client.text import plain

_NAME = "devmesh"
_BOM = "\ufeff"
_NEW_MODE = 0o644
# What may stand in the file of others is nobody's to read over a shoulder.
_SECRET = re.compile(r"(?i)(bearer |basic |(?:token|key|secret|password)\"\s*:\s*\")(?!\$\{)[^\"]+")


@dataclass(frozen=True, slots=True)
class Client:
    """Where a client keeps its servers, and how it names the key: never by its value."""

    title: str
    file: str
    member: str
    key: str
    next_step: str
    typed: bool = True
    asks: Mapping[str, Any] = field(default_factory=dict)

    def server(self, url: str) -> dict[str, Any]:
        """Return the client's entry for the server."""
        kind = {"type": "http"} if self.typed else {}
        return {**kind, "url": f"{url}/mcp", "headers": {"Authorization": f"Bearer {self.key}"}}


_EXPORT = "Start it from a shell that has the key: export DEVMESH_API_KEY=… ('devmesh keys create NAME --type agent')."
CLIENTS = {
    "claude-code": Client("Claude Code", ".mcp.json", "mcpServers", "${DEVMESH_API_KEY}", _EXPORT),
    "cursor": Client("Cursor", ".cursor/mcp.json", "mcpServers", "${env:DEVMESH_API_KEY}", _EXPORT, typed=False),
    "vscode": Client(
        "VS Code",
        ".vscode/mcp.json",
        "servers",
        "${input:devmesh-key}",
        "It asks for the key once: 'devmesh keys create NAME --type agent' makes one.",
        asks={
            "type": "promptString",
            "id": "devmesh-key",
            "description": "Developer Mesh API key",
            "password": True,
        },
    ),
}

# What people call them as well.
_ALIASES = {"claude": "claude-code", "vs-code": "vscode"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the actions and their options."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    added = people.action(actions, "ide", "add", "write a client's configuration, after showing what changes")
    added.add_argument(
        "client",
        type=lambda name: _ALIASES.get(name, name),
        choices=sorted(CLIENTS),
        help="which client (claude is claude-code, vs-code is vscode)",
    )
    added.add_argument(
        "--directory", type=Path, default=Path(), help="the project that it is for (default: this directory)"
    )
    people.of_asking(added)
    people.of_server(added)


def run(options: argparse.Namespace) -> int:
    """Write the file if it is agreed to; 1 if it is not, or cannot be done."""
    return people.told(_add, options)


def _add(options: argparse.Namespace) -> None:
    client, screen = CLIENTS[options.client], people.screen(options)
    # Through a link to what it leads to: the link stays one.
    file = (options.directory / client.file).resolve()
    before = _text(file)
    after = _configured(client, file, before, people.address(options).url)
    shown = {"file": str(file), "changed": before != after}
    if before == after:
        screen.show(shown, lambda: screen.say(f"{file} holds that already. {client.next_step}"))
        return
    sys.stderr.writelines(f"{line}\n" for line in _difference(file, before, after))
    if not sure(f"Write {file}?", yes=options.yes):
        raise Failed("Nothing was written.")
    _write(file, after)
    screen.show(shown, lambda: _say(screen, client, file))


def _say(screen: Screen, client: Client, file: Path) -> None:
    screen.say(f"{client.title} is told of the server in {file}.", Color.GREEN)
    screen.say(f"The key is not in it. {client.next_step}")


def _text(file: Path) -> str:
    """Return the file's text, line ends as they are; empty if there is none."""
    try:
        return file.read_bytes().decode("utf-8")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise Failed(f"{file} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise Failed(f"{file} is no text in UTF-8.", "Nothing was changed: mend it first.") from None


def _configured(client: Client, file: Path, before: str, url: str) -> str:
    """Return the text with the server in it, and everything else as it was."""
    mark, text = (_BOM, before[1:]) if before.startswith(_BOM) else ("", before)
    try:
        document = Document(text if text.strip() else "{}\n")
        wanted = client.server(url)
        if document.value() == {} or _at(document, client.member) != wanted:
            document.put((client.member, _NAME), wanted)
        if client.asks and not _is_asked(document, client.asks["id"]):
            document.append(("inputs",), dict(client.asks))
    except NotJson as fault:
        raise Failed(
            f"{file} cannot be understood: it is no JSON object of servers (line {fault.line}).",
            "Nothing was changed: mend it first.",
        ) from None
    return mark + document.text


def _at(document: Document, member: str) -> Any:
    servers = document.value()
    servers = servers.get(member) if isinstance(servers, dict) else None
    return servers.get(_NAME) if isinstance(servers, dict) else None


def _is_asked(document: Document, name: str) -> bool:
    inputs = document.value().get("inputs")
    return isinstance(inputs, list) and any(isinstance(one, dict) and one.get("id") == name for one in inputs)


def _difference(file: Path, before: str, after: str) -> Iterator[str]:
    """Yield the lines that change and those around them; what looks like a secret in them is hidden."""
    colors = {"+": Color.GREEN, "-": Color.RED, "@": Color.CYAN}
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(file), str(file), "as it is", "as it would be", lineterm=""
    )
    for line in lines:
        hidden = _SECRET.sub(r"\1[hidden]", plain(line))
        yield painted(hidden, colors.get(line[:1], Color.NONE), sys.stderr)


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(exist_ok=True)
        mode = stat.S_IMODE(file.stat().st_mode) if file.exists() else _NEW_MODE
        replace(file, text.encode(), mode=mode)
    except OSError as error:
        raise Failed(f"{file} cannot be written: {error.strerror}.", code=Exit.FAILED) from None
