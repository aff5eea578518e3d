"""`devmesh login`."""

from __future__ import annotations

import argparse
import os
import time

from devmesh.cli import people
from devmesh.client.address import Address
from devmesh.client.asking import asked, secret, somebody
from devmesh.client.failure import Exit, Failed, Refused
from devmesh.client.kept import Login, Tokens
from devmesh.client.screen import Color, Screen
from devmesh.client.server import Nobody, Reply, Server

_TRIES = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who logs in where."""
    parser.add_argument("--email", help="your e-mail address (asked for if it is left out)")
    parser.add_argument("--organization", help="slug of the organization, if your address is known in several")
    people.of_server(parser)


def run(options: argparse.Namespace) -> int:
    """Log in; 3 if the server does not know the person."""
    return people.told(_log_in, options)


def _log_in(options: argparse.Namespace) -> None:
    where = people.address(options)
    email = asked(f"E-mail address at {where.url}", "--email", options.email)
    login = enter(where, email, secret("Password"), options.organization)
    said(people.screen(options), where, login)


def enter(where: Address, email: str, password: str, organization: str | None) -> Login:
    """Begin a session and keep it for the commands that follow; raise Failed."""
    server = Server(where, Nobody())
    body = {"email": email, "password": password} | ({"organization": organization} if organization else {})
    reply = server.ask("POST", "/auth/login", body)
    if reply.get("mfa_required"):
        reply = _proven(server, reply)
    logins = people.logins()
    login = Login(reply["user"]["email"], reply["organization"]["slug"], Tokens.of(reply, time.time()))
    with logins.locked():
        return logins.keep(where.url, login)


def said(screen: Screen, where: Address, login: Login) -> None:
    """Say who is logged in, and what might surprise that person later."""
    value = {"url": where.url, "email": login.email, "organization": login.organization}

    def to_person() -> None:
        kept = "in the system's keyring" if login.in_keyring else "in a file that only you can read"
        screen.say(f"Logged in to {where.url} as {login.email} ({login.organization}).", Color.GREEN)
        screen.say(f"The session is kept {kept}; 'devmesh logout' ends it.")

    screen.show({**value, "kept_in": "keyring" if login.in_keyring else "file"}, to_person)
    if os.environ.get(people.KEY, "").strip():
        screen.note(f"{people.KEY} is set and goes before the login: unset it to act as yourself.", Color.YELLOW)


def _proven(server: Server, asks: Reply) -> Reply:
    """Return the reply that follows a right code; a person may mistype it."""
    if not set(asks["methods"]) & {"totp", "recovery_code"}:
        raise Failed(
            "Your second factor is a passkey, which only a browser can show.",
            "Set an authenticator app up beside it, or use an API key: DEVMESH_API_KEY.",
            Exit.REFUSED,
        )
    for left in reversed(range(_TRIES)):
        code = secret("Code of your authenticator app, or a recovery code")
        try:
            return server.ask("POST", "/auth/login/mfa", {"mfa_token": asks["mfa_token"], "code": code.strip()})
        except Refused as refused:
            if refused.problem != "factor_wrong" or not left or not somebody():
                raise
            Screen(json=False).note(refused.what, Color.YELLOW)
    raise AssertionError  # the last try returns or raises
