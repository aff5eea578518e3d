"""The arguments that many of Bitbucket's tools share, each said once."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

_UUID = r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_BRACED = rf"^\{{?{_UUID}\}}?$"

Workspace = Annotated[
    str,
    Meta(
        description="Slug of the workspace (from its address), or its UUID in braces.",
        pattern=rf"^([A-Za-z0-9_-]+|\{{{_UUID}\}})$",
        max_length=100,
        examples=["my-team"],
    ),
]
RepoSlug = Annotated[
    str,
    Meta(
        description="Slug of the repository (from its address), or its UUID in braces.",
        pattern=rf"^([A-Za-z0-9_.-]+|\{{{_UUID}\}})$",
        max_length=100,
        examples=["hello-world"],
    ),
]
PipelineUuid = Annotated[
    str,
    Meta(
        description="UUID of the pipeline, from list_pipelines.",
        pattern=_BRACED,
        examples=["{2d1b6b0e-5a3c-4c0e-9a5e-0d6f6c1e7a10}"],
    ),
]
StepUuid = Annotated[
    str,
    Meta(
        description="UUID of the step, from list_pipeline_steps.",
        pattern=_BRACED,
        examples=["{7f3c1c52-93a4-4f0b-8a55-6b8f2f6a2b11}"],
    ),
]

# The largest number that JSON carries everywhere.
Id = Annotated[int, Meta(ge=1, le=2**53 - 1)]
PullRequestId = Annotated[Id, Meta(description="Number of the pull request.")]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Markdown = Annotated[str, Meta(max_length=262_144)]
Texts = Annotated[list[Text], Meta(min_length=1, max_length=100)]

Query = Annotated[Text | None, Meta(description='Filter in Bitbucket\'s query language, such as `name ~ "api"`.')]
Sort = Annotated[Text | None, Meta(description="Field to sort by; `-` before it turns the order around.")]


def braced(uuid: str) -> str:
    """Return the UUID as Bitbucket writes it, in braces."""
    return f"{{{uuid.strip('{}')}}}"


def is_uuid(text: str) -> bool:
    """Whether the text is a UUID, in braces or not."""
    return re.fullmatch(_BRACED, text) is not None
