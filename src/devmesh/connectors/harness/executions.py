"""Runs of pipelines: starting, watching, stopping, and approving what waits."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct

from devmesh.connectors.harness.arguments import (
    Branch,
    Execution,
    Identifier,
    InOrg,
    InProject,
    ModuleType,
    Name,
    Org,
    Pipeline,
    Project,
    Text,
    Yaml,
)
from devmesh.connectors.harness.calls import call, scope, send_yaml
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.connectors.harness.paging import PIPELINE_PAGES
from devmesh.upstream.model import Request, get, given, url

_EXECUTE = "/pipeline/api/pipeline/execute"

InputYaml = Annotated[
    Yaml | None, Meta(description="Values for the pipeline's runtime inputs, YAML from `pipeline:` on; omitted: none.")
]
Identifiers = Annotated[list[Identifier], Meta(min_length=1, max_length=50)]
_Status = Annotated[str, Meta(pattern="^[A-Z][A-Za-z]{2,40}$", examples=["Failed"])]


class ApproverInput(Struct, frozen=True):
    """A value that the approval asks for."""

    name: Annotated[Name, Meta(description="Name of the input.")]
    value: Annotated[str, Meta(max_length=10_000, description="The value.")]


@CONNECTOR.tool(writes=True)
def execute_pipeline(
    org_identifier: Org,
    project_identifier: Project,
    identifier: Pipeline,
    input_yaml: InputYaml = None,
    input_set_identifiers: Annotated[
        Identifiers | None,
        Meta(description="Input sets to take values from, from list_input_sets; those of input_yaml go before them."),
    ] = None,
    module_type: ModuleType = None,
    branch: Branch = None,
) -> Request:
    """Run a pipeline and return its planExecutionId for get_execution; a repeat starts another run."""
    query = {**scope(org_identifier, project_identifier), "moduleType": module_type, "branch": branch}
    path = url(f"{_EXECUTE}/{{identifier}}", identifier=identifier)
    alone = send_yaml("POST", path, query, input_yaml or "", "input_yaml")
    if input_set_identifiers is None:
        return alone
    # Only this operation takes input sets: the other runs the pipeline without them, and does not say so.
    body = given(inputSetReferences=input_set_identifiers, lastYamlToMerge=input_yaml)
    return call("POST", f"{path}/inputSetList", query, body)


@CONNECTOR.tool(writes=True)
def retry_execution(
    org_identifier: Org,
    project_identifier: Project,
    pipeline_identifier: Pipeline,
    plan_execution_id: Execution,
    retry_stages: Annotated[
        Identifiers, Meta(description="Identifiers of the stages to go on from; several if they run in parallel.")
    ],
    input_yaml: InputYaml = None,
    run_all_stages: Annotated[
        bool | None, Meta(description="Of parallel stages: false runs only the failed ones again.")
    ] = None,
    module_type: ModuleType = None,
) -> Request:
    """Run a failed run again from some of its stages on, as a new run, and return its planExecutionId."""
    query = {
        **scope(org_identifier, project_identifier),
        "planExecutionId": plan_execution_id,
        "retryStages": retry_stages,
        "runAllStages": run_all_stages,
        "moduleType": module_type,
    }
    path = url(f"{_EXECUTE}/retry/{{pipeline_identifier}}", pipeline_identifier=pipeline_identifier)
    return send_yaml("POST", path, query, input_yaml or "", "input_yaml")


@CONNECTOR.tool(writes=True, destructive=True)
def interrupt_execution(
    org_identifier: Org,
    project_identifier: Project,
    plan_execution_id: Execution,
    interrupt_type: Annotated[
        Literal["AbortAll", "Abort", "Pause", "Resume", "Retry", "StageRollback", "ExpireAll"],
        Meta(description="AbortAll ends the whole run, StageRollback rolls its stage back, Pause waits for Resume."),
    ],
) -> Request:
    """Abort, pause, resume or roll back a run; what was aborted does not go on, only retry_execution runs it anew."""
    query = {**scope(org_identifier, project_identifier), "interruptType": interrupt_type}
    return call("PUT", url(f"{_EXECUTE}/interrupt/{{plan_execution_id}}", plan_execution_id=plan_execution_id), query)


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_executions(
    org_identifier: Org,
    project_identifier: Project,
    pipeline_identifier: Annotated[Identifier | None, Meta(description="Only runs of this pipeline.")] = None,
    status: Annotated[
        Annotated[list[_Status], Meta(min_length=1, max_length=20)] | None,
        Meta(description="Only runs in these states: Running, Success, Failed, Aborted, Expired, ApprovalWaiting."),
    ] = None,
) -> Request:
    """Return a project's runs, newest first: planExecutionId, pipeline, state, who or what started it, stages."""
    query = {
        **scope(org_identifier, project_identifier),
        "pipelineIdentifier": pipeline_identifier,
        "status": status,
    }
    return call("POST", "/pipeline/api/pipelines/execution/summary", query, {"filterType": "PipelineExecution"})


@CONNECTOR.tool()
def get_execution(
    org_identifier: Org,
    project_identifier: Project,
    plan_execution_id: Execution,
    stage_node_id: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | None,
        Meta(description="Return the steps of this stage too: a nodeUuid of the run's layoutNodeMap."),
    ] = None,
) -> Request:
    """Return one run: its state, its stages, and where it failed and why."""
    path = url("/pipeline/api/pipelines/execution/v2/{plan_execution_id}", plan_execution_id=plan_execution_id)
    return get(path, **scope(org_identifier, project_identifier), stageNodeId=stage_node_id)


@CONNECTOR.tool()
def list_approvals(
    org_identifier: Org,
    project_identifier: Project,
    plan_execution_id: Execution,
    approval_status: Annotated[
        Literal["WAITING", "APPROVED", "REJECTED", "FAILED", "ABORTED", "EXPIRED"] | None,
        Meta(description="Only approvals in this state."),
    ] = None,
) -> Request:
    """Return a run's approvals, all at once: id for submit_approval, state, message, who may approve."""
    path = url(
        "/pipeline/api/v1/orgs/{org}/projects/{project}/approvals/execution/{execution}",
        org=org_identifier,
        project=project_identifier,
        execution=plan_execution_id,
    )
    return get(path, approval_status=approval_status)


@CONNECTOR.tool(writes=True)
def submit_approval(
    approval_instance_id: Annotated[
        str,
        Meta(
            description="Id of the approval that waits, from list_approvals.",
            pattern="^[A-Za-z0-9_-]{1,64}$",
            examples=["PBx8lwGHQ5WvQjRzJgkVTQ"],
        ),
    ],
    action: Annotated[Literal["APPROVE", "REJECT"], Meta(description="APPROVE lets the run go on, REJECT fails it.")],
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    comments: Annotated[Text | None, Meta(description="Why; shown with the approval.")] = None,
    approver_inputs: Annotated[
        Annotated[list[ApproverInput], Meta(max_length=50)] | None, Meta(description="The values that it asks for.")
    ] = None,
) -> Request:
    """Approve or reject what a run waits for, in the name of the token's owner; it cannot be taken back."""
    inputs = None if approver_inputs is None else [{"name": one.name, "value": one.value} for one in approver_inputs]
    path = url("/pipeline/api/approvals/{approval}/harness/activity", approval=approval_instance_id)
    body = given(action=action, comments=comments, approverInputs=inputs)
    return call("POST", path, scope(org_identifier, project_identifier), body)
