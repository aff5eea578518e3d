"""Which passwords are good enough (NIST SP 800-63B, section 3.1.1; the rules are the contract's)."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources
from typing import Literal

SHORTEST = 8
LONG = 15
LONGEST = 256
# Typed with marks apart from their letters, the longest password has a few times as many characters.
_LONGEST_TYPED = 4 * LONGEST
Policy = Literal["standard", "nist"]
_OURS = ("devmesh", "developermesh")
_KINDS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (str.isupper, "an upper-case letter"),
    (str.islower, "a lower-case letter"),
    (str.isdecimal, "a digit"),
)


def normal(password: str) -> str:
    """Return the form that is hashed: the same for every keyboard that types it (NFKC), and never a part of it.

    What is too long to be looked at is returned as something that `unmet` refuses and that is nobody's.
    """
    if len(password) > _LONGEST_TYPED:
        return "x" * (LONGEST + 1)
    return unicodedata.normalize("NFKC", password)


def unmet(password: str, names: Iterable[str], *, policy: Policy = "standard") -> list[str]:
    """Return every rule that the normal form of a password does not meet; `names` are its organization's."""
    if len(password) > LONGEST:
        return [f"must have at most {LONGEST} characters"]
    if any(unicodedata.category(character) == "Cs" for character in password):
        return ["must be valid Unicode text"]
    found = _short_of(password) if policy == "standard" else _short_of_long(password)
    if _is_common(password):
        found.append("must not be one of the most common passwords")
    bare = _bare(password)
    if bare in {_bare(name) for name in names} - {""}:
        found.append("must not be the organization's name")
    if bare in _OURS:
        found.append("must not be the name of this program")
    return found


def _short_of(password: str) -> list[str]:
    found = [] if len(password) >= SHORTEST else [f"must have at least {SHORTEST} characters"]
    if len(password) >= LONG:
        return found
    return found + [
        f"must have {kind}, or be at least {LONG} characters long"
        for is_kind, kind in _KINDS
        if not any(map(is_kind, password))
    ]


def _short_of_long(password: str) -> list[str]:
    # SP 800-63B-4, section 3.1.1.2: length where the password is the only factor, and no rules of composition.
    return [] if len(password) >= LONG else [f"must have at least {LONG} characters: your organization requires it"]


def _is_common(password: str) -> bool:
    lower = password.lower()
    # A mark at the end is the first thing that people add to a common password, and attackers know it.
    return not {lower, lower.rstrip("!.?*#$@+-_ ")}.isdisjoint(_common())


@cache
def _common() -> frozenset[str]:
    # From the lists that Django (by Royce Williams) and zxcvbn (MIT, Dropbox) ship, which were made from breaches:
    # those that the rules above let through in some case.
    text = resources.files("devmesh.accounts").joinpath("common_passwords.txt").read_text(encoding="ascii")
    return frozenset(text.split())


def _bare(text: str) -> str:
    """Return the letters and digits, less the digits around them: the first that people add to a name."""
    found = "".join(filter(str.isalnum, normal(text).casefold()))
    return found.strip("0123456789") or found
