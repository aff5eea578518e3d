"""What the core asks of whoever does its input and output, and what it is told.

The core decides in generators (`Steps`) that do nothing themselves: they yield a Send, a Pause or an Alone, and are
told what came of it. A client that blocks and one that awaits differ in who drives them, and in nothing else.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Send:
    """Send this request once, and wait no more than `seconds` for the whole reply; the answer is an Outcome."""

    method: str
    url: str
    headers: Mapping[str, str] = field(repr=False)
    content: bytes = field(repr=False)
    seconds: float


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Alone:
    """Take these steps while nobody else of this client takes such steps; once begun they are taken to their end."""

    steps: Steps[None] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole reply; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Lost:
    """No whole reply came; `unsent` if the request provably reached nobody."""

    kind: Literal["connection_failed", "timed_out", "malformed_reply"]
    unsent: bool
    reason: str


Outcome = Reply | Lost
Steps = Generator[Send | Pause | Alone, Any, T]
