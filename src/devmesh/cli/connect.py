"""`devmesh connect`."""

from __future__ import annotations

import argparse
import difflib
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from devmesh.cli import people
from devmesh.client.asking import answered, asked, said_yes, secret, somebody
from devmesh.client.failure import Exit, Failed
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column, Screen
from devmesh.client.server import Reply, Server, in_path
from devmesh.client.text import at

_COLORS = {"valid": Color.GREEN, "invalid": Color.RED}
_LARGEST = 1024 * 1024


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the service, and what of its credential is no secret."""
    parser.add_argument("service", nargs="?", help="which service; without it the services are listed")
    parser.add_argument(
        "--field",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        type=_pair,
        help="a field that is no secret, such as base_url=https://…; what is left out is asked for, or read from "
        "standard input: the one secret in a line, or a JSON object of fields",
    )
    parser.add_argument("--label", help="name of this credential, beside others for the same service")
    parser.add_argument("--organization", action="store_true", help="for everybody in the organization, by an admin")
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Store a credential, have the service say whose it is; 1 if it does not accept it."""
    return people.told(_list if options.service is None else _connect, options)


def _list(options: argparse.Namespace) -> None:
    with Progress("asking the server") as progress:
        found = people.server(options, progress).ask("GET", "/services")
    screen = people.screen(options)
    columns = (
        Column("SERVICE", lambda one: one["service"], whole=True),
        Column("CONNECTED", _whose, lambda one: Color.GREEN if one["connected"] else Color.DIM, whole=True),
        Column("TOOLS", lambda one: one["tools"] or "", whole=True),
        Column("A TOKEN IS MADE AT", lambda one: one["token_page"] or "the service itself"),
    )
    screen.show(found, lambda: screen.table(found["services"], columns, "No service is open to you."))
    screen.say("'devmesh connect SERVICE' connects one.")


def _whose(service: Mapping[str, Any]) -> str:
    return {None: "no", "user": "yes", "organization": "by the organization"}[service["connected"]]


def _connect(options: argparse.Namespace) -> Exit:
    screen = people.screen(options)
    with Progress("asking the server") as progress:
        server = people.server(options, progress)
        service = _found(server, options.service)
    screen.say(f"{service['title']}{_made_at(service)}")
    values = _values(service, dict(options.field), screen)
    owner = "organization" if options.organization else "user"
    body = {"service_type": service["service"], "owner": owner, **_placed(service, values)}
    body |= {"label": options.label} if options.label else {}
    with Progress(f"asking {service['title']} whose it is") as progress:
        server.wait = progress.wait
        server.ask("POST", "/credentials", body)
        path = f"/credentials/{in_path(service['service'])}/validate"
        verdict = server.ask("POST", path, query={"owner": owner, "label": options.label})
    screen.show(verdict, lambda: _say(screen, service, verdict))
    return Exit.OK if verdict["valid"] is not False else Exit.FAILED


def _found(server: Server, name: str) -> Reply:
    services: list[Reply] = server.ask("GET", "/services").listed("services")
    names = [str(one["service"]) for one in services]
    if name.lower() not in names:
        nearest = difflib.get_close_matches(name.lower(), names, n=1)
        there = f"Did you mean {nearest[0]}?" if nearest else f"There is {', '.join(names)}."
        raise Failed(f"There is no service '{name}'.", there, Exit.NOT_FOUND)
    return services[names.index(name.lower())]


def _made_at(service: Reply) -> str:
    return f": a token is made at {service['token_page']}" if service["token_page"] else ""


def _values(service: Reply, given: dict[str, str], screen: Screen) -> dict[str, str]:
    """Return the credential's values: given, asked for, or from standard input where nobody is there."""
    fields = {str(field["name"]): field for field in service["fields"]}
    for name in given:
        _admit(name, fields.get(name), list(fields))
    if not somebody():
        return given | _piped(fields, service["forms"], given)
    form = _form(service["forms"], given)
    among = {name for one in service["forms"] for name in one}
    for name, field in fields.items():
        if name in given or (name in among and name not in form):
            continue
        value = _asked(field, required=field["required"] or name in form, screen=screen)
        given |= {name: value} if value else {}
    return given


