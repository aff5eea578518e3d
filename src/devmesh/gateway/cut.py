"""A result that is too long for an agent, a part at a time: lists between two items, everything else between bytes."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from devmesh.gateway.model import ToolResult


class _Pages(msgspec.Struct):
    """What tells a list with pages from any other object; found without taking the object apart."""

    items: msgspec.Raw
    next_cursor: msgspec.Raw


_pages = msgspec.json.Decoder(_Pages)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_items = msgspec.json.Decoder(list[msgspec.Raw])
# UTF-8 (RFC 3629, 3): a character's further bytes are of the form 10xxxxxx.
_FURTHER, _OF_FURTHER = 0x80, 0xC0
# So many commas as a list may hold, and at most as many items: each is an object of Python's when it is parted.
_MOST_COMMAS = 1_000_000
# So many bytes as may stand beside the items: they are parted too, each time.
_MOST_BESIDE = 256 * 1024


class Part(NamedTuple):
    """What is shown of a whole result; `left` items or bytes follow from `next` on, None after the last part."""

    text: str | msgspec.Raw
    structured: msgspec.Raw | None
    next: int | None
    left: int


def size_of(result: ToolResult) -> int:
    """Return the length of the result's text in bytes."""
    text = result.text
    return len(text.encode("utf-8", "replace")) if isinstance(text, str) else memoryview(text).nbytes


def bytes_of(result: ToolResult) -> bytes:
    """Return the result's text as bytes."""
    text = result.text
    return text.encode("utf-8", "replace") if isinstance(text, str) else bytes(text)


def is_cut_by_items(result: ToolResult, most: int) -> bool:
    """Return whether the result is a list that can be parted: every part shows all that is not an item.

    It is not where an item, or what is not one, is too long by itself, nor where there are millions of items.
    """
    if isinstance(result.text, str):
        return False
    whole = bytes(result.text)
    listed = _listed(whole) if whole.count(b",") <= _MOST_COMMAS else None
    if listed is None:
        return False
    members, items = listed
    beside = len(whole) - memoryview(members["items"]).nbytes
    return beside <= most and all(memoryview(item).nbytes <= most for item in items)


def items_from(whole: bytes, start: int, most: int, handle: str) -> Part:
    """Return the items from number `start` on that `most` bytes hold, at least one; `handle` names the result.

    `next_cursor` is in the last part: the service's next page comes after all of this one.
    """
    listed = _listed(whole)
    if listed is None:
        raise ValueError("not a list")
    members, items = listed
    room, end = most, start
    while end < len(items) and (room >= (length := memoryview(items[end]).nbytes + 1) or end == start):
        room -= length
        end += 1
    left = len(items) - end
    shown: dict[str, object] = {**members, "items": items[start:end]}
    if left:
        shown["next_cursor"] = None
        shown["more"] = {"handle": f"{handle}-{end}", "left_items": left}
    raw = msgspec.Raw(msgspec.json.encode(shown))
    return Part(raw, raw, end if left else None, left)


def text_from(whole: bytes, start: int, most: int, handle: str) -> Part:
    """Return at most `most` bytes from `start` on, no character cut, and a last line that says how to go on."""
    end = min(start + most, len(whole))
    while end < len(whole) and end > start + 1 and whole[end] & _OF_FURTHER == _FURTHER:
        end -= 1
    left = len(whole) - end
    text = whole[start:end].decode("utf-8", "replace")
    if left:
        text += (
            f"\n\n[Bytes {start} to {end} of {len(whole)}. The rest: call mesh.read_more "
            f'with {{"handle": "{handle}-{end}"}}.]'
        )
    return Part(text, None, end if left else None, left)


def _listed(whole: bytes) -> tuple[dict[str, msgspec.Raw], list[msgspec.Raw]] | None:
    """Return the members of a list's result and its items; None for what is no list with pages."""
    try:
        found = _pages.decode(whole)
        if len(whole) - memoryview(found.items).nbytes > _MOST_BESIDE:
            return None
        return _members.decode(whole), _items.decode(found.items)
    except (msgspec.DecodeError, RecursionError):
        return None
