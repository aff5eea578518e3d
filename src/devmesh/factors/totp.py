"""One-time codes by time (RFC 6238): SHA-1, six digits, steps of 30 seconds, as every authenticator app makes them."""

from __future__ import annotations

import base64
import hmac
import os
from urllib.parse import quote, urlencode

STEP_SECONDS = 30
_DIGITS = 6
_SECRET_BYTES = 20  # RFC 4226, section 4, R6: 160 bits are recommended
# One step for clocks that differ and for the time that typing takes (RFC 6238, section 5.2).
_TOLERANCE = (-1, 0, 1)


def new_secret() -> bytes:
    """Return a fresh secret."""
    return os.urandom(_SECRET_BYTES)


def written(secret: bytes) -> str:
    """Return the secret as authenticator apps take it: base32 without padding."""
    return base64.b32encode(secret).decode().rstrip("=")


def url(secret: bytes, issuer: str, account: str) -> str:
    """Return the otpauth URL that authenticator apps read from a QR code."""
    asked = {
        "secret": written(secret),
        "issuer": issuer,
        "algorithm": "SHA1",
        "digits": _DIGITS,
        "period": STEP_SECONDS,
    }
    return f"otpauth://totp/{quote(issuer)}:{quote(account)}?{urlencode(asked, quote_via=quote)}"


def is_code(text: str) -> bool:
    """Return whether the text has the form of a code."""
    return len(text) == _DIGITS and text.isascii() and text.isdecimal()


def code(secret: bytes, step: int) -> str:
    """Return the code of that step (RFC 4226, section 5.3)."""
    digest = hmac.digest(secret, step.to_bytes(8, "big"), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4], "big") & 0x7FFFFFFF
    return f"{number % 10**_DIGITS:0{_DIGITS}}"


def proved(secret: bytes, given: str, now: float, last_step: int) -> int | None:
    """Return the step after `last_step` whose code was given at Unix time `now`; every candidate is compared."""
    if not is_code(given):  # among them what compare_digest refuses: text that is not ASCII
        return None
    current = int(now) // STEP_SECONDS
    found: int | None = None
    for step in (current + distance for distance in _TOLERANCE):
        same = hmac.compare_digest(code(secret, step), given)
        if same and step > last_step:
            found = step
    return found
