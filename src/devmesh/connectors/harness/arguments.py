"""The arguments that many of Harness's tools share, each said once."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

# Feature flags have hyphens and full stops in theirs, too.
Identifier = Annotated[str, Meta(pattern="^[A-Za-z0-9_][A-Za-z0-9_$.-]{0,127}$", examples=["my_project"])]
NewIdentifier = Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_$]{0,127}$", examples=["my_project"])]
Text = Annotated[str, Meta(min_length=1, max_length=1000)]
Name = Annotated[str, Meta(min_length=1, max_length=128)]
Yaml = Annotated[str, Meta(min_length=1, max_length=1_000_000)]

Org = Annotated[Identifier, Meta(description="Identifier of the organization, from list_organizations.")]
Project = Annotated[Identifier, Meta(description="Identifier of the project, from list_projects.")]
Pipeline = Annotated[Identifier, Meta(description="Identifier of the pipeline, from list_pipelines.")]
Environment = Annotated[Identifier, Meta(description="Identifier of the environment, from list_environments.")]
Execution = Annotated[
    str,
    Meta(
        description="The planExecutionId of the run, from list_executions.",
        pattern="^[A-Za-z0-9_-]{1,64}$",
        examples=["Jd2XqzRkS8y3BqjXwqLdVA"],
    ),
]
InOrg = Annotated[
    Identifier | None, Meta(description="Identifier of the organization that it is in; omitted: the account itself.")
]
InProject = Annotated[
    Identifier | None, Meta(description="Identifier of the project that it is in; give org_identifier with it.")
]
SearchTerm = Annotated[Text | None, Meta(description="Only those with this in their name, identifier or tags.")]
Branch = Annotated[Name | None, Meta(description="Branch, for a definition that is kept in Git.")]
Description = Annotated[Text | None, Meta(description="What it is for.")]
StoreType = Annotated[
    Literal["INLINE", "REMOTE"] | None, Meta(description="Where it is kept: in Harness (INLINE) or in Git (REMOTE).")
]
ConnectorRef = Annotated[
    Identifier | None, Meta(description="With REMOTE: identifier of the Git connector; none for Harness Code.")
]
# Said, not concluded from a missing connector: without one, the project's settings may name it.
HarnessCode = Annotated[
    bool | None, Meta(description="With REMOTE: true for a repository of Harness Code, which needs no connector.")
]
RepoName = Annotated[Name | None, Meta(description="With REMOTE: name of the repository.")]
FilePath = Annotated[Text | None, Meta(description="With REMOTE: path of the YAML file in the repository.")]
CommitMessage = Annotated[Text | None, Meta(description="With REMOTE: message of the commit.")]
Module = Literal["CD", "CI", "CF", "CE", "CV", "STO", "CHAOS", "SRM", "IACM", "CET", "CODE", "IDP", "SSCA", "SEI"]
ModuleType = Annotated[Module | None, Meta(description="Module that it runs in: CI for builds, CD for deployments.")]
