"""GitHub Actions: workflows, runs, jobs and logs."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Id, Owner, Repo, RunId, Text
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.upstream.model import Request, get, given, send, url

_RUN = "/repos/{owner}/{repo}/actions/runs/{run_id}"

Status = Literal[
    "completed",
    "action_required",
    "cancelled",
    "failure",
    "neutral",
    "skipped",
    "stale",
    "success",
    "timed_out",
    "in_progress",
    "queued",
    "requested",
    "waiting",
    "pending",
]


@CONNECTOR.tool(items="workflows")
def list_workflows(owner: Owner, repo: Repo) -> Request:
    """Return a repository's Actions workflows: id, name, file, state."""
    return get(url("/repos/{owner}/{repo}/actions/workflows", owner=owner, repo=repo))


@CONNECTOR.tool(items="workflow_runs")
def list_workflow_runs(
    owner: Owner,
    repo: Repo,
    branch: Annotated[Text | None, Meta(description="Only runs on this branch.")] = None,
    event: Annotated[Text | None, Meta(description="Only runs started by this event, such as push.")] = None,
    status: Annotated[Status | None, Meta(description="Only runs with this status or conclusion.")] = None,
) -> Request:
    """Return Actions runs, newest first: id, workflow, branch, commit, status, conclusion."""
    route = url("/repos/{owner}/{repo}/actions/runs", owner=owner, repo=repo)
    return get(route, branch=branch, event=event, status=status)


@CONNECTOR.tool()
def get_workflow_run(owner: Owner, repo: Repo, run_id: RunId) -> Request:
    """Return one Actions run: status, conclusion, commit, attempt, times; its jobs come from list_workflow_jobs."""
    return get(url(_RUN, owner=owner, repo=repo, run_id=run_id))


@CONNECTOR.tool(items="jobs")
def list_workflow_jobs(
    owner: Owner,
    repo: Repo,
    run_id: RunId,
    filter: Annotated[  # noqa: A002
        Literal["latest", "all"] | None, Meta(description="Jobs of the latest attempt, or of all; omitted: latest.")
    ] = None,
) -> Request:
    """Return a run's jobs with their steps and conclusions: use it to find which job failed, then get_job_logs."""
    return get(url(f"{_RUN}/jobs", owner=owner, repo=repo, run_id=run_id), filter=filter)


@CONNECTOR.tool(projects=False)
def get_job_logs(
    owner: Owner, repo: Repo, job_id: Annotated[Id, Meta(description="Id of the job, from list_workflow_jobs.")]
) -> Request:
    """Return a job's whole log as text; the error mostly stands near its end. GitHub keeps logs 90 days by default."""
    return get(url("/repos/{owner}/{repo}/actions/jobs/{job_id}/logs", owner=owner, repo=repo, job_id=job_id))


@CONNECTOR.tool(writes=True, needs=WRITES)
def trigger_workflow(
    owner: Owner,
    repo: Repo,
    workflow_id: Annotated[
        Annotated[int, Meta(ge=1)] | Annotated[str, Meta(min_length=1, max_length=255)],
        Meta(description="Id of the workflow, or its file name.", examples=["ci.yml"]),
    ],
    ref: Annotated[Text, Meta(description="Branch or tag to run it on.")],
    inputs: Annotated[
        Annotated[dict[str, str | int | float | bool], Meta(max_length=25)] | None,
        Meta(description="Values for the workflow's inputs, by name."),
    ] = None,
    return_run_details: Annotated[
        bool | None, Meta(description="True: return the new run's id; older Enterprise servers do not know this.")
    ] = None,
) -> Request:
    """Start a workflow that has a workflow_dispatch trigger; each call starts another run.

    Returns nothing unless `return_run_details`; list_workflow_runs shows the run a few seconds later.
    """
    route = url(
        "/repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches",
        owner=owner,
        repo=repo,
        workflow_id=workflow_id,
    )
    return send("POST", route, given(ref=ref, inputs=inputs, return_run_details=return_run_details))


@CONNECTOR.tool(writes=True, needs=WRITES)
def rerun_workflow(
    owner: Owner,
    repo: Repo,
    run_id: RunId,
    enable_debug_logging: Annotated[bool | None, Meta(description="True: log in more detail.")] = None,
) -> Request:
    """Run all jobs of a finished run again, as a new attempt under the same id. Returns nothing."""
    body = given(enable_debug_logging=enable_debug_logging)
    return send("POST", url(f"{_RUN}/rerun", owner=owner, repo=repo, run_id=run_id), body or None)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def cancel_workflow_run(owner: Owner, repo: Repo, run_id: RunId) -> Request:
    """Stop a run that is queued or in progress; GitHub does it in the background. 409 if it is over."""
    return send("POST", url(f"{_RUN}/cancel", owner=owner, repo=repo, run_id=run_id))
