"""Recovery codes: ten, each proves the second factor once when the device is lost."""

from __future__ import annotations

import secrets
from uuid import UUID

COUNT = 10
# Crockford's base32: no letter that is taken for another or for a digit.
_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_MISREAD = str.maketrans("OIL", "011", "- ")
# 120 bits: with 112 or more, a digest without a password's slow hash is enough (ASVS 5.0, 6.5.2).
_LENGTH = 24
_GROUP = 4


def new_codes() -> list[str]:
    """Return ten fresh codes in groups of four characters."""
    return [_grouped("".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))) for _ in range(COUNT)]


def read(text: str) -> str | None:
    """Return the code that a person means, in one spelling; None if it has not the form of one."""
    found = text.upper().translate(_MISREAD)
    return found if len(found) == _LENGTH and set(found) <= set(_ALPHABET) else None


def content(user_id: UUID, code: str) -> bytes:
    """Return what the digest of a code is made of: it is worth nothing in another person's row."""
    return user_id.bytes + (read(code) or "").encode()


def _grouped(code: str) -> str:
    return "-".join(code[at : at + _GROUP] for at in range(0, _LENGTH, _GROUP))
