"""`devmesh audit`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from devmesh.cli import people
from devmesh.client.failure import Refused
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column
from devmesh.client.server import Reply, Server
from devmesh.client.text import at

_COLORS = {"ok": Color.GREEN, "refused": Color.YELLOW, "error": Color.RED, "unknown": Color.RED}
_MANY = 1_000_000
_TIME = "2026-11-22T00:00:00Z"


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which entries are wanted."""
    parser.add_argument("--actor", metavar="ID", help="only what this user or key did")
    parser.add_argument("--action", help="only this action, such as tool.call")
    parser.add_argument("--service", help="only calls of this service")
    parser.add_argument("--tool", help="only calls of this tool")
    parser.add_argument(
        "--outcome", choices=["ok", "error", "refused", "pending", "unknown"], help="only what ended so"
    )
    parser.add_argument("--since", type=time, metavar="TIME", help=f"only from this time on, such as {_TIME}")
    parser.add_argument("--until", type=time, metavar="TIME", help="only before this time")
    parser.add_argument("--limit", type=count, default=50, help="at most so many entries (default: %(default)s)")
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Show what happened in the organization, the newest first; 3 if the caller may not see it."""
    return people.told(_show, options)


def count(text: str) -> int:
    """Return how many entries an option asks for; for argparse, which shows the message."""
    number = int(text)
    if not 1 <= number <= _MANY:
        raise argparse.ArgumentTypeError(f"from 1 to {_MANY}")
    return number


def time(text: str) -> str:
    """Return the time that an option names, in RFC 3339 (without a zone it is UTC); for argparse, as above."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"write a time such as {_TIME}, or a day such as {_TIME[:10]}") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).isoformat()


def _show(options: argparse.Namespace) -> None:
    names = ("actor", "action", "service", "tool", "outcome", "since", "until")
    query = {name: getattr(options, name) for name in names}
    screen = people.screen(options)
    with Progress("reading the audit", options.limit) as progress:
        server = people.server(options, progress)
        entries = list(server.pages("/audit", "entries", query=query, most=options.limit, told=progress.told))
        known = _people(server) if screen.person else {}
    columns = (
        Column("TIME (UTC)", lambda entry: at(entry["at"]), whole=True),
        Column("OUTCOME", _outcome, _color, whole=True),
        Column("ACTION", lambda entry: entry["action"]),
        Column("OF", _of),
        Column("BY", lambda entry: who_acted(entry["actor"], known)),
    )
    shown = {"entries": entries, "count": len(entries)}
    screen.show(shown, lambda: screen.table(entries, columns, "There is no such entry."))
    altered = sum(map(_is_altered, entries))
    if altered:
        screen.note(
            f"ALTERED marks what was changed in the database after it was written: {altered} of these.", Color.RED
        )


def _is_altered(entry: Reply) -> bool:
    return bool(entry.get("altered"))


def _outcome(entry: Reply) -> str:
    return f"{entry['outcome']}, ALTERED" if _is_altered(entry) else str(entry["outcome"])


def _color(entry: Reply) -> Color:
    return Color.RED if _is_altered(entry) else _COLORS.get(entry["outcome"], Color.NONE)


def _of(entry: dict[str, Any]) -> str:
    return str(entry.get("tool") or entry.get("target") or entry.get("service") or "")


def _people(server: Server) -> dict[str, str]:
    """Return the addresses of the organization's people by id, as far as the caller may see them."""
    try:
        return {user["id"]: user["email"] for user in server.pages("/users", "users")}
    except Refused:
        return {}


def who_acted(actor: Reply, known: Mapping[str, str]) -> str:
    """Return who acted, by what key, and for whom; somebody who is no user any more by the id."""
    if actor["user_id"] is None:
        return "nobody known"
    who = known.get(actor["user_id"], actor["user_id"])
    by_key = f", {actor['key_type']} key" if actor["key_type"] else ""
    helped = actor["on_behalf_of"]
    return f"{who}{by_key}" + (f" for {known.get(helped, helped)}" if helped else "")
