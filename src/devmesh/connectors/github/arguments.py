"""The arguments that many of GitHub's tools share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta

from devmesh.errors import Fault, Invalid

_NAME = r"^[A-Za-z0-9._-]+$"

Owner = Annotated[
    str,
    Meta(
        description="User or organization that owns the repository.",
        pattern=_NAME,
        max_length=100,
        examples=["octocat"],
    ),
]
Repo = Annotated[
    str,
    Meta(
        description="Name of the repository, without its owner.",
        pattern=_NAME,
        max_length=100,
        examples=["hello-world"],
    ),
]
Org = Annotated[str, Meta(description="Login of the organization.", pattern=_NAME, max_length=100, examples=["github"])]

# The largest number that JSON carries everywhere.
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
IssueNumber = Annotated[Id, Meta(description="Number of the issue (or pull request: each is an issue too).")]
PullNumber = Annotated[Id, Meta(description="Number of the pull request.")]
RunId = Annotated[Id, Meta(description="Id of the workflow run, from list_workflow_runs.")]

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
# As long as GitHub takes a title and a text.
Title = Annotated[str, Meta(min_length=1, max_length=256)]
Markdown = Annotated[str, Meta(max_length=65536)]
Sha = Annotated[str, Meta(pattern="^[0-9a-fA-F]{4,64}$", examples=["6dcb09b5b57875f334f61aebed695e2e4193db5e"])]
Logins = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=100)]
LabelNames = Annotated[list[Annotated[str, Meta(min_length=1, max_length=100)]], Meta(max_length=100)]

Direction = Annotated[Literal["asc", "desc"] | None, Meta(description="Order of the sort.")]
Time = Annotated[datetime, Meta(tz=True)]
Since = Annotated[Time | None, Meta(description="Only what changed at or after this time (RFC 3339).")]


def moment(time: datetime | None) -> str | None:
    """Return the time as GitHub reads it: UTC, whole seconds; Invalid if that is in none of the years 1 to 9999."""
    if time is None:
        return None
    try:
        return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except OverflowError:
        raise Invalid([Fault("", f"{time.isoformat()} is before the year 1 or after 9999 in UTC")]) from None


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, None for none."""
    return ",".join(values) if values else None
