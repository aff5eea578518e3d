"""Pipelines: their definitions in YAML, input sets, triggers and templates."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.harness.arguments import (
    Branch,
    CommitMessage,
    ConnectorRef,
    FilePath,
    HarnessCode,
    Identifier,
    InOrg,
    InProject,
    Name,
    Org,
    Pipeline,
    Project,
    RepoName,
    SearchTerm,
    StoreType,
    Yaml,
)
from devmesh.connectors.harness.calls import call, scope, send_yaml
from devmesh.connectors.harness.declaration import CONNECTOR
from devmesh.connectors.harness.paging import PIPELINE_PAGES
from devmesh.upstream.model import Request, get, url

_PIPELINE = "/pipeline/api/pipelines/{pipeline_identifier}"

PipelineYaml = Annotated[Yaml, Meta(description="The whole definition in YAML, from its root `pipeline:` on.")]
Sha = Annotated[Name | None, Meta(description="With REMOTE: as get_pipeline tells it, so that no change is lost.")]


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_pipelines(org_identifier: Org, project_identifier: Project, search_term: SearchTerm = None) -> Request:
    """Return a project's pipelines: identifier, name, how many stages, the last runs; get_pipeline has the YAML."""
    query = {**scope(org_identifier, project_identifier), "searchTerm": search_term}
    return call("POST", "/pipeline/api/pipelines/list", query, {"filterType": "PipelineSetup"})


@CONNECTOR.tool()
def get_pipeline(
    org_identifier: Org, project_identifier: Project, pipeline_identifier: Pipeline, branch: Branch = None
) -> Request:
    """Return one pipeline with its whole definition in YAML."""
    path = url(_PIPELINE, pipeline_identifier=pipeline_identifier)
    return get(path, **scope(org_identifier, project_identifier), branch=branch)


@CONNECTOR.tool(writes=True)
def create_pipeline(
    org_identifier: Org,
    project_identifier: Project,
    yaml: PipelineYaml,
    store_type: StoreType = None,
    connector_ref: ConnectorRef = None,
    repo_name: RepoName = None,
    branch: Branch = None,
    file_path: FilePath = None,
    commit_message: CommitMessage = None,
    is_harness_code_repo: HarnessCode = None,
) -> Request:
    """Create a pipeline from its YAML, which names identifier, organization and project, and return its identifier."""
    query = {
        **scope(org_identifier, project_identifier),
        "storeType": store_type,
        "connectorRef": connector_ref,
        "isHarnessCodeRepo": is_harness_code_repo,
        "repoName": repo_name,
        "branch": branch,
        "filePath": file_path,
        "commitMsg": commit_message,
    }
    return send_yaml("POST", "/pipeline/api/pipelines/v2", query, yaml)


@CONNECTOR.tool(writes=True, idempotent=True)
def update_pipeline(
    org_identifier: Org,
    project_identifier: Project,
    pipeline_identifier: Pipeline,
    yaml: PipelineYaml,
    store_type: StoreType = None,
    connector_ref: ConnectorRef = None,
    repo_name: RepoName = None,
    branch: Branch = None,
    file_path: FilePath = None,
    commit_message: CommitMessage = None,
    last_object_id: Sha = None,
    last_commit_id: Sha = None,
    is_harness_code_repo: HarnessCode = None,
) -> Request:
    """Replace a pipeline's whole definition by this YAML; read it with get_pipeline first, and change what is to be."""
    query = {
        **scope(org_identifier, project_identifier),
        "storeType": store_type,
        "connectorRef": connector_ref,
        "isHarnessCodeRepo": is_harness_code_repo,
        "repoName": repo_name,
        "branch": branch,
        "filePath": file_path,
        "commitMsg": commit_message,
        "lastObjectId": last_object_id,
        "lastCommitId": last_commit_id,
    }
    path = url("/pipeline/api/pipelines/v2/{pipeline_identifier}", pipeline_identifier=pipeline_identifier)
    return send_yaml("PUT", path, query, yaml)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_pipeline(org_identifier: Org, project_identifier: Project, pipeline_identifier: Pipeline) -> Request:
    """Delete a pipeline with its input sets and triggers; its past runs cannot be looked at any more."""
    path = url(_PIPELINE, pipeline_identifier=pipeline_identifier)
    return call("DELETE", path, scope(org_identifier, project_identifier))


@CONNECTOR.tool(items="content")
def list_input_sets(org_identifier: Org, project_identifier: Project, pipeline_identifier: Pipeline) -> Request:
    """Return a pipeline's input sets, stored values for its runs; execute_pipeline takes their identifiers."""
    query = scope(org_identifier, project_identifier)
    return get("/pipeline/api/inputSets", **query, pipelineIdentifier=pipeline_identifier)


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_triggers(org_identifier: Org, project_identifier: Project, target_identifier: Pipeline) -> Request:
    """Return a pipeline's triggers: what starts it (webhook, schedule, artifact), whether each is on, its last run."""
    query = scope(org_identifier, project_identifier)
    return get("/pipeline/api/triggers", **query, targetIdentifier=target_identifier)


@CONNECTOR.tool()
def get_trigger(
    org_identifier: Org,
    project_identifier: Project,
    target_identifier: Pipeline,
    trigger_identifier: Annotated[Identifier, Meta(description="Identifier of the trigger, from list_triggers.")],
) -> Request:
    """Return one trigger with its definition in YAML; the secret in a custom webhook's address is left out."""
    path = url("/pipeline/api/triggers/{trigger_identifier}", trigger_identifier=trigger_identifier)
    return get(path, **scope(org_identifier, project_identifier), targetIdentifier=target_identifier)


@CONNECTOR.tool(items="content", paging=PIPELINE_PAGES)
def list_templates(
    org_identifier: InOrg = None,
    project_identifier: InProject = None,
    template_list_type: Annotated[
        Literal["Stable", "LastUpdated", "All"], Meta(description="Which versions: the stable, the last, or all.")
    ] = "Stable",
) -> Request:
    """Return the templates of the account, an organization or a project: steps, stages and pipelines to reuse."""
    query = {**scope(org_identifier, project_identifier), "templateListType": template_list_type}
    return call("POST", "/template/api/templates/list", query, {"filterType": "Template"})
