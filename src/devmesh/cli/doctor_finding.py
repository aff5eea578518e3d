"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at; `mend` says what to do, and is empty if nothing is wrong."""

    what: str
    mend: str = ""


def good(what: str) -> Finding:
    """Return that this is as it should be."""
    return Finding(what)


def wrong(what: str, mend: str) -> Finding:
    """Return that this is not as it should be, and how to mend it."""
    return Finding(what, mend)
