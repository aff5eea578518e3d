# ruff: noqa: INP001 - beside the pages, no package
"""The pages of the services: what to store, where to get it, what a call sends, and every tool."""

from __future__ import annotations

from collections.abc import Iterator

from tables import table

from devmesh.connectors import CONNECTORS
from devmesh.gateway.builtin import BUILTIN
from devmesh.upstream.model import Connector, Field, Tool


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
    where = f" Tokens are made at <{connector.token_page}>." if connector.token_page else ""
    yield (
        f'A credential for `"service_type": "{name}"` holds {_fields(connector)}.{where} Store it with '
        f"`devmesh connect {name}` or `POST /api/v1/credentials`; [Credentials](../../guide/credentials.md) says how "
        "one of several is chosen."
    )
    rows = (
        (
            f"`{'metadata' if field.metadata else 'credentials'}.{field.name}`",
            _needed(connector, field),
            "sealed" if field.secret or not field.metadata else "readable",
            field.description,
        )
        for field in connector.fields
    )
    yield table(("Field", "Needed", "Kept", "What it is"), rows)
    yield f"{_where(connector)} For one call alone, a whole set of fields may go as headers: {_passed(connector)}."
    yield (
        f"A key needs `tools:read:{name}` for the tools that read, `tools:execute:{name}` for all of them, or scopes "
        f"of single tools ([Scopes](../scopes.md)). `devmesh tools describe NAME` and `GET /api/v1/tools/NAME` show a "
        "tool's arguments."
    )
    yield "## Tools"
    yield from _tools(connector)


def _needed(connector: Connector, field: Field) -> str:
    if any(field.name in form for form in connector.forms):
        return "in its set"
    return "yes" if field.required else "no"


def _where(connector: Connector) -> str:
    """Return in a sentence where the calls go."""
    if connector.base_url is not None:
        return f"Calls go to `{connector.base_url}` unless `metadata.base_url` names another address."
    if connector.root is not None:
        return "Calls go to the service's own addresses unless `metadata.base_url` names another one."
    return "Calls go to `metadata.base_url`; one inside your network must be opened by the operator first."


def _passed(connector: Connector) -> str:
    names = (field.name.replace("_", "-").title() for field in connector.fields)
    return ", ".join(f"`X-Service-{connector.title}-{name}`" for name in names)


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
