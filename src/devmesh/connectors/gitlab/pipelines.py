"""CI/CD: pipelines, jobs, logs, and the configuration's check."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, WRITES, JobId, Markdown, PipelineId, ProjectId, Sha, Text
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, given, send, url

_PROJECT = "/api/v4/projects/{id}"
_PIPELINE = f"{_PROJECT}/pipelines/{{pipeline_id}}"
_JOB = f"{_PROJECT}/jobs/{{job_id}}"

_Status = Literal[
    "created",
    "waiting_for_resource",
    "preparing",
    "pending",
    "running",
    "success",
    "failed",
    "canceling",
    "canceled",
    "skipped",
    "manual",
    "scheduled",
]


class Variable(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A variable for one run."""

    key: Annotated[str, Meta(min_length=1, max_length=255, description="Name of the variable.")]
    value: Annotated[str, Meta(max_length=65536, description="Its value.")]
    variable_type: Annotated[
        Literal["env_var", "file"] | None, Meta(description="file: the job gets the path of a file that holds it.")
    ] = None


class JobVariable(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A variable for one job."""

    key: Annotated[str, Meta(min_length=1, max_length=255, description="Name of the variable.")]
    value: Annotated[str, Meta(max_length=65536, description="Its value.")]


@CONNECTOR.tool(items="", needs=READS)
def list_pipelines(
    id: ProjectId,  # noqa: A002
    status: Annotated[_Status | None, Meta(description="Only pipelines with this status.")] = None,
    ref: Annotated[Text | None, Meta(description="Only pipelines of this branch or tag.")] = None,
    sha: Annotated[Sha | None, Meta(description="Only pipelines of this commit.")] = None,
) -> Request:
    """Return a project's pipelines, newest first: id, status, source, ref, sha."""
    return get(url(f"{_PROJECT}/pipelines", id=id), status=status, ref=ref, sha=sha)


@CONNECTOR.tool(needs=READS)
def get_pipeline(id: ProjectId, pipeline_id: PipelineId) -> Request:  # noqa: A002
    """Return one pipeline: status, times, duration, coverage, yaml_errors; its jobs come from list_pipeline_jobs."""
    return get(url(_PIPELINE, id=id, pipeline_id=pipeline_id))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_pipeline(
    id: ProjectId,  # noqa: A002
    ref: Annotated[Text, Meta(description="Branch or tag to run it on.")],
    variables: Annotated[
        Annotated[list[Variable], Meta(max_length=100)] | None, Meta(description="Variables for this run.")
    ] = None,
    inputs: Annotated[
        Annotated[dict[str, Any], Meta(max_length=100)] | None,
        Meta(description="Values for the inputs that the configuration declares (`spec:inputs`), by name."),
    ] = None,
) -> Request:
    """Start a pipeline and return it with its id; each call starts another one."""
    run = given(ref=ref, variables=_plain(variables), inputs=inputs)
    return send("POST", url(f"{_PROJECT}/pipeline", id=id), run)


@CONNECTOR.tool(writes=True, needs=WRITES)
def retry_pipeline(id: ProjectId, pipeline_id: PipelineId) -> Request:  # noqa: A002
    """Run a pipeline's failed and canceled jobs again, in the same pipeline, and return it."""
    return send("POST", url(f"{_PIPELINE}/retry", id=id, pipeline_id=pipeline_id))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def cancel_pipeline(id: ProjectId, pipeline_id: PipelineId) -> Request:  # noqa: A002
    """Stop all jobs of a pipeline that are not finished, and return it."""
    return send("POST", url(f"{_PIPELINE}/cancel", id=id, pipeline_id=pipeline_id))


@CONNECTOR.tool(items="", needs=READS)
def list_pipeline_jobs(
    id: ProjectId,  # noqa: A002
    pipeline_id: PipelineId,
    scope: Annotated[
        Annotated[list[_Status], Meta(min_length=1)] | None, Meta(description="Only jobs with one of these statuses.")
    ] = None,
) -> Request:
    """Return a pipeline's jobs with stage and status: use it to find which job failed, then get_job_log."""
    route = url(f"{_PIPELINE}/jobs", id=id, pipeline_id=pipeline_id)
    return get(route, **{"scope[]": scope})


@CONNECTOR.tool(needs=READS)
def get_job(id: ProjectId, job_id: JobId) -> Request:  # noqa: A002
    """Return one job: stage, status, failure_reason, times, runner, artifacts; its output comes from get_job_log."""
    return get(url(_JOB, id=id, job_id=job_id))


@CONNECTOR.tool(projects=False, needs=READS)
def get_job_log(id: ProjectId, job_id: JobId) -> Request:  # noqa: A002
    """Return a job's log as text; the error mostly stands near its end. It grows while the job runs."""
    return get(url(f"{_JOB}/trace", id=id, job_id=job_id))


@CONNECTOR.tool(writes=True, needs=WRITES)
def play_job(
    id: ProjectId,  # noqa: A002
    job_id: JobId,
    job_variables_attributes: Annotated[
        Annotated[list[JobVariable], Meta(max_length=100)] | None, Meta(description="Variables for the job.")
    ] = None,
) -> Request:
    """Start a job that waits for a manual start, and return it; 400 says that it is none or has run."""
    body = given(job_variables_attributes=_plain(job_variables_attributes))
    return send("POST", url(f"{_JOB}/play", id=id, job_id=job_id), body or None)


@CONNECTOR.tool(writes=True, needs=WRITES)
def retry_job(id: ProjectId, job_id: JobId) -> Request:  # noqa: A002
    """Run a finished job again and return the new job, which has an id of its own; each call runs it again."""
    return send("POST", url(f"{_JOB}/retry", id=id, job_id=job_id))


# A POST, for which GitLab wants the scope api though it changes nothing.
@CONNECTOR.tool(needs=WRITES)
def lint_ci_config(
    id: ProjectId,  # noqa: A002
    content: Annotated[Markdown, Meta(min_length=1, description="The configuration, as .gitlab-ci.yml holds it.")],
    dry_run: Annotated[
        bool | None, Meta(description="True: also simulate the pipeline's creation, with `rules` and `needs`.")
    ] = None,
    ref: Annotated[Text | None, Meta(description="Branch or tag to simulate on; omitted: the default branch.")] = None,
    include_jobs: Annotated[bool | None, Meta(description="True: list the jobs that there would be.")] = None,
) -> Request:
    """Check a CI/CD configuration in the project's context without saving or running it: valid, errors, warnings."""
    check = given(content=content, dry_run=dry_run, ref=ref, include_jobs=include_jobs)
    return send("POST", url(f"{_PROJECT}/ci/lint", id=id), check)


def _plain(variables: list[Variable] | list[JobVariable] | None) -> Any:
    return None if variables is None else msgspec.to_builtins(variables)
