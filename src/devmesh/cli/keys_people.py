"""`devmesh keys create`, `list`, `rotate` and `revoke`: a person's keys at a running server."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from devmesh.cli import people, scopes
from devmesh.client.asking import sure
from devmesh.client.failure import Exit, Failed
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column, Screen
from devmesh.client.server import Reply, Server, in_path
from devmesh.client.text import ago, at

_UNITS = {"": "seconds", "s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_LONGEST = timedelta(days=36_500)
_DIGITS = 10
Add = Callable[[str, str], argparse.ArgumentParser]


def arguments(add: Add) -> None:
    """Declare the actions but `rotate`, which has two meanings; `add` makes the parser of one."""
    made = add("create", "make an API key, shown this once")
    made.add_argument("name", help="what it is for, such as the machine or the agent that holds it")
    made.add_argument(
        "--type", choices=["user", "agent", "admin", "gateway"], help="how far it reaches at most (default: user)"
    )
    made.add_argument(
        "--scope", action="append", help="what it may do, such as read or tools:read:github; several times"
    )
    made.add_argument("--service", action="append", help="only calls of this service; several times")
    made.add_argument("--ip", action="append", help="only from this address or network; several times")
    made.add_argument("--expires-in", type=_lifetime, metavar="TIME", help="end it after so long, such as 90d or 12h")
    made.add_argument("--tenant", help="id or slug of the tenant that it acts in (default: yours)")
    listed = add("list", "the API keys that you may see, without their values")
    listed.add_argument("--all", action="store_true", help="also those that ended")
    revoked = add("revoke", "end an API key at once and for good")
    of_key(revoked)
    people.of_asking(revoked)
    for each in (made, listed, revoked):
        people.of_server(each)


def of_key(parser: argparse.ArgumentParser) -> None:
    """Declare which key."""
    parser.add_argument("key", help="its id, its name or its prefix")


def run(options: argparse.Namespace) -> int:
    """Do the action; return its exit code."""
    works = {"create": _create, "list": _list, "rotate": _rotate, "revoke": _revoke}
    return people.told(works[options.action], options)


def _create(options: argparse.Namespace) -> None:
    given = {
        "key_type": options.type,
        "scopes": options.scope,
        "allowed_services": options.service,
        "allowed_ips": options.ip,
        "expires_at": None if options.expires_in is None else (datetime.now(UTC) + options.expires_in).isoformat(),
        "tenant_id": options.tenant,
    }
    body = {"name": options.name, **{name: value for name, value in given.items() if value is not None}}
    screen = people.screen(options)
    with Progress("making the key") as progress:
        server = people.server(options, progress)
        scopes.check(server, options.scope or (), screen)
        made = server.ask("POST", "/api-keys", body)
    _shown_once(screen, made, "is made")


def _list(options: argparse.Namespace) -> None:
    with Progress("reading the keys") as progress:
        keys = _keys(people.server(options, progress), progress)
    keys = keys if options.all else [key for key in keys if key["is_active"]]
    screen = people.screen(options)
    columns = (
        Column("PREFIX", lambda key: key["key_prefix"], whole=True),
        Column("NAME", lambda key: key["name"], lambda _: Color.BOLD),
        Column("TYPE", lambda key: key["key_type"], whole=True),
        Column("MAY", lambda key: " ".join(key["scopes"])),
        Column("USED", lambda key: ago(key["last_used_at"]), whole=True),
        Column("STATE", _state, lambda key: Color.GREEN if key["is_active"] else Color.RED, whole=True),
    )
    shown = {"api_keys": keys, "count": len(keys)}
    screen.show(shown, lambda: screen.table(keys, columns, "There is none: 'devmesh keys create NAME' makes one."))


def _rotate(options: argparse.Namespace) -> None:
    server = people.server(options)
    key = _one(server, options.which)
    with Progress("rotating the key") as progress:
        server.wait = progress.wait
        body = {"grace_seconds": round(options.grace.total_seconds())}
        made = server.ask("POST", f"/api-keys/{in_path(key['id'])}/rotate", body)
    screen = people.screen(options)
    _shown_once(screen, made, "has a new secret")
    if options.grace:
        screen.say(f"The former secret works for {options.grace} more (hours, minutes, seconds).")
    else:
        screen.say("The former secret ended at once: --grace 1h would have let it work for an hour more.")


def _revoke(options: argparse.Namespace) -> None:
    server = people.server(options)
    key = _one(server, options.key)
    if not sure(f"End the {key['key_type']} key '{key['name']}' ({key['key_prefix']}) for good?", yes=options.yes):
        raise Failed("Nothing was revoked.")
    gone = server.ask("DELETE", f"/api-keys/{in_path(key['id'])}")
    screen = people.screen(options)
    screen.show(gone, lambda: screen.say(f"'{key['name']}' works no more.", Color.GREEN))


def _shown_once(screen: Screen, made: Reply, done: str) -> None:
    info = made["info"]
    unusable = info.get("unusable_scopes", [])

    def to_person() -> None:
        screen.say(f"The {info['key_type']} key '{info['name']}' {done}. It is shown this once:", Color.GREEN)
        screen.say(f"  {made['api_key']}", Color.BOLD)
        ends = at(info["expires_at"]) or "never"
        may = " ".join(scope for scope in info["scopes"] if scope not in unusable) or "nothing"
        screen.facts({"may": may, "limit": f"{info['rate_limit']} per {info['rate_window']}", "ends": ends})

    screen.show(made, to_person)
    if unusable:
        screen.note(
            f"No {info['key_type']} key can use {', '.join(unusable)}: that takes a key of another type.",
            Color.YELLOW,
        )


def _keys(server: Server, progress: Progress | None = None) -> list[Reply]:
    told = progress.told if progress is not None else lambda _: None
    return list(server.pages("/api-keys", "api_keys", told=told))


def _one(server: Server, wanted: str) -> Reply:
    """Return the one key of that id, name or prefix; what still works goes before what ended."""
    keys = _keys(server)
    found = [key for key in keys if wanted == key["id"]] or [
        key for key in keys if wanted in (key["name"], key["key_prefix"])
    ]
    found = [key for key in found if key["is_active"]] or found
    if not found:
        raise Failed(f"You see no key '{wanted}'.", "'devmesh keys list --all' shows yours.", Exit.NOT_FOUND)
    if len(found) > 1:
        ones = ", ".join(f"{key['id']} ({key['key_prefix']}…)" for key in found)
        raise Failed(f"{len(found)} keys are called '{wanted}'.", f"Name one by its id (or prefix): {ones}", Exit.USAGE)
    return found[0]


def _state(key: Any) -> str:
    return "works" if key["is_active"] else "revoked" if key["revoked_at"] else "ended"


def duration(text: str) -> timedelta:
    """Return the length of time that an option names; for argparse, which shows the message."""
    match = re.fullmatch(r"(\d+)([smhdw]?)", text, re.ASCII)
    if match is None:
        raise argparse.ArgumentTypeError("write a number with s, m, h, d or w, such as 90d; without, it is seconds")
    unit = timedelta(**{_UNITS[match[2]]: 1})
    # No more digits than the longest has in seconds: more of them are no length that Python holds.
    if len(match[1]) > _DIGITS or int(match[1]) > _LONGEST // unit:
        raise argparse.ArgumentTypeError(f"it is too long: at most {_LONGEST.days}d")
    return int(match[1]) * unit


def _lifetime(text: str) -> timedelta:
    length = duration(text)
    if not length:
        raise argparse.ArgumentTypeError("it would end at once: write a longer time, such as 90d")
    return length
