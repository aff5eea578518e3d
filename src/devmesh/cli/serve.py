"""`devmesh serve`."""

from __future__ import annotations

import argparse
import importlib
import os
import sys

from devmesh.cli import port
from devmesh.db.embedded_binaries import EmbeddedError
from devmesh.serve.listener import PortError, listen
from devmesh.serve.log import say
from devmesh.serve.supervisor import PROGRAM, StartFailed, Supervisor
from devmesh.settings import DEFAULT_PORT, Settings, SettingsError

_NEXT = """
Developer Mesh serves on {listening}
  address   {url}
  reference {url}/docs
  mail      {mail}
  data      {data}

{first}

Then connect an agent: docs/start.md shows how. Ctrl-C stops the server.
"""

_REGISTER = """\
Register your organization, or log in to the one that you have, with 'devmesh login':

  curl -X POST {url}/api/v1/auth/register/organization \\
    -H 'Content-Type: application/json' \\{token}
    -d '{{"organization_name": "My Team", "organization_slug": "my-team", "admin_email": "me@example.com",
         "admin_name": "My Name", "admin_password": "a password of your own"}}'"""
_WITH_HEADER = """
    -H "X-Registration-Token: $DEVMESH_REGISTRATION_TOKEN" \\"""
_CLOSED = "New organizations cannot register (DEVMESH_REGISTRATION): log in to yours, with 'devmesh login'."


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare where to listen and with how many workers."""
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=port, default=DEFAULT_PORT, help="port to listen on (default: %(default)s)")
    parser.add_argument("--workers", type=_workers, default=1, help="processes that answer (default: %(default)s)")
    # For tests: another program under the same roof.
    parser.add_argument("--program", default=PROGRAM, help=argparse.SUPPRESS)


def run(options: argparse.Namespace) -> int:
    """Serve until asked to stop; 1 if the start is impossible, with the reason on standard error."""
    try:
        Settings.load(os.environ)
        with listen(options.host, options.port) as listener:
            port = listener.getsockname()[1]
            settings = Settings.load(os.environ, host=options.host, port=port, workers=options.workers)
            supervisor = Supervisor(
                settings, listener, os.environ, target=options.program, when_ready=lambda: _say_next(settings)
            )
            return supervisor.run()
    except SettingsError as error:
        say("these settings cannot be used:", "ERROR")
        for problem in error.problems:
            say(problem, "ERROR")
    except PortError as error:
        say(_answers_already(options) or str(error), "ERROR")
    except (EmbeddedError, StartFailed) as error:
        say(str(error), "ERROR")
    return 1


def _answers_already(options: argparse.Namespace) -> str:
    """Return that a server of ours has the port, and what to do; empty if none has."""
    # Loaded here: the parent lives long, and only one that ends at once asks.
    answering = importlib.import_module("devmesh.cli.answering")
    if not answering.answers(Settings.load(os.environ, host=options.host, port=options.port)):
        return ""
    return (
        f"Developer Mesh answers on port {options.port} of {options.host} already: use that one, or choose another "
        'with --port 9000 (make serve ARGS="--port 9000").'
    )


def _say_next(settings: Settings) -> None:
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    token = _WITH_HEADER if settings.registration == "token" else ""
    register = _REGISTER.format(url=settings.public_url, token=token)
    text = _NEXT.format(
        listening=f"{host}:{settings.port}",
        url=settings.public_url,
        mail=settings.smtp_url or f"{settings.data_dir / 'outbox'} (files: DEVMESH_SMTP_URL is not set)",
        data=settings.data_dir,
        first=_CLOSED if settings.registration == "closed" else register,
    )
    sys.stdout.write(text)
    sys.stdout.flush()


def _workers(text: str) -> int:
    count = int(text)
    if not 1 <= count <= 64:  # noqa: PLR2004 - said in the message
        raise argparse.ArgumentTypeError("from 1 to 64")
    return count
