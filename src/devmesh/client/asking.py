"""Questions to the person at the terminal; answers come over standard input where nobody sits there."""

from __future__ import annotations

import getpass
import sys
from collections.abc import Callable

from devmesh.client.failure import Exit, Failed
from devmesh.client.text import plain

_YES = ("y", "yes")
_LONGEST = 16_384
# Returns what is wrong with an answer; empty for a good one.
Check = Callable[[str], str]


def anything(answer: str) -> str:
    """Take every answer."""
    del answer
    return ""


def somebody() -> bool:
    """Return whether there is somebody to ask."""
    return sys.stdin.isatty()


def asked(what: str, option: str, given: str | None, *, default: str = "", check: Check = anything) -> str:
    """Return what was given by the option, else the person's good answer; raise Failed where there is nobody to ask."""
    if given is not None:
        return given
    if not somebody():
        raise Failed(f"{option} is missing.", "Nobody is here to be asked for it.", Exit.USAGE)
    while True:
        answer = _line(f"{plain(what)}{f' [{default}]' if default else ''}: ") or default
        if answer and _is_good(answer, check):
            return answer


def answered(what: str, check: Check = anything) -> str:
    """Return the person's good answer, empty if there is none."""
    while (answer := _line(f"{plain(what)}: ")) and not _is_good(answer, check):
        pass
    return answer


def secret(what: str) -> str:
    """Return what the person types unseen, or the first line of standard input where nobody sits there."""
    if not somebody():
        line = sys.stdin.readline(_LONGEST).rstrip("\r\n")
        if not line:
            raise Failed(f"{what} is missing.", "Write it to standard input, in a line.", Exit.USAGE)
        return line
    while True:
        try:
            typed = getpass.getpass(f"{plain(what)} (not shown): ")
        except EOFError:
            raise _ended() from None
        if typed:
            return typed


def chosen_secret(what: str, check: Check) -> str:
    """Return a new secret that the person types twice alike, and that is good."""
    while True:
        first = secret(what)
        if somebody() and not _is_good(first, check):
            continue
        if not somebody() or secret(f"{what} again") == first:
            return first
        print("They differ: once more.", file=sys.stderr)


def sure(question: str, *, yes: bool) -> bool:
    """Return whether it is to be done: by `--yes`, or because the person says so."""
    if yes:
        return True
    if not somebody():
        raise Failed("That is not done unasked.", "Add --yes where nobody is here to say so.", Exit.USAGE)
    return said_yes(question)


def said_yes(question: str) -> bool:
    """Return whether the person says so; no is what an empty answer means."""
    return _line(f"{plain(question)} [y/N] ").lower() in _YES


def _is_good(answer: str, check: Check) -> bool:
    """Return whether it is; the person is told what is wrong."""
    if fault := check(answer):
        print(fault, file=sys.stderr)
    return not fault


def _line(prompt: str) -> str:
    try:
        if sys.stdout.isatty():
            return input(prompt).strip()
        # The result goes elsewhere: the question does not belong into it.
        sys.stderr.write(prompt)
        sys.stderr.flush()
        line = sys.stdin.readline(_LONGEST)
    except EOFError:
        raise _ended() from None
    if not line:
        raise _ended()
    return line.strip()


def _ended() -> Failed:
    return Failed("There was no answer.", code=Exit.USAGE)
