"""The bytes of a row: packed once, hashed and sent as they are, unpacked by PostgreSQL."""

from __future__ import annotations

import hashlib
import os
import struct
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from devmesh.audit.model import Actor, Record

INTENT, OUTCOME, SINGLE = 0, 1, 2

# Hashed before everything else, so that no other hash of ours can ever be taken for a row's.
_DOMAIN = b"devmesh audit row 1\0"
# id, owner (organization and tenant), entry, phase, microseconds since 1970; the record follows to the end.
_HEAD = struct.Struct(">16s32s16sBq")
_ID = struct.Struct(">QQ")
_DRAWN = struct.Struct(">128Q")
_VARIANT = 1 << 63
_TAIL = (1 << 62) - 1
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BACKSLASH = ord("\\")
_MAX_TEXT = 200
_USUAL_BYTES = 1000

_random: list[int] = []
# A child must not draw the numbers that its parent has drawn.
os.register_at_fork(after_in_child=_random.clear)

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Record)


class Damaged(Exception):
    """The text of a stored row is no record."""


def new_row_id(now: int) -> bytes:
    """Return a UUIDv7 whose 12 bits after the version are the fraction of the millisecond (RFC 9562, 6.2, method 3).

    So the rows of one process sort by time even within a millisecond. `now` is in nanoseconds.
    """
    milliseconds, rest = divmod(now, 1_000_000)
    if not _random:
        _random.extend(_DRAWN.unpack(os.urandom(_DRAWN.size)))
    return _ID.pack(milliseconds << 16 | 0x7000 | rest * 4096 // 1_000_000, _VARIANT | (_random.pop() & _TAIL))


def owner(actor: Actor) -> bytes:
    """Return whose a row is, as rows hold it: organization and tenant."""
    return actor.organization_id.bytes + actor.tenant_id.bytes


def pack(row_id: bytes, owned_by: bytes, entry_id: bytes, phase: int, now: int, record: Record) -> bytes:
    """Return the row as it travels: its hash (32 bytes), then every byte that the hash covers."""
    body = _HEAD.pack(row_id, owned_by, entry_id, phase, now // 1000) + encode(record)
    return hashlib.sha256(_DOMAIN + body).digest() + body


def single(actor: Actor, record: Record) -> bytes:
    """Return the row of an event that is its own entry."""
    now = now_ns()
    row_id = new_row_id(now)
    return pack(row_id, owner(actor), row_id, SINGLE, now, record)


def encode(record: Record) -> bytes:
    """Return the record as JSON that PostgreSQL can read: no NUL, no lone surrogate, no overlong text."""
    try:
        encoded = _encoder.encode(record)
    except UnicodeEncodeError:
        return _encoder.encode(_cleaned(record))
    # A backslash is rare, and looking for one byte cheap: NUL arrives as an escape.
    if len(encoded) > _USUAL_BYTES or _BACKSLASH in encoded:
        return _encoder.encode(_cleaned(record))
    return encoded


def decode(record: str) -> Record:
    """Return the facts of a stored record; raise Damaged if it is none that was written here."""
    try:
        return _decoder.decode(record)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Damaged from error


def row_hash(row: Mapping[str, Any]) -> bytes:
    """Return the hash that a stored row must have; another one than its `row_hash` says that it was altered."""
    body = _HEAD.pack(
        row["id"].bytes,
        row["organization_id"].bytes + row["tenant_id"].bytes,
        row["entry_id"].bytes,
        row["phase"],
        (row["at"] - _EPOCH) // _MICROSECOND,
    )
    return hashlib.sha256(_DOMAIN + body + row["record"].encode()).digest()


def now_ns() -> int:
    """Return the time in nanoseconds since 1970."""
    return time.time_ns()


def _cleaned(value: Any) -> Any:
    """Return `value` with every text in it made storable; what a caller names can be anything."""
    if type(value) is str:
        return value[:_MAX_TEXT].replace("\0", "\ufffd").encode("utf-8", "replace").decode()
    if isinstance(value, Record):
        return Record(**{name: _cleaned(getattr(value, name)) for name in value.__struct_fields__})
    if isinstance(value, Mapping):
        return {_cleaned(name): _cleaned(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(item) for item in value]
    return value
