"""Bitbucket Pipelines: runs, steps, logs."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import PipelineUuid, RepoSlug, StepUuid, Text, Workspace, braced
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.paging import CountedPaging
from devmesh.connectors.bitbucket.scopes import READS_PIPELINES, RUNS_PIPELINES, STOPS_PIPELINES
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_ALL = "/2.0/repositories/{workspace}/{repo_slug}/pipelines"
_ONE = f"{_ALL}/{{pipeline_uuid}}"


class Commit(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A commit."""

    hash: Annotated[str, Meta(min_length=4, max_length=64, description="Hash of the commit.")]


class Selector(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which of the configuration's pipelines to run."""

    type: Annotated[
        Literal["custom", "branches", "tags", "default"], Meta(description="Section of bitbucket-pipelines.yml.")
    ]
    pattern: Annotated[Text, Meta(description="Name of the pipeline within it, such as deploy.")]


class Target(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a pipeline runs on: a branch or tag, or a bare commit with a selector."""

    ref_type: Annotated[
        Literal["branch", "tag"] | None, Meta(description="Of what `ref_name` is the name; omitted: branch.")
    ] = None
    ref_name: Annotated[Text | None, Meta(description="Name of the branch or tag.")] = None
    commit: Annotated[Commit | None, Meta(description="A commit, of that branch or tag if one is named.")] = None
    selector: Annotated[
        Selector | None, Meta(description="Which pipeline; omitted: the one configured for the branch or tag.")
    ] = None


class Variable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A variable for one run."""

    key: Annotated[Text, Meta(description="Name of the variable.")]
    value: Annotated[str, Meta(max_length=32768, description="Its value.")]
    secured: Annotated[bool | None, Meta(description="True: masked in logs and never shown again.")] = None


@CONNECTOR.tool(items="values", paging=CountedPaging(), needs=READS_PIPELINES)
def list_pipelines(
    workspace: Workspace,
    repo_slug: RepoSlug,
    sort: Annotated[
        Literal["created_on", "-created_on", "creator.uuid", "run_creation_date"] | None,
        Meta(description="Field to sort by; -created_on: newest first, mostly wanted. Omitted: oldest first."),
    ] = None,
    status: Annotated[
        Literal["PARSING", "PENDING", "PAUSED", "HALTED", "BUILDING", "ERROR", "PASSED", "FAILED", "STOPPED", "UNKNOWN"]
        | None,
        Meta(description="Only pipelines with this status."),
    ] = None,
) -> Request:
    """Return a repository's pipelines: uuid, build_number, state with its result, target, who started it."""
    return get(url(_ALL, workspace=workspace, repo_slug=repo_slug), sort=sort, status=status)


@CONNECTOR.tool(needs=READS_PIPELINES)
def get_pipeline(workspace: Workspace, repo_slug: RepoSlug, pipeline_uuid: PipelineUuid) -> Request:
    """Return one pipeline: state with its result, target, times; its steps come from list_pipeline_steps."""
    return get(url(_ONE, workspace=workspace, repo_slug=repo_slug, pipeline_uuid=braced(pipeline_uuid)))


@CONNECTOR.tool(writes=True, needs=RUNS_PIPELINES)
def run_pipeline(
    workspace: Workspace,
    repo_slug: RepoSlug,
    target: Annotated[Target, Meta(description="What to run on, and which pipeline.")],
    variables: Annotated[
        Annotated[list[Variable], Meta(max_length=100)] | None, Meta(description="Variables for this run.")
    ] = None,
) -> Request:
    """Start a pipeline and return it with its uuid; each call starts another one."""
    run = given(
        target=_placed(target), variables=None if variables is None else [msgspec.to_builtins(one) for one in variables]
    )
    return send("POST", url(_ALL, workspace=workspace, repo_slug=repo_slug), run)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=STOPS_PIPELINES)
def stop_pipeline(workspace: Workspace, repo_slug: RepoSlug, pipeline_uuid: PipelineUuid) -> Request:
    """Stop a pipeline and all its steps that are not finished; returns nothing, 400 if it is over."""
    uuid = braced(pipeline_uuid)
    return send("POST", url(f"{_ONE}/stopPipeline", workspace=workspace, repo_slug=repo_slug, pipeline_uuid=uuid))


@CONNECTOR.tool(items="values", paging=CountedPaging(), needs=READS_PIPELINES)
def list_pipeline_steps(workspace: Workspace, repo_slug: RepoSlug, pipeline_uuid: PipelineUuid) -> Request:
    """Return a pipeline's steps with state and result: use it to find which failed, then get_pipeline_step_log."""
    uuid = braced(pipeline_uuid)
    return get(url(f"{_ONE}/steps", workspace=workspace, repo_slug=repo_slug, pipeline_uuid=uuid))


@CONNECTOR.tool(projects=False, needs=READS_PIPELINES)
def get_pipeline_step_log(
    workspace: Workspace, repo_slug: RepoSlug, pipeline_uuid: PipelineUuid, step_uuid: StepUuid
) -> Request:
    """Return a step's whole log as text; the error mostly stands near its end."""
    route = url(
        f"{_ONE}/steps/{{step_uuid}}/log",
        workspace=workspace,
        repo_slug=repo_slug,
        pipeline_uuid=braced(pipeline_uuid),
        step_uuid=braced(step_uuid),
    )
    # As any type: Bitbucket answers 406 to who takes JSON alone.
    return Request(method="GET", path=route, headers={"accept": "*/*"})


def _placed(target: Target) -> dict[str, Any]:
    """Return the target as Bitbucket takes it, its type named."""
    place = msgspec.to_builtins(target)
    if target.commit is not None:
        place["commit"] = {"type": "commit", **place["commit"]}
    if target.ref_name is not None:
        return {"type": "pipeline_ref_target", "ref_type": "branch", **place}
    if target.commit is None:
        raise Invalid([Fault("target.ref_name", "required, or `commit` for a bare commit")])
    return {"type": "pipeline_commit_target", **place}
