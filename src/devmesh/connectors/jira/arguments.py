"""The arguments that many of Jira's tools share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta

from devmesh.errors import Fault, Invalid

# A key has an upper-case project before its number; nothing of the kind is a route.
IssueKey = Annotated[
    str,
    Meta(
        description="Key or id of the issue, as PROJ-123 or 10042.",
        pattern="^([A-Za-z][A-Za-z0-9_]{0,254}-[0-9]{1,18}|[0-9]{1,18})$",
        examples=["PROJ-123"],
    ),
]
ProjectKey = Annotated[
    str,
    Meta(
        description="Key or id of the project, from list_projects.",
        pattern="^([A-Z][A-Z0-9_]{0,254}|[0-9]{1,18})$",
        examples=["PROJ"],
    ),
]
_ACCOUNT = "^[A-Za-z0-9:._-]{1,128}$"
_ACCOUNT_ID = "5b10ac8d82e05b22cc7d4ef5"
AccountId = Annotated[str, Meta(pattern=_ACCOUNT, examples=[_ACCOUNT_ID])]
NumericId = Annotated[str, Meta(pattern="^[0-9]{1,18}$", examples=["10042"])]

# The largest number that JSON carries everywhere.
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
BoardId = Annotated[Id, Meta(description="Id of the board, from list_boards.")]
SprintId = Annotated[Id, Meta(description="Id of the sprint, from list_sprints.")]

Line = Annotated[str, Meta(min_length=1, max_length=255)]
Jql = Annotated[str, Meta(min_length=1, max_length=6000)]
FieldNames = Annotated[list[Annotated[str, Meta(min_length=1, max_length=255)]], Meta(min_length=1, max_length=100)]
FieldValues = dict[str, Any]
IssueKeys = Annotated[list[IssueKey], Meta(min_length=1, max_length=50)]

IssueFields = Annotated[
    FieldNames | None,
    Meta(
        description="Fields that Jira sends of each issue: their ids, `*navigable`, `*all` or `-comment`. "
        "(`fields` then picks from what it sent, as `fields.summary`.)"
    ),
]
Time = Annotated[datetime, Meta(tz=True)]


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one text with commas, None for none."""
    return ",".join(values) if values else None


def moment(time: datetime | None) -> str | None:
    """Return the time with its milliseconds and offset, as the boards read it."""
    return None if time is None else time.isoformat(timespec="milliseconds")


def together(own: dict[str, Any], extra: FieldValues | None, argument: str) -> dict[str, Any]:
    """Return the fields with those that have no argument of their own; Invalid for one that was given by it."""
    if twice := sorted(own.keys() & (extra or {}).keys()):
        raise Invalid([Fault(argument, f"must not repeat {', '.join(twice)}, given as an argument")])
    return {**own, **(extra or {})}
