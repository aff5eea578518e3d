"""`devmesh connect`."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Collection, Mapping, Sequence
from functools import partial
from typing import Any

from devmesh.cli import people, services
from devmesh.client.asking import answered, asked, said_yes, secret, somebody
from devmesh.client.failure import Exit, Failed, Refused
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Column, Screen
from devmesh.client.server import Reply, Server, in_path
from devmesh.client.steps import spoken
from devmesh.client.text import at

_CODES = {True: Exit.OK, False: Exit.FAILED, None: Exit.UNCHECKED}
_LARGEST = 1024 * 1024
_ADDRESS = "base_url"
_STORED = "The credential is stored; whether it is accepted is not known."
_EXAMPLES = {_ADDRESS: "https://…"}


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
    people.of_asking(parser)
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Store a credential, have the service say whose it is; 1 if it does not accept it, 7 if it could not say."""
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
        service = services.named(server, options.service)
        owner = "organization" if options.organization else "user"
        path, query = f"/credentials/{in_path(service['service'])}", {"owner": owner, "label": options.label}
        former = _is_stored(server, path, query)
    asks = somebody() and not options.yes
    if former and asks and not _is_to_be_replaced(service, options):
        raise Failed("Nothing was stored: the credential that there is stays.")
    screen.say(f"{service['title']}{_made_at(service)}")
    values = _values(service, dict(options.field), screen)
    body = {"service_type": service["service"], "owner": owner, **_placed(service, values)}
    body |= {"label": options.label} if options.label else {}
    with Progress(f"asking {service['title']} whose it is") as progress:
        server.wait = progress.wait
        # Nor is one replaced unasked that came to be while this one was typed.
        server.ask("POST", "/credentials", body, headers={"If-None-Match": "*"} if asks and not former else {})
        if former:
            screen.note("The credential that was stored here before was replaced.", Color.YELLOW)
        verdict = _verdict(server, service, f"{path}/validate", query)
    screen.show(verdict, lambda: _say(screen, service, verdict))
    return _CODES[verdict["valid"]]


def _is_stored(server: Server, path: str, query: Mapping[str, object]) -> bool:
    try:
        server.ask("GET", path, query=query)
    except Refused as refused:
        if refused.code == Exit.NOT_FOUND:
            return False
        raise
    return True


def _verdict(server: Server, service: Reply, path: str, query: Mapping[str, object]) -> Reply:
    """Return what the service says of the credential; whatever keeps it from that, it is said that it is stored."""
    try:
        return server.ask("POST", path, query=query)
    except Refused as refused:
        refused.what = f"{_STORED} {refused.what}"
        raise
    except (Failed, KeyboardInterrupt) as ended:
        what, code = ("", Exit.INTERRUPTED) if isinstance(ended, KeyboardInterrupt) else (ended.what, ended.code)
        if code == Exit.INTERRUPTED:
            what = "The check was stopped."
        again = f"Call one of its tools, or have it checked by 'devmesh connect {service['service']}' again."
        raise Failed(f"{_STORED} {what}", again, code) from None


def _is_to_be_replaced(service: Reply, options: argparse.Namespace) -> bool:
    whose = "The organization has" if options.organization else "You have"
    label = f" labeled '{options.label}'" if options.label else ""
    return said_yes(
        f"{whose} a credential for {service['title']}{label} already, which cannot be had back. Replace it?"
    )


def _made_at(service: Reply) -> str:
    return f": a token is made at {service['token_page']}" if service["token_page"] else ""


def _values(service: Reply, given: dict[str, str], screen: Screen) -> dict[str, str]:
    """Return the credential's values: given, asked for, or from standard input where nobody is there."""
    fields = {str(field["name"]): field for field in service["fields"]}
    for name in given:
        _admit(name, fields.get(name), list(fields))
    for name, value in given.items():
        _check(name, value)
    if not somebody():
        return _complete(service, given | _piped(fields, service["forms"], given))
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


def _check(name: str, value: str) -> None:
    if value and (fault := _fault(name, value)):
        raise Failed(fault, f"Write it with https://: {_written(name)}", Exit.USAGE)


def _fault(name: str, value: str) -> str:
    # Not repeated: a secret pasted in the wrong place stands there, or a password.
    return f"{name} has to be a whole address, with https://." if name == _ADDRESS and "://" not in value else ""


def _complete(service: Reply, values: dict[str, str]) -> dict[str, str]:
    """Return the values, which hold every field that the service needs in any case; raise Failed naming the others."""
    _check(_ADDRESS, values.get(_ADDRESS, ""))
    missing = [field for field in service["fields"] if field["required"] and field["name"] not in values]
    if missing:
        names = ", ".join(str(field["name"]) for field in missing)
        options = " ".join(_written(field["name"]) for field in missing if not field["secret"])
        hint = f"Add {options}" if options else "Write a JSON object that holds it to standard input."
        raise Failed(f"{service['title']} needs {names}.", hint, Exit.USAGE)
    return values


def _written(name: str) -> str:
    return f"--field {name}={_EXAMPLES.get(name, '…')}"


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
    check = partial(_fault, name)
    if required:
        return secret(name) if field["secret"] else asked(name, _written(name), None, check=check)
    if field["secret"] and not said_yes(f"{name} is optional: have you got one?"):
        return ""
    return secret(name) if field["secret"] else answered(f"{name} (Enter: none)", check)


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
    needed = _needed(fields, among, form)
    secrets = [name for name in needed if fields[name]["secret"]]
    if not text or len(secrets) != 1 or set(needed) - set(given) != set(secrets):
        wanted = _needed(fields, among, form or (forms[0] if forms else ()))
        example = {name: _EXAMPLES.get(name, "…") for name in wanted if name not in given}
        raise Failed(
            "Standard input does not hold what is needed.",
            f"Write a JSON object to it: {json.dumps(example, ensure_ascii=False)}",
            Exit.USAGE,
        )
    return {secrets[0]: text}


def _needed(fields: Mapping[str, Mapping[str, Any]], among: Collection[str], form: Sequence[str]) -> list[str]:
    return [name for name, field in fields.items() if (field["required"] and name not in among) or name in form]


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
    again = f"'devmesh connect {service['service']}'"
    if verdict["valid"] is None:
        screen.say(f"Stored, but it could not be checked: {spoken(verdict['reason'])}", Color.YELLOW)
        screen.say(f"Next: check the network and its base_url, then {again} again.")
    else:
        screen.say(f"Stored, but {title} says: {spoken(verdict['reason'])}", Color.RED)
        screen.say(f"Next: {again} again, with one that is good.")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name or not value:
        raise argparse.ArgumentTypeError("write NAME=VALUE")
    return name, value
