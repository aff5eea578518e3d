"""`devmesh register`."""

from __future__ import annotations

import argparse
import os
import unicodedata

from devmesh.cli import login, people
from devmesh.client.address import Address
from devmesh.client.asking import asked, chosen_secret, somebody
from devmesh.client.failure import Failed
from devmesh.client.screen import Color, Screen
from devmesh.client.server import Nobody, Reply, Server

_TOKEN = "DEVMESH_REGISTRATION_TOKEN"  # noqa: S105 - the name of a variable

# accounts.passwords holds the rule; a test compares them.
_LONG, _SHORTEST = 15, 8
_RULE = (
    f"A password has at least {_LONG} characters of any kind, or at least {_SHORTEST} with an upper-case letter, a "
    "lower-case letter and a digit. Common ones and the organization's name are refused."
)
# Which of the two it is, the server's log says at its start; its reply is the same.
_MAIL = (
    "A mail to verify your address is on its way to you; where the server has no DEVMESH_SMTP_URL, it is a file in "
    "outbox/ of its data directory, and everything works without it."
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who registers what; the rest is asked for."""
    parser.add_argument("--organization", help="name of the organization")
    parser.add_argument("--slug", help="its short name, in addresses: a-z, 0-9 and hyphens")
    parser.add_argument("--email", help="your e-mail address")
    parser.add_argument("--name", help="your name")
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Register, show the administrator's key once, and log in."""
    return people.told(_register, options)


def _register(options: argparse.Namespace) -> None:
    where, screen = people.address(options), people.screen(options)
    name = asked("Name of your organization", "--organization", options.organization)
    body = {
        "organization_name": name,
        "organization_slug": asked("Its short name, in addresses", "--slug", options.slug, default=_slug(name)),
        "admin_email": asked("Your e-mail address", "--email", options.email, check=_no_address),
        "admin_name": asked("Your name", "--name", options.name),
        "admin_password": _password(screen),
    }
    token = os.environ.get(_TOKEN, "").strip()
    headers = {"X-Registration-Token": token} if token else None
    made = Server(where, Nobody()).ask("POST", "/auth/register/organization", body, headers=headers)

    def to_person() -> None:
        screen.say(f"{name} is registered.", Color.GREEN)
        screen.say(_MAIL)
        screen.say("Your administrator's key is shown this once. Keep it well, and give it to no agent:")
        screen.say(f"  {made['api_key']}", Color.BOLD)

    screen.show(made, to_person)
    _log_in(where, made, body, screen)


def _log_in(where: Address, made: Reply, body: dict[str, str], screen: Screen) -> None:
    """Log in with the password that is at hand; the registration stands, whatever comes of that."""
    slug = made["organization"]["slug"]
    try:
        kept = login.enter(where, body["admin_email"], body["admin_password"], slug)
    except Failed as failed:
        screen.note(f"You are not logged in yet: {failed.what} Run 'devmesh login'.", Color.YELLOW)
        return
    screen.say(f"You are logged in as {kept.email}. Next: 'devmesh connect' shows what can be connected.")


def _password(screen: Screen) -> str:
    """Return the password that is chosen; a person hears the rule first."""
    if somebody():
        screen.note(_RULE, Color.DIM)
    return chosen_secret("Password", too_weak)


def _no_address(answer: str) -> str:
    return "" if "@" in answer else "That is no e-mail address: once more."


def too_weak(password: str) -> str:
    """Return that the server will not take the password, as far as its form tells; it knows the common ones."""
    normal = unicodedata.normalize("NFKC", password)
    kinds = (str.isupper, str.islower, str.isdecimal)
    mixed = all(any(map(is_kind, normal)) for is_kind in kinds)
    if len(normal) >= (_SHORTEST if mixed else _LONG):
        return ""
    return "That is too short for what it is made of: once more."


def _slug(name: str) -> str:
    """Return a short name that would do."""
    kept = "".join(character if character.isascii() and character.isalnum() else "-" for character in name.lower())
    return "-".join(part for part in kept.split("-") if part)[:50].strip("-")
