"""Delivery: CodePipeline and CodeBuild."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.aws.call import Call, call
from devmesh.connectors.aws.declaration import CONNECTOR
from devmesh.connectors.aws.paging import Tokens


class PipelineVariable(msgspec.Struct, forbid_unknown_fields=True):
    """A value for one execution."""

    name: Annotated[str, Meta(pattern="^[A-Za-z0-9@_-]+$", max_length=128, examples=["COMMIT"])]
    value: Annotated[str, Meta(min_length=1, max_length=1000)]


class EnvironmentVariable(msgspec.Struct, forbid_unknown_fields=True):
    """A variable of one build."""

    name: Annotated[str, Meta(min_length=1)]
    value: Annotated[str, Meta(description="The value, or where it is: name of a parameter or secret.")]
    type: Annotated[
        Literal["PLAINTEXT", "PARAMETER_STORE", "SECRETS_MANAGER"] | None, Meta(description="Omitted: PLAINTEXT.")
    ] = None


@CONNECTOR.tool(items="pipelines", paging=Tokens("nextToken", size="maxResults", most=1000))
def list_pipelines() -> Call:
    """Return the region's delivery pipelines: name, version, when each was last changed."""
    return call("codepipeline:ListPipelines")


@CONNECTOR.tool(writes=True)
def start_pipeline_execution(
    name: Annotated[
        str,
        Meta(
            description="Name of the pipeline, from list_pipelines.",
            pattern="^[A-Za-z0-9.@_-]+$",
            max_length=100,
            examples=["release"],
        ),
    ],
    client_request_token: Annotated[
        Annotated[str, Meta(pattern="^[a-zA-Z0-9-]+$", max_length=128, examples=["3f2c1a"])] | None,
        Meta(description="Names this start: a second one with the same token starts nothing. Omitted: a new one."),
    ] = None,
    variables: Annotated[
        Annotated[list[PipelineVariable], Meta(min_length=1, max_length=50)] | None,
        Meta(description="Values for the pipeline's variables."),
    ] = None,
) -> Call:
    """Start a pipeline with the newest revision of its source and return the pipelineExecutionId; it may deploy."""
    given = [{"name": one.name, "value": one.value} for one in variables or ()]
    return call(
        "codepipeline:StartPipelineExecution",
        name=name,
        clientRequestToken=client_request_token,
        variables=given or None,
    )


@CONNECTOR.tool(items="projects", paging=Tokens("nextToken", most=100))
def list_build_projects(
    sort_by: Annotated[
        Literal["NAME", "CREATED_TIME", "LAST_MODIFIED_TIME"] | None, Meta(description="Order; omitted: by name.")
    ] = None,
) -> Call:
    """Return the names of the region's build projects (CodeBuild)."""
    return call("codebuild:ListProjects", sortBy=sort_by)


@CONNECTOR.tool(writes=True)
def start_build(
    project_name: Annotated[
        str, Meta(description="Name of the project, from list_build_projects.", min_length=1, max_length=255)
    ],
    source_version: Annotated[
        Annotated[str, Meta(min_length=1, max_length=255)] | None,
        Meta(description="Commit, branch, tag or pull request (pr/7) to build; omitted: as the project says."),
    ] = None,
    environment_variables_override: Annotated[
        Annotated[list[EnvironmentVariable], Meta(min_length=1, max_length=100)] | None,
        Meta(description="Variables of this build, before the project's own of the same name."),
    ] = None,
    idempotency_token: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None,
        Meta(description="Names this start: within 5 minutes a second one with the same token starts nothing."),
    ] = None,
) -> Call:
    """Start a build and return it with its id and state; it goes on after the call."""
    given = [
        {"name": one.name, "value": one.value, **({"type": one.type} if one.type else {})}
        for one in environment_variables_override or ()
    ]
    return call(
        "codebuild:StartBuild",
        projectName=project_name,
        sourceVersion=source_version,
        environmentVariablesOverride=given or None,
        idempotencyToken=idempotency_token,
    )
