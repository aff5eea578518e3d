"""Branches, pull requests, analyses, and the background tasks that make them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import From, Key, ProjectKey, Text, To, joined, moment
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

Category = Literal[
    "VERSION", "OTHER", "QUALITY_PROFILE", "QUALITY_GATE", "DEFINITION_CHANGE", "ISSUE_DETECTION", "SQ_UPGRADE"
]


@CONNECTOR.tool()
def list_branches(project: ProjectKey) -> Request:
    """Return the branches of a project that were analyzed, each with its gate's status and last analysis."""
    return get("/api/project_branches/list", project=project)


@CONNECTOR.tool()
def list_pull_requests(project: ProjectKey) -> Request:
    """Return the pull requests of a project that were analyzed: id, title, branch, gate's status. Paid editions."""
    return get("/api/project_pull_requests/list", project=project)


@CONNECTOR.tool(items="analyses")
def list_analyses(
    project: ProjectKey,
    category: Annotated[Category | None, Meta(description="Only with an event of this category.")] = None,
    from_: From = None,
    to: To = None,
    branch: Annotated[Text | None, Meta(description="Name of the branch; omitted: the main one.")] = None,
) -> Request:
    """Return a project's analyses, newest first: key, date, commit, version, events such as a changed gate."""
    return get(
        "/api/project_analyses/search",
        **{"from": moment(from_)},
        project=project,
        category=category,
        to=moment(to),
        branch=branch,
    )


@CONNECTOR.tool()
def get_task(
    id: Annotated[Key, Meta(description="Id of the task: scanners print it, list_tasks shows it.")],  # noqa: A002
    additional_fields: Annotated[
        list[Literal["stacktrace", "scannerContext", "warnings"]] | None, Meta(description="Also return these.")
    ] = None,
) -> Request:
    """Return one background task: its status, error, and the `analysisId` for get_quality_gate_status."""
    return get("/api/ce/task", id=id, additionalFields=joined(additional_fields))


@CONNECTOR.tool(items="tasks")
def list_tasks(
    component: Annotated[Key | None, Meta(description="Only of this project; without it Administer is needed.")] = None,
    status: Annotated[
        list[Literal["SUCCESS", "FAILED", "CANCELED", "PENDING", "IN_PROGRESS"]] | None,
        Meta(description="Only in these statuses; omitted: those that are over."),
    ] = None,
    type: Annotated[  # noqa: A002
        Text | None, Meta(description="Only of this type: REPORT is an analysis, PROJECT_EXPORT, ISSUE_SYNC.")
    ] = None,
    only_currents: Annotated[bool | None, Meta(description="True: only each project's latest.")] = None,
) -> Request:
    """Return background tasks, newest first: what they work on, status, times, errors."""
    return get("/api/ce/activity", component=component, status=joined(status), type=type, onlyCurrents=only_currents)