def _admit(name: str, field: Mapping[str, Any] | None, known: Sequence[str]) -> None:
    if field is None:
        raise Failed(f"There is no field '{name}'.", f"There is {', '.join(known)}.", Exit.USAGE)
    if field["secret"]:
        raise Failed(
            f"'{name}' is a secret, and others on this machine can read a command line.",
            "Leave it out: it is asked for, or read from standard input. If it is a real one, make another.",
            Exit.USAGE,
        )


def _form(forms: Sequence[Sequence[str]], given: Mapping[str, str]) -> Sequence[str]:
    """Return which of the service's sets of fields it is to be: what is given tells, else the person."""
    among = {name for form in forms for name in form}
    fitting = [form for form in forms if set(given) & among <= set(form)] or list(forms)
    if len(fitting) < 2:  # noqa: PLR2004 - nothing to choose
        return fitting[0] if fitting else ()
    for number, form in enumerate(fitting, 1):
        print(f"  {number}  {' and '.join(form)}", file=sys.stderr)
    while True:
        answer = asked("Which of these do you have", "--field", None, default="1")
        if answer.isdecimal() and 1 <= int(answer) <= len(fitting):
            return fitting[int(answer) - 1]


def _asked(field: Mapping[str, Any], *, required: bool, screen: Screen) -> str:
    name = str(field["name"])
    screen.note(f"{name}: {field['description']}" if field["description"] else "", Color.DIM)
    if required:
        return secret(name) if field["secret"] else asked(name, f"--field {name}=…", None)
    if field["secret"] and not said_yes(f"{name} is optional: have you got one?"):
        return ""
    return secret(name) if field["secret"] else answered(f"{name} (Enter: none)")


def _piped(
    fields: Mapping[str, Mapping[str, Any]], forms: Sequence[Sequence[str]], given: Mapping[str, str]
) -> dict[str, str]:
    """Return the values on standard input: a JSON object of them, or the one secret."""
    text = sys.stdin.read(_LARGEST).strip()
    if text.startswith("{"):
        return _object(text, fields)
    among = {name for form in forms for name in form}
    begun = [form for form in forms if set(form) & set(given)]
    form = begun[0] if begun else forms[0] if len(forms) == 1 else ()
    needed = [name for name, field in fields.items() if (field["required"] and name not in among) or name in form]
    secrets = [name for name in needed if fields[name]["secret"]]
    if not text or len(secrets) != 1 or set(needed) - set(given) != set(secrets):
        example = json.dumps(dict.fromkeys(set(needed or fields) - given.keys(), "…"))
        raise Failed(
            "Standard input does not hold what is needed.", f"Write a JSON object to it: {example}", Exit.USAGE
        )
    return {secrets[0]: text}


def _object(text: str, fields: Mapping[str, Any]) -> dict[str, str]:
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        raise Failed("Standard input holds no whole JSON object.", code=Exit.USAGE) from None
    wrong = [name for name, value in values.items() if name not in fields or not isinstance(value, str)]
    if wrong:
        raise Failed(f"There is no field '{wrong[0]}', or it is no text.", f"There is {', '.join(fields)}.", Exit.USAGE)
    return dict(values)


def _placed(service: Reply, values: Mapping[str, str]) -> dict[str, dict[str, str]]:
    places: dict[str, dict[str, str]] = {"credentials": {}, "metadata": {}}
    for field in service["fields"]:
        if field["name"] in values:
            places[field["within"]][field["name"]] = values[field["name"]]
    return places


def _say(screen: Screen, service: Reply, verdict: Reply) -> None:
    title = service["title"]
    if verdict["status"] == "valid":
        screen.say(f"Connected: {title} knows this as {verdict['account'] or 'a valid credential'}.", Color.GREEN)
        scopes = verdict["granted_scopes"]
        screen.facts(
            {
                "may": None if scopes is None else " ".join(scopes) or "nothing that the service names",
                "ends": at(verdict["expires_at"]) or None,
            }
        )
        return
    screen.say(f"Stored, but {title} says: {verdict['reason']}", _COLORS.get(verdict["status"], Color.YELLOW))
    if verdict["valid"] is None:
        screen.say("Next: call a tool, which tells whether it is good.")
    else:
        screen.say("Next: connect it again, with one that is good; the one that was there before is replaced.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value
