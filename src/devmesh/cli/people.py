"""What the commands share that people run against a server: their options, the server, and how they end."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable

from devmesh.client.address import DEFAULT_URL, Address
from devmesh.client.failure import Exit, Failed
from devmesh.client.kept import Logins
from devmesh.client.progress import Progress
from devmesh.client.screen import Color, Screen, painted
from devmesh.client.server import Credential, Server
from devmesh.client.session import Key, Session
from devmesh.client.text import plain

KEY = "DEVMESH_API_KEY"
URL = "DEVMESH_URL"


def of_server(parser: argparse.ArgumentParser, *, json: bool = True) -> None:
    """Declare which server is meant, and in which form the result is wanted."""
    parser.add_argument("--url", help=f"the server's address (default: {URL}, your login's, or {DEFAULT_URL})")
    parser.add_argument(
        "--insecure", action="store_true", help="send secrets unencrypted to another machine than this one"
    )
    if json:
        parser.add_argument("--json", action="store_true", help="JSON, as it is in a pipe, also on a terminal")


def of_asking(parser: argparse.ArgumentParser) -> None:
    """Declare that the command asks before it does what cannot be undone."""
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def told(work: Callable[[argparse.Namespace], Exit | None], options: argparse.Namespace) -> int:
    """Do the work; return its exit code, and say on standard error what kept it from being done."""
    try:
        code = work(options)
        sys.stdout.flush()
    except Failed as failed:
        _tell(failed)
        return failed.code
    except BrokenPipeError:
        # Whoever reads has seen enough; nor is what is still buffered written when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    except KeyboardInterrupt:
        print(file=sys.stderr)
        return Exit.INTERRUPTED
    return Exit.OK if code is None else code


def logins() -> Logins:
    """Return the logins of whoever runs this."""
    return Logins.of(os.environ)


def address(options: argparse.Namespace) -> Address:
    """Return the address of the server that is meant."""
    named = options.url or os.environ.get(URL, "").strip()
    return Address.of(named or logins().current or DEFAULT_URL, insecure=options.insecure)


def credential(where: Address) -> Credential:
    """Return what requests to that server are sent with: the key of the environment, else the kept session."""
    key = os.environ.get(KEY, "").strip()
    return Key(key) if key else Session(logins(), where)


def server(options: argparse.Namespace, progress: Progress | None = None) -> Server:
    """Return the server that is meant, asked with the caller's credential; waits are told by `progress`."""
    where = address(options)
    found = Server(where, credential(where))
    if progress is not None:
        found.wait = progress.wait
    return found


def screen(options: argparse.Namespace) -> Screen:
    """Return the screen, for a person or for a program."""
    return Screen(json=options.json)


def action(
    actions: argparse._SubParsersAction[argparse.ArgumentParser], command: str, name: str, about: str
) -> argparse.ArgumentParser:
    """Return the parser of a new action of the command."""
    return actions.add_parser(name, help=about, description=f"devmesh {command} {name}: {about}.")


def _tell(failed: Failed) -> None:
    print(painted("devmesh: ", Color.RED, sys.stderr) + plain(failed.what, lines=True), file=sys.stderr)
    if failed.hint:
        print(painted("  next: ", Color.DIM, sys.stderr) + plain(failed.hint, lines=True), file=sys.stderr)
