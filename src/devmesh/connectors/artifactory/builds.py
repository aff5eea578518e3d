"""Builds as continuous integration published them: runs, promotion, removal."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import BuildName, BuildNumber, Project, RepoKey, Text
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_RUN = "/artifactory/api/build/{build_name}/{build_number}"


@CONNECTOR.tool()
def list_builds(project: Project = None) -> Request:
    """Return the names of all builds, each with its last start."""
    return get("/artifactory/api/build", project=project)


@CONNECTOR.tool()
def list_build_runs(build_name: BuildName, project: Project = None) -> Request:
    """Return the runs of a build: number and start."""
    return get(url("/artifactory/api/build/{build_name}", build_name=build_name), project=project)


@CONNECTOR.tool()
def get_build_info(
    build_name: BuildName,
    build_number: BuildNumber,
    started: Annotated[Text | None, Meta(description="Start of the run, where several have this number.")] = None,
    diff: Annotated[Text | None, Meta(description="Number of an older run: return what changed since.")] = None,
    project: Project = None,
) -> Request:
    """Return one run: its modules, artifacts, dependencies, commits and promotions."""
    path = url(_RUN, build_name=build_name, build_number=build_number)
    return get(path, started=started, diff=diff, project=project)


@CONNECTOR.tool(writes=True)
def promote_build(
    build_name: BuildName,
    build_number: BuildNumber,
    status: Annotated[Text | None, Meta(description="The new status: staged, released.")] = None,
    target_repo: Annotated[RepoKey | None, Meta(description="Where its artifacts go; omitted: they stay.")] = None,
    source_repo: Annotated[RepoKey | None, Meta(description="Only the artifacts that are here.")] = None,
    copy: Annotated[bool | None, Meta(description="True: copy the artifacts; omitted: move them.")] = None,
    artifacts: Annotated[bool | None, Meta(description="False: leave the artifacts where they are.")] = None,
    dependencies: Annotated[bool | None, Meta(description="True: the dependencies go along.")] = None,
    comment: Annotated[Text | None, Meta(description="Why, kept with the promotion.")] = None,
    dry_run: Annotated[bool | None, Meta(description="True: change nothing, only tell what would happen.")] = None,
    project: Project = None,
) -> Request:
    """Give a run a status and move (or copy) its artifacts on, and return messages of what was done."""
    path = url(
        "/artifactory/api/build/promote/{build_name}/{build_number}", build_name=build_name, build_number=build_number
    )
    body = given(
        status=status,
        comment=comment,
        dryRun=dry_run,
        sourceRepo=source_repo,
        targetRepo=target_repo,
        copy=copy,
        artifacts=artifacts,
        dependencies=dependencies,
    )
    return send("POST", path, body, project=project)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_builds(
    build_name: BuildName,
    build_numbers: Annotated[
        list[Text], Meta(max_length=1000, description="Numbers of the runs; empty with delete_all.")
    ],
    delete_artifacts: Annotated[bool | None, Meta(description="True: their artifacts too.")] = None,
    delete_all: Annotated[bool | None, Meta(description="True: the whole build with every run.")] = None,
    project: Project = None,
) -> Request:
    """Remove runs of a build for good, and return a message."""
    if not build_numbers and not delete_all:
        raise Invalid([Fault("build_numbers", "name the runs, or say delete_all")])
    body = given(
        buildName=build_name,
        buildNumbers=build_numbers,
        deleteArtifacts=delete_artifacts,
        deleteAll=delete_all,
        project=project,
    )
    return send("POST", "/artifactory/api/build/delete", body)
