"""`devmesh logout`."""

from __future__ import annotations

import argparse

from devmesh.cli import people
from devmesh.client.failure import Exit, Failed, Refused
from devmesh.client.screen import Color, Screen
from devmesh.client.server import Server
from devmesh.client.session import Session


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where."""
    people.of_server(parser, json=False)


def run(options: argparse.Namespace) -> int:
    """End the session there and forget it here; 3 if there is none."""
    return people.told(_log_out, options)


def _log_out(options: argparse.Namespace) -> None:
    where, logins = people.address(options), people.logins()
    if logins.find(where.url) is None:
        raise Failed(f"You are not logged in to {where.url}.", code=Exit.REFUSED)
    untold: Failed | None = None
    try:
        Server(where, Session(logins, where)).ask("POST", "/auth/logout")
    except Refused as refused:
        untold = None if refused.code is Exit.REFUSED else refused
    except Failed as failed:
        # A session that had ended by itself is forgotten already.
        untold = failed if logins.find(where.url) is not None else None
    with logins.locked():
        logins.drop(where.url)
    if untold is not None:
        raise Failed(
            f"Forgotten here, but the server does not know of it: {untold.what}",
            "The session ends by itself after 7 days without use. To end it at once, log in and end it: "
            "GET and DELETE /api/v1/auth/sessions.",
            untold.code,
        )
    Screen(json=False).say(f"Logged out of {where.url}.", Color.GREEN)
