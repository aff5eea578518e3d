"""The arguments that many of SonarQube's tools share, and the form in which the server takes values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta

from devmesh.upstream.model import Request

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Key = Annotated[str, Meta(min_length=1, max_length=2000)]
# Lists travel with commas between their members.
Member = Annotated[str, Meta(min_length=1, max_length=2000, pattern="^[^,]+$")]
Members = Annotated[list[Member], Meta(min_length=1, max_length=500)]

Component = Annotated[
    Key, Meta(description="Key of the project, or of a file or directory in it: `my-project:src/a.py`.")
]
ProjectKey = Annotated[Key, Meta(description="Key of the project, from search_components.")]
FileKey = Annotated[Key, Meta(description="Key of the file, from get_component_tree: `my-project:src/a.py`.")]
IssueKey = Annotated[Key, Meta(description="Key of the issue, from search_issues.")]
HotspotKey = Annotated[Key, Meta(description="Key of the hotspot, from search_hotspots.")]
Branch = Annotated[Text | None, Meta(description="Name of the branch; omitted: the main one.")]
PullRequest = Annotated[Text | None, Meta(description="Id of the pull request; goes without `branch`.")]
Organization = Annotated[
    Text | None, Meta(description="Key of the organization: SonarQube Cloud needs it, a server of one's own has none.")
]
Query = Annotated[Text | None, Meta(description="Only those whose name or key holds this text.")]
Asc = Annotated[bool | None, Meta(description="False: in descending order.")]
MetricKeys = Annotated[
    Members, Meta(description="Keys of the metrics, from search_metrics: ncloc, coverage, bugs, code_smells.")
]
Line = Annotated[int, Meta(ge=1, le=10_000_000)]
FirstLine = Annotated[Line | None, Meta(description="First line to return; omitted: 1.")]
LastLine = Annotated[Line | None, Meta(description="Last line to return; omitted: the end.")]
Moment = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(T[0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:?[0-9]{2}))?$",
        examples=["2026-01-31", "2026-01-31T09:00:00+01:00"],
    ),
]
From = Annotated[Moment | None, Meta(description="Only what is of this day or time, or later.")]
To = Annotated[Moment | None, Meta(description="Only what is of this day or time, or earlier.")]

Severity = Literal["INFO", "MINOR", "MAJOR", "CRITICAL", "BLOCKER"]
RuleType = Literal["CODE_SMELL", "BUG", "VULNERABILITY", "SECURITY_HOTSPOT"]
ImpactSeverity = Literal["LOW", "MEDIUM", "HIGH", "INFO", "BLOCKER"]
Quality = Literal["MAINTAINABILITY", "RELIABILITY", "SECURITY"]
Severities = Annotated[
    list[Severity] | None, Meta(description="Only these severities (of the older rating, before 10.2).")
]
ImpactSeverities = Annotated[
    list[ImpactSeverity] | None, Meta(description="Only with an impact of these severities (since 10.2).")
]
Qualities = Annotated[list[Quality] | None, Meta(description="Only with an impact on these qualities (since 10.2).")]
Languages = Annotated[Members | None, Meta(description="Only these languages, by their keys: py, java, js.")]


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, None for none."""
    return ",".join(values) if values else None


def commas(**lists: Sequence[str] | None) -> dict[str, str | None]:
    """Return each list as one comma-separated text."""
    return {name: joined(values) for name, values in lists.items()}


def moment(text: str | None) -> str | None:
    """Return the day or time as SonarQube reads it: the offset without a colon."""
    return None if text is None else re.sub(r"([+-][0-9]{2}):([0-9]{2})$", r"\1\2", text.replace("Z", "+0000"))


def post(path: str, /, **fields: str | bool | None) -> Request:
    """Return a POST with the fields that are not None as a form, the only body that these operations take."""
    form = {name: written(value) for name, value in fields.items() if value is not None}
    return Request(method="POST", path=path, form=form)


def written(value: object) -> str:
    """Return the value as a field of a form holds it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
