"""Cursors of upstream lists: a place in the list, never an address, and only in the form in which we gave it."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlencode

from devmesh.errors import Fault, Invalid

_STRANGE = "is not one that this list gave: pass next_cursor of its last page unchanged"


def cursor_of(**place: str | int) -> str:
    """Return the cursor that holds the place."""
    return base64.urlsafe_b64encode(urlencode(place).encode()).decode().rstrip("=")


def place_in(cursor: str, *shapes: set[str]) -> dict[str, str]:
    """Return the place that `cursor` holds, its names being exactly one of `shapes` and no value empty.

    Raises Invalid for every other text. The values are as somebody may have made them up: check numbers as such.
    """
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except ValueError:
        raise strange_cursor() from None
    place = dict(parse_qsl(text))
    if set(place) not in shapes or cursor_of(**place) != cursor:
        raise strange_cursor()
    return place


def strange_cursor() -> Invalid:
    """Return the error for a cursor that no page of ours gave."""
    return Invalid([Fault("cursor", _STRANGE)])
