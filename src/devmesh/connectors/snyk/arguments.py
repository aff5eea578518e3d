"""The arguments that many of Snyk's tools share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta

from devmesh.errors import Fault, Invalid

Uuid = Annotated[
    str,
    Meta(
        pattern="^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
        examples=["4a18d42f-0706-4ad0-b127-24078731fbed"],
    ),
]
OrgId = Annotated[Uuid, Meta(description="Id of the organization, from list_orgs.")]
GroupId = Annotated[Uuid, Meta(description="Id of the group, from list_groups.")]
ProjectId = Annotated[Uuid, Meta(description="Id of the project, from list_projects.")]

Text = Annotated[str, Meta(min_length=1, max_length=255)]
# Several names travel as one text, so none may hold what parts them.
Names = Annotated[list[Annotated[str, Meta(pattern="^[^,]{1,255}$")]], Meta(min_length=1, max_length=100)]
Severity = Literal["info", "low", "medium", "high", "critical"]
Severities = Annotated[
    Annotated[list[Severity], Meta(min_length=1, max_length=5)] | None, Meta(description="Only issues of these levels.")
]
IssueType = Annotated[
    Literal["package_vulnerability", "license", "cloud", "code", "custom", "config"] | None,
    Meta(description="Only issues of this type."),
]
Statuses = Annotated[
    Annotated[list[Literal["open", "resolved"]], Meta(min_length=1, max_length=2)] | None,
    Meta(description="Only issues in these states; omitted: both."),
]
Purl = Annotated[
    str,
    Meta(
        description="Package URL with the version, such as `pkg:npm/%40angular/core@17.0.0`.",
        pattern="^pkg:[^\\s]{3,500}$",
        examples=["pkg:npm/lodash@4.17.20"],
    ),
]
IgnoreType = Literal["not-vulnerable", "wont-fix", "temporary-ignore"]
Time = Annotated[datetime, Meta(tz=True)]


def moment(time: datetime | None) -> str | None:
    """Return the time as Snyk reads it: UTC, whole seconds; Invalid if that is in none of the years 1 to 9999."""
    if time is None:
        return None
    try:
        return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise Invalid([Fault("", f"{time.isoformat()} is before the year 1 or after 9999 in UTC")]) from None


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, None for none."""
    return ",".join(values) if values else None
