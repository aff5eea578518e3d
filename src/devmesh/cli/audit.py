"""`devmesh audit`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

from devmesh.cli import people
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column
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
    with Progress("reading the audit", options.limit) as progress:
        server = people.server(options, progress)
        entries = list(server.pages("/audit", "entries", query=query, most=options.limit, told=progress.told))
    screen = people.screen(options)
    columns = (
        Column("TIME (UTC)", lambda entry: at(entry["at"]), whole=True),
        Column("OUTCOME", lambda entry: entry["outcome"], lambda entry: _COLORS.get(entry["outcome"], Color.NONE)),
        Column("ACTION", lambda entry: entry["action"]),
        Column("OF", _of),
        Column("BY", _by),
    )
    shown = {"entries": entries, "count": len(entries)}
    screen.show(shown, lambda: screen.table(entries, columns, "There is no such entry."))


def _of(entry: dict[str, Any]) -> str:
    return str(entry.get("tool") or entry.get("target") or entry.get("service") or "")


def _by(entry: dict[str, Any]) -> str:
    actor = entry.get("actor") or {}
    return (
        f"{actor['key_type']} key" if actor.get("key_type") else "session" if actor.get("user_id") else "nobody known"
    )
