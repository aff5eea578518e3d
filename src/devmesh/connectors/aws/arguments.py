"""The arguments that several services' tools share, each said once."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from devmesh.errors import Fault, Invalid

Text = Annotated[str, Meta(min_length=1, max_length=2048)]
Names = Annotated[list[Annotated[str, Meta(min_length=1, max_length=2048)]], Meta(min_length=1, max_length=100)]
Time = Annotated[datetime, Meta(tz=True)]


class Filter(msgspec.Struct, forbid_unknown_fields=True):
    """A condition of EC2's lists."""

    name: Annotated[str, Meta(description="Such as tag:Name, instance-state-name, vpc-id.", min_length=1)]
    values: Annotated[
        list[Annotated[str, Meta(max_length=255)]],
        Meta(description="Any of these, `*` and `?` as wildcards.", min_length=1, max_length=200),
    ]


Filters = Annotated[
    Annotated[list[Filter], Meta(max_length=50)] | None,
    Meta(description="Only what meets all of these conditions; their names are those of the operation in EC2's API."),
]


def filtered(filters: list[Filter] | None) -> list[dict[str, object]] | None:
    """Return the conditions as EC2 reads them."""
    return [{"Name": one.name, "Values": one.values} for one in filters] if filters is not None else None


def milliseconds(time: datetime | None) -> int | None:
    """Return the time as CloudWatch Logs counts it: milliseconds since 1970 in UTC; Invalid for one before."""
    if time is None:
        return None
    since = int(time.timestamp() * 1000)
    if since < 0:
        raise Invalid([Fault("", f"{time.isoformat()} is before 1970")])
    return since


def moment(time: datetime | None) -> str | None:
    """Return the time in UTC (ISO 8601); Invalid if that is in none of the years 1 to 9999."""
    try:
        return time.astimezone(UTC).isoformat() if time is not None else None
    except OverflowError:
        raise Invalid([Fault("", "is before the year 1 or after 9999 in UTC")]) from None
