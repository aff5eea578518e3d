"""`devmesh demo`."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from devmesh.demo.github import Received
from devmesh.demo.served import NotServed, Served, stand_in
from devmesh.demo.walk import LOGIN, TOKEN, Unexpected, Walk

_ABOUT = """\
Developer Mesh, from an empty machine to a tool call with its record. The server
is the real one, in a directory that is removed afterwards; GitHub is a stand-in
on this machine, which writes down everything that it receives.
"""
_GREEN, _RED, _BOLD, _PLAIN = "\033[32m", "\033[31m", "\033[1m", "\033[0m"
# So that no line is longer than 80 columns.
_WHAT_COLUMNS = 35
_VALUE_COLUMNS = 64


def arguments(parser: argparse.ArgumentParser) -> None:
    """Declare nothing: the demo has no options."""
    del parser


def run(options: argparse.Namespace) -> int:
    """Walk through everything; 1 if a step is not as expected, with its name and the reason on standard error."""
    del options
    # Also whoever ends it otherwise than by Ctrl-C finds nothing left of it.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    paint = _painter()
    print(_ABOUT)
    with tempfile.TemporaryDirectory(prefix="devmesh-demo-", ignore_cleanup_errors=True) as directory:
        # The database may have to run as another user, who must be able to pass.
        Path(directory).chmod(0o711)
        with stand_in({TOKEN: LOGIN}) as github:
            settings = {"DEVMESH_UPSTREAM_ALLOW": f"127.0.0.1:{github.port}"}
            served = Served(Path(directory), settings)
            tell = _Teller(paint)
            walk = Walk(served, github)
            try:
                for what, step in (("start the server", walk.start), *walk.steps, ("stop the server", walk.stop)):
                    tell.step(what, step)
            except (Unexpected, NotServed, LookupError, TypeError) as fault:
                # The last two: a reply had another shape.
                print(paint(_RED, "failed"))
                print(
                    f"devmesh demo: step {tell.number}, {tell.what}: {type(fault).__name__}: {fault}", file=sys.stderr
                )
                return 1
            except KeyboardInterrupt:
                print(paint(_RED, "interrupted"))
                return 130
            finally:
                served.stop()
    _tell_findings(walk, paint)
    return 0


class _Teller:
    """Says each step as it begins and what came of it as it ends."""

    def __init__(self, paint: Callable[[str, str], str]) -> None:
        self.number = 0
        self.what = ""
        self._paint = paint

    def step(self, what: str, step: Callable[[], str]) -> None:
        self.number += 1
        self.what = what
        print(f"{self.number:2}  {what:{_WHAT_COLUMNS}}", end="", flush=True)
        print(f"{self._paint(_GREEN, 'ok')}  {step()}", flush=True)


def _tell_findings(walk: Walk, paint: Callable[[str, str], str]) -> None:
    issue, record, sent = walk.issue, walk.record, walk.sent
    _tell(paint, "The issue", (
        ("title", issue["title"]),
        ("address", issue["html_url"]),
        ("created as", f"{issue['user']['login']}, whom the stored token belongs to"),
    ))  # fmt: skip
    _tell(paint, "What GitHub received", _received(sent) if sent else ())
    _tell(paint, "Its audit record", (
        ("id", record["id"]),
        ("time", record["at"]),
        ("who", f"user {record['actor']['user_id']}"),
        ("with key", record["actor"]["key_id"]),
        ("tool", f"{record['tool']}: {record['outcome']}"),
        ("token", f"{record['credential']['source']}'s, {record['credential']['id']}"),
        ("upstream", f"{record['upstream']['host']} answered {record['upstream']['status']}"),
        ("receipt", record["receipt"]["row_hash"]),
    ))  # fmt: skip
    print(f"\nAll as expected, in {time.monotonic() - walk.began:.1f} s. Next: docs/start.md.")


def _received(sent: Received) -> Iterable[tuple[str, str]]:
    scheme, _, token = sent.headers["authorization"].partition(" ")
    yield "request", f"{sent.method} {sent.path}"
    yield "authorization", f"{scheme} {token[:8]}... (the stored token, whole; masked here)"
    yield "other headers", ", ".join(sorted(set(sent.headers) - {"authorization"}))
    yield "of the caller", "nothing: no key in any of its requests"


def _tell(paint: Callable[[str, str], str], title: str, facts: Iterable[tuple[str, str]]) -> None:
    print(f"\n{paint(_BOLD, title)}")
    for name, value in facts:
        first, *more = textwrap.wrap(value, _VALUE_COLUMNS)
        print(f"  {name:14}{first}")
        for line in more:
            print(f"{'':16}{line}")


def _painter() -> Callable[[str, str], str]:
    """Return what colours a text, or leaves it as it is where nobody wants colours (https://no-color.org)."""
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return (lambda code, text: f"{code}{text}{_PLAIN}") if wanted else (lambda _code, text: text)
