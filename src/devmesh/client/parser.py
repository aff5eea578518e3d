"""A parser of command lines whose errors say the next step."""

from __future__ import annotations

import argparse
import difflib
import re
import sys
from collections.abc import Sequence
from typing import Any, NoReturn

_USAGE = 2
# As argparse says it.
_CHOICE = re.compile(r"invalid choice: '([^']+)' \(choose from (.+)\)")
_SECRET = re.compile("token|password|secret|key", re.IGNORECASE)
_ASKED_FOR = "A secret is asked for, or read from standard input. "


class Explaining(argparse.ArgumentParser):
    """One that ends with 2 for what it does not take, and names what was meant."""

    def error(self, message: str) -> NoReturn:
        """End after the usage, what is wrong, and the nearest choice if there are some."""
        wrong = _CHOICE.search(message)
        self.refuse(message, _meant(wrong[1], re.findall(r"[\w.-]+", wrong[2])) if wrong else "")

    def refuse(self, message: str, hint: str = "") -> NoReturn:
        """End after the usage, the message and the next step, which begins with the hint."""
        self.print_usage(sys.stderr)
        self.exit(_USAGE, f"{self.prog}: error: {message}\n  next: {hint}'{self.prog} --help' says more.\n")


class Parser(Explaining):
    """One that also ends for words that it does not know, and repeats no value; its subcommands are of this kind."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what the words say, as argparse does; none is left, for each parser ends for its own."""
        known, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self._strange(unknown[0])
        return known, unknown

    def _strange(self, word: str) -> NoReturn:
        if not word.startswith("--"):
            # Not repeated: people write a token there.
            self.refuse("there is a word too many, which is not repeated here", _ASKED_FOR)
        option = word.partition("=")[0]
        hint = _ASKED_FOR if _SECRET.search(option) else _meant(option, list(self._option_string_actions))
        self.refuse(f"there is no option {option}", hint)


def _meant(written: str, known: Sequence[str]) -> str:
    nearest = difflib.get_close_matches(written, known, n=1)
    return f"Did you mean {nearest[0]}? " if nearest else ""
