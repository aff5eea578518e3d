"""Quality gates, quality profiles and rules: what code is measured against."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import (
    Branch,
    Key,
    Languages,
    Members,
    Organization,
    ProjectKey,
    PullRequest,
    RuleType,
    Severities,
    Text,
    joined,
    post,
)
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get


@CONNECTOR.tool()
def get_quality_gate_status(
    project_key: Annotated[Key | None, Meta(description="Key of the project, from search_components.")] = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
    analysis_id: Annotated[Key | None, Meta(description="Id of one analysis instead, from get_task.")] = None,
) -> Request:
    """Return whether a project (or one analysis) passes its quality gate: OK or ERROR, with each condition's value."""
    if project_key is None and analysis_id is None:
        raise Invalid([Fault("project_key", "give it, or analysis_id instead")])
    return get(
        "/api/qualitygates/project_status",
        projectKey=project_key,
        branch=branch,
        pullRequest=pull_request,
        analysisId=analysis_id,
    )


@CONNECTOR.tool()
def list_quality_gates(organization: Organization = None) -> Request:
    """Return all quality gates: name, whether default or built in, and what the token may do with each."""
    return get("/api/qualitygates/list", organization=organization)


@CONNECTOR.tool()
def get_quality_gate(
    name: Annotated[Text, Meta(description="Name of the gate, from list_quality_gates.")],
    organization: Organization = None,
) -> Request:
    """Return one quality gate with its conditions: metric, comparison, threshold."""
    return get("/api/qualitygates/show", name=name, organization=organization)


@CONNECTOR.tool(writes=True, idempotent=True)
def set_project_quality_gate(
    gate_name: Annotated[
        Annotated[str, Meta(min_length=1, max_length=100)],
        Meta(description="Name of the gate, from list_quality_gates."),
    ],
    project_key: ProjectKey,
    organization: Organization = None,
) -> Request:
    """Let a project be measured by another quality gate from its next analysis on; returns nothing."""
    return post("/api/qualitygates/select", gateName=gate_name, projectKey=project_key, organization=organization)


@CONNECTOR.tool()
def list_quality_profiles(
    language: Annotated[Text | None, Meta(description="Only of this language, by its key: py, java.")] = None,
    project: Annotated[Key | None, Meta(description="Only those that this project is analyzed with.")] = None,
    quality_profile: Annotated[Text | None, Meta(description="Only the one of this name.")] = None,
    defaults: Annotated[bool | None, Meta(description="True: only each language's default.")] = None,
    organization: Organization = None,
) -> Request:
    """Return quality profiles (a language's set of active rules): key, name, language, number of rules."""
    return get(
        "/api/qualityprofiles/search",
        language=language,
        project=project,
        qualityProfile=quality_profile,
        defaults=defaults,
        organization=organization,
    )


@CONNECTOR.tool(items="rules")
def search_rules(
    q: Annotated[Text | None, Meta(description="Words to find in names, keys and descriptions.")] = None,
    languages: Languages = None,
    severities: Severities = None,
    types: Annotated[
        list[RuleType] | None, Meta(description="Only these types (of the older rating, before 10.2).")
    ] = None,
    tags: Annotated[Members | None, Meta(description="Only with one of these tags.")] = None,
    repositories: Annotated[Members | None, Meta(description="Only of these repositories: java, python.")] = None,
    organization: Organization = None,
) -> Request:
    """Return rules with their descriptions, severities and parameters; `fields` keeps the answer small."""
    return get(
        "/api/rules/search",
        q=q,
        languages=joined(languages),
        severities=joined(severities),
        types=joined(types),
        tags=joined(tags),
        repositories=joined(repositories),
        organization=organization,
    )


@CONNECTOR.tool()
def get_rule(
    key: Annotated[Key, Meta(description="Key of the rule, as issues name it: python:S1481.")],
    actives: Annotated[bool | None, Meta(description="True: also in which profiles it is active.")] = None,
    organization: Organization = None,
) -> Request:
    """Return one rule: why code breaks it, how to fix that, its severity and parameters."""
    return get("/api/rules/show", key=key, actives=actives, organization=organization)
