"""E-mail addresses: the part of RFC 5321 that mail is really sent to, in one spelling per mailbox."""

from __future__ import annotations

import re
import unicodedata

import idna

LONGEST = 254  # RFC 5321, section 4.5.3.1.3, less the angle brackets
_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")


def parse(text: str) -> str:
    """Return the address with its domain in lower-case ASCII (RFC 5891); raise ValueError saying what is wrong.

    Quoted local parts, comments, address literals and names without a dot are refused: nobody registers
    with them, and header injection and doubled mailboxes come in through them.
    """
    address = text.strip(" ")
    if len(address) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    local, at, domain = address.rpartition("@")
    if not at or not _LOCAL.fullmatch(local):
        raise ValueError("must be an e-mail address like name@example.com")
    whole = f"{local}@{_ascii(domain)}"
    if len(whole) > LONGEST:
        raise ValueError(f"must have at most {LONGEST} characters")
    return whole


def _ascii(domain: str) -> str:
    try:
        found = idna.encode(domain, uts46=True, std3_rules=True).decode("ascii").lower() if _is_seen(domain) else ""
    except (idna.IDNAError, UnicodeError):
        found = ""
    last = found.rpartition(".")[2]
    if "." not in found or not last or last.isdecimal():
        raise ValueError("must have a mail domain like example.com after the @")
    return found


def _is_seen(domain: str) -> bool:
    """Whether each character shows: UTS 46 drops the others, and an address that is not what it shows is refused."""
    return all(
        not unicodedata.category(character).startswith(("C", "Z")) and idna.uts46_remap(character)
        for character in domain
    )
