"""The arguments that many of GitLab's tools share, each said once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta

# One of a token's scopes suffices: https://docs.gitlab.com/user/profile/personal_access_tokens/#personal-access-token-scopes
READS = ("read_api", "api")
READS_FILES = ("read_repository", "read_api", "api")
READS_USER = ("read_user", "read_api", "api")
WRITES = ("api",)

# A namespace's and a project's path consist of nothing else, so what is encoded already is refused, not encoded twice.
_FULL_PATH = r"^[A-Za-z0-9_.][A-Za-z0-9_.-]*(/[A-Za-z0-9_.][A-Za-z0-9_.-]*)*$"

# The largest number that JSON carries everywhere.
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
ProjectId = Annotated[
    Annotated[str, Meta(pattern=_FULL_PATH, max_length=1000)] | Id,
    Meta(description="Id of the project, or its full path (group/project), as it is.", examples=["gitlab-org/gitlab"]),
]
GroupId = Annotated[
    Annotated[str, Meta(pattern=_FULL_PATH, max_length=1000)] | Id,
    Meta(description="Id of the group, or its full path (group/subgroup), as it is.", examples=["gitlab-org/charts"]),
]
IssueIid = Annotated[Id, Meta(description="Number of the issue within its project (`iid`, not `id`).")]
MergeRequestIid = Annotated[Id, Meta(description="Number of the merge request within its project (`iid`, not `id`).")]
PipelineId = Annotated[Id, Meta(description="Id of the pipeline, from list_pipelines.")]
JobId = Annotated[Id, Meta(description="Id of the job, from list_pipeline_jobs.")]

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
# As long as GitLab takes a title, a name and a text.
Title = Annotated[str, Meta(min_length=1, max_length=255)]
Markdown = Annotated[str, Meta(max_length=1_048_576)]
Body = Annotated[Markdown, Meta(min_length=1, description="The comment, in GitLab's Markdown.")]
Sha = Annotated[str, Meta(pattern="^[0-9a-fA-F]{4,64}$", examples=["6dcb09b5b57875f334f61aebed695e2e4193db5e"])]
Ids = Annotated[list[Id], Meta(max_length=100)]
LabelNames = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=255, pattern="^[^,]+$")]], Meta(max_length=100)
]
Visibility = Annotated[
    Literal["private", "internal", "public"] | None,
    Meta(description="Who may see the project; omitted: as configured."),
]

Search = Annotated[Text | None, Meta(description="Only those that match these words.")]
Sort = Annotated[Literal["asc", "desc"] | None, Meta(description="Order of the sort; omitted: desc.")]
Time = Annotated[datetime, Meta(tz=True)]


def moment(time: datetime | None) -> str | None:
    """Return the time as GitLab reads it (ISO 8601, with its offset)."""
    return time.isoformat() if time is not None else None


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, empty for none; None if there is nothing to say."""
    return ",".join(values) if values is not None else None
