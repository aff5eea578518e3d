"""How much and how long a client may take."""

from __future__ import annotations

from dataclasses import dataclass

KIBIBYTE = 1024
MEBIBYTE = 1024 * KIBIBYTE


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits of a server; times in seconds, kept to within one sweep.

    `connections` counts idle ones too, as of a proxy's or an agent's pool, so there is room for many; beyond
    it those that have waited longest for a request are ended. `idle` is
    longer than the minute that load balancers keep a connection, so that they end it and not we. `write` is how
    long a client may take nothing of its reply. After a reply to a request that is still on its way, `linger` and
    `linger_bytes` are how much more of it is read and thrown away: a connection that is closed on a client that
    still sends is reset, and the reply lost with it.
    """

    connections: int = 16_384
    head: float = 10.0
    head_bytes: int = 64 * KIBIBYTE
    headers: int = 128
    body: float = 60.0
    body_bytes_ahead: int = 64 * KIBIBYTE
    idle: float = 75.0
    write: float = 60.0
    linger: float = 5.0
    linger_bytes: int = 16 * MEBIBYTE
    pipelined: int = 32
    sweep: float = 1.0
