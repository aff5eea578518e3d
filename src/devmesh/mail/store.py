"""Rows of mails that wait: no organization's, each sealed whole, so that one job sends for all.

`folder` is that of the sender that asks, which takes the mails that are to be files there; None is a sender over
SMTP, which takes all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID

from devmesh.db.pool import Tx

_OURS = "sealed is not null and ($1::text is null or folder = $1)"
_DUE = f"{_OURS} and handed_over_at is null and next_at <= now() and expires_at > now()"


@dataclass(frozen=True, slots=True)
class Taken:
    """A mail that a sender has taken, for the `attempt`-th time, and that nobody else takes meanwhile."""

    id: UUID
    event: str
    sealed: bytes = field(repr=False)
    attempt: int


@dataclass(frozen=True, slots=True)
class Queue:
    """How many mails are `due`, how many wait in all, and in how many seconds the next one is due, if any."""

    due: int
    waiting: int
    next_seconds: float | None


async def add(
    tx: Tx, folder: str | None, lifetime: timedelta, ids: list[UUID], events: list[str], sealed: list[bytes]
) -> int:
    """Keep mails that are due at once; return how many were not there for their events already."""
    return await tx.run(
        "insert into mail_outbox (id, event, folder, sealed, expires_at) "
        "select m.id, m.event, $1, m.sealed, now() + $2::interval "
        "from unnest($3::uuid[], $4::text[], $5::bytea[]) as m (id, event, sealed) on conflict (event) do nothing",
        folder,
        lifetime,
        ids,
        events,
        sealed,
    )


async def queue(tx: Tx, folder: str | None) -> Queue:
    """Return what waits for a sender of that folder."""
    row = await tx.one(
        f"select count(*) filter (where {_DUE}) as due, count(*) as waiting, "
        f"extract(epoch from min(next_at) - now())::float8 as next_seconds from mail_outbox where {_OURS}",
        folder,
    )
    return Queue(**row) if row else Queue(0, 0, None)


async def take(tx: Tx, folder: str | None, seconds: float) -> Taken | None:
    """Return the mail that has been due for the longest; for so many seconds from the commit on nobody else gets it."""
    row = await tx.one(
        "update mail_outbox set attempts = attempts + 1, next_at = now() + $2::interval where id = ("
        f"select id from mail_outbox where {_DUE} order by next_at, id for update skip locked limit 1) "
        "returning id, event, sealed, attempts as attempt",
        folder,
        timedelta(seconds=seconds),
    )
    return Taken(**row) if row else None


async def hand_over(tx: Tx, mail: Taken, seconds: float) -> bool:
    """Note that the mail may have been sent from now on; False if another sender has it by now.

    If the row says no more in so many seconds, whatever became of the mail is not known to anybody.
    """
    noted = await tx.run(
        "update mail_outbox set handed_over_at = now(), next_at = now() + $3::interval "
        "where id = $1 and attempts = $2 and sealed is not null and handed_over_at is null",
        mail.id,
        mail.attempt,
        timedelta(seconds=seconds),
    )
    return noted == 1


async def conclude(tx: Tx, mail: Taken) -> None:
    """Forget what the mail said: it is sent, given up, or of unknown fate; its event stays known until it expires."""
    await tx.run(
        "update mail_outbox set sealed = null, handed_over_at = coalesce(handed_over_at, now()) "
        "where id = $1 and attempts = $2",
        mail.id,
        mail.attempt,
    )


async def put_off(tx: Tx, mail: Taken, seconds: float) -> None:
    """Have the mail, which was surely not sent, due in so many seconds, or at its end if that comes first."""
    await tx.run(
        "update mail_outbox set handed_over_at = null, next_at = least(now() + $3::interval, expires_at) "
        "where id = $1 and attempts = $2 and sealed is not null",
        mail.id,
        mail.attempt,
        timedelta(seconds=seconds),
    )


async def conclude_lost(tx: Tx) -> list[tuple[UUID, str]]:
    """Forget the mails whose senders vanished after they had handed them over; return (id, event) of each."""
    rows = await tx.all(
        "update mail_outbox set sealed = null "
        "where sealed is not null and handed_over_at is not null and next_at <= now() returning id, event"
    )
    return [(row["id"], row["event"]) for row in rows]


async def remove_expired(tx: Tx) -> list[tuple[UUID, str]]:
    """Remove the rows that have expired and are not being sent; return (id, event) of those never sent."""
    rows = await tx.all(
        "delete from mail_outbox where expires_at <= now() and (sealed is null or next_at <= now()) "
        "returning id, event, sealed is not null as unsent"
    )
    return [(row["id"], row["event"]) for row in rows if row["unsent"]]
