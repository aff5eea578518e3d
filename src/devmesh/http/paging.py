"""Lists in pages: `limit` and an opaque `cursor`."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, TypeVar

import msgspec

from devmesh.errors import Fault, Invalid

T = TypeVar("T")

MOST = 200
# The two query parameters of every list: `limit: Limit = 50, cursor: Cursor = None`.
Limit = Annotated[int, msgspec.Meta(ge=1, le=MOST, description=f"How many entries a page holds, at most {MOST}.")]
Cursor = Annotated[str, msgspec.Meta(max_length=512, description="`next_cursor` of the page before.")] | None


def cursor_of(position: object) -> str:
    """Return the cursor that `position_of` turns back into `position`, a tuple of plain values."""
    return base64.urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def position_of(cursor: str | None, kind: type[T]) -> T | None:
    """Return the position that a cursor of ours holds, None for the first page; Invalid if it is none of ours."""
    if cursor is None:
        return None
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        return msgspec.json.decode(raw, type=kind)
    except (binascii.Error, ValueError, RecursionError):
        raise Invalid([Fault("cursor", "Not a next_cursor of this list")]) from None
