"""What a reader asks for, as the bounds that the store searches within."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Literal
from uuid import UUID

from msgspec import Struct

Outcome = Literal["ok", "error", "refused", "unknown", "pending"]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_ID = UUID(int=(1 << 128) - 1)
_LAST_TIME = datetime(9999, 12, 31, tzinfo=UTC)


class Filters(Struct, frozen=True, kw_only=True):
    """What an entry must match. `actor` is a user's or key's id; `since` is included, `until` is not.

    Both times know their zone. `before` is the entry that the page before ended with.
    """

    actor: UUID | None = None
    action: str | None = None
    service: str | None = None
    tool: str | None = None
    outcome: Outcome | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: UUID | None = None
    limit: int = 50

    def bounds(self) -> tuple[UUID, UUID, datetime, datetime]:
        """Return (before this id, not before this id, not before this time, before this time).

        The ids say again what the times say, within a millisecond, but an index knows them.
        """
        since = _within(self.since or _EPOCH)
        until = _within(self.until or _LAST_TIME)
        return min(self.before or _LAST_ID, _first_id(until, 1)), _first_id(since), since, until

    def texts(self) -> tuple[str | None, ...]:
        """Return actor, action, service, tool and outcome; None for any."""
        return (str(self.actor) if self.actor else None, self.action, self.service, self.tool, self.outcome)


def _first_id(at: datetime, later: int = 0) -> UUID:
    """Return the smallest UUIDv7 of that millisecond, or of one `later`: ids and times are made together."""
    milliseconds = max((at - _EPOCH) // _MILLISECOND + later, 0)
    return UUID(int=min(milliseconds << 80, _LAST_ID.int))


def _within(at: datetime) -> datetime:
    return min(max(at, _EPOCH), _LAST_TIME)
