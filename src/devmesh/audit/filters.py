"""What a reader asks for, and the place in the list that a cursor stands for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec import Struct

from devmesh.errors import Fault, Invalid

MAX_LIMIT = 200
OUTCOMES = ("ok", "error", "refused", "unknown", "pending")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_ID = UUID(int=(1 << 128) - 1)
_FIRST_TIME = _EPOCH
_LAST_TIME = datetime(9999, 1, 1, tzinfo=UTC)
_MAX_TEXT = 200


class Filters(Struct, frozen=True, kw_only=True):
    """A query's words as they came. `actor` is a user's or key's id; `since` is included, `until` is not."""

    actor: str | None = None
    action: str | None = None
    service: str | None = None
    tool: str | None = None
    outcome: str | None = None
    since: str | None = None
    until: str | None = None
    cursor: str | None = None
    limit: int = 50


class Question(Struct, frozen=True):
    """Filters understood: `bounds` and `texts` as the store takes them."""

    bounds: tuple[UUID, UUID, datetime, datetime]
    texts: tuple[str | None, ...]
    limit: int


def understood(filters: Filters) -> Question:
    """Return what the filters ask; raise Invalid naming every one that asks nothing answerable."""
    faults: list[Fault] = []
    actor = _uuid("actor", filters.actor, faults)
    cursor = _uuid("cursor", filters.cursor, faults)
    since = _time("since", filters.since, faults) or _FIRST_TIME
    until = _time("until", filters.until, faults) or _LAST_TIME
    if filters.outcome is not None and filters.outcome not in OUTCOMES:
        faults.append(Fault("outcome", f"must be one of {', '.join(OUTCOMES)}"))
    if not 1 <= filters.limit <= MAX_LIMIT:
        faults.append(Fault("limit", f"must be from 1 to {MAX_LIMIT}"))
    texts = {"action": filters.action, "service": filters.service, "tool": filters.tool}
    faults += [
        Fault(name, f"must be at most {_MAX_TEXT} characters, without NUL")
        for name, text in texts.items()
        if text is not None and (len(text) > _MAX_TEXT or "\0" in text)
    ]
    if faults:
        raise Invalid(faults)
    return Question(
        bounds=(min(cursor or _LAST_ID, _first_id(until, 1)), _first_id(since), since, until),
        texts=(None if actor is None else str(actor), *texts.values(), filters.outcome),
        limit=filters.limit,
    )


def _first_id(at: datetime, later: int = 0) -> UUID:
    """Return the smallest UUIDv7 of that millisecond, or of one `later`: ids and times are made together."""
    milliseconds = max((at - _EPOCH) // _MILLISECOND + later, 0)
    return UUID(int=min(milliseconds << 80, _LAST_ID.int))


def _uuid(name: str, text: str | None, faults: list[Fault]) -> UUID | None:
    if text is None:
        return None
    try:
        return UUID(text)
    except ValueError:
        faults.append(Fault(name, "must be one that an earlier reply gave" if name == "cursor" else "must be a UUID"))
        return None


def _time(name: str, text: str | None, faults: list[Fault]) -> datetime | None:
    if text is None:
        return None
    try:
        # A plus sign in a query arrives as a blank.
        at = datetime.fromisoformat(text.replace(" ", "+"))
        if at.tzinfo is not None:
            return max(at.astimezone(UTC), _FIRST_TIME)
    except (ValueError, OverflowError):
        pass
    faults.append(Fault(name, "must be an RFC 3339 time with an offset, like 2026-01-31T12:00:00Z"))
    return None
