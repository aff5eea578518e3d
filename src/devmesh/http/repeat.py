"""A request under an `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header): what it is the repeat of."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Protocol

from devmesh.access import Caller
from devmesh.errors import BadRequest
from devmesh.http.problem import Header

HEADER = b"idempotency-key"
REPLAYED: Header = (b"idempotency-replayed", b"true")
MOST_CHARACTERS = 255
_VISIBLE = re.compile(rb"[!#-~][!-~]*")
# RFC 9651, 3.3.3: what the draft wants, and few clients send.
_QUOTED = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPED = re.compile(rb"\\(.)")


class IdempotencyKeyInvalid(BadRequest):
    """The Idempotency-Key is not 1 to 255 visible ASCII characters, bare or as a quoted string."""

    code = "idempotency_key_invalid"
    hint = "Send a new random value for each action, such as a UUID."


@dataclass(frozen=True, slots=True)
class Repeat:
    """What a route says of its repeats.

    `shown_once`: the reply shows what is shown once, so it is never kept; the text is the hint of the repeat's refusal
    (`{id}` in it stands for the object's). `outside`: it acts beyond our database, so that after a crash nobody can say
    whether it did. `allowed` is awaited with the function's own arguments when a kept reply is about to be told: it
    raises what the function itself would raise to a caller who may not do this any more.
    """

    shown_once: str | None = None
    outside: bool = False
    allowed: Callable[..., Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One request under a key: `route` is the method, the template and the values in its path."""

    key: str
    route: tuple[str, ...]
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """A route's whole reply; `object_id` is the `id` of what it shows."""

    status: int
    headers: list[Header]
    body: bytes = field(repr=False)
    object_id: str | None = None


class Turn(Protocol):
    """One request's turn: to act, if it is `ours`, or to be told what became of the first."""

    @property
    def ours(self) -> bool:
        """Whether this request is the one that acts."""

    async def act(self, act: Callable[[], Awaitable[Answer]], *, keep: bool) -> Answer:
        """Return what `act` returns; it is kept for repeats, or, unless `keep`, only that it was."""

    async def again(self, hint: str | None) -> Answer:
        """Return the first reply; raise what stands against it, with this hint if the reply was not kept."""


class Once(Protocol):
    """Has an action happen once for each key."""

    async def begin(self, caller: Caller, asked: Asked, *, outside: bool) -> Turn:
        """Return whose turn it is."""


def key_of(value: bytes) -> str:
    """Return the key that the header's value holds, bare or quoted; raise IdempotencyKeyInvalid."""
    value = value.strip(b" \t")
    quoted = _QUOTED.fullmatch(value)
    if quoted is not None:
        value = _ESCAPED.sub(rb"\1", quoted[1])
    elif not _VISIBLE.fullmatch(value):
        raise IdempotencyKeyInvalid("The Idempotency-Key is neither visible ASCII nor a quoted string.")
    if not 1 <= len(value) <= MOST_CHARACTERS:
        raise IdempotencyKeyInvalid(f"The Idempotency-Key has {len(value)} characters, not 1 to {MOST_CHARACTERS}.")
    return value.decode("ascii")
