"""Builds of a job: start, find, stop, describe, remove."""

from __future__ import annotations

import json
from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import (
    AnyBuild,
    BuildNumber,
    Depth,
    ItemTree,
    JobPath,
    Tree,
    below,
    ranged,
    written,
)
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given

_Value = str | int | float | bool

Delay = Annotated[
    Annotated[int, Meta(ge=0, le=86_400)] | None,
    Meta(description="Seconds to wait in the queue first; omitted: the job's quiet period."),
]
TriggerToken = Annotated[
    Annotated[str, Meta(min_length=1, max_length=500)] | None,
    Meta(description="The job's own trigger token, only where the user has no right to build it otherwise."),
]


@CONNECTOR.tool(writes=True)
def trigger_build(
    job_path: JobPath,
    delay: Delay = None,
    token: TriggerToken = None,
    cause: Annotated[
        Annotated[str, Meta(min_length=1, max_length=1000)] | None,
        Meta(description="Why, shown with the build; Jenkins keeps it only with `token`."),
    ] = None,
) -> Request:
    """Queue a build of a job without parameters and return the queue item; each call queues another.

    get_queue_item tells the build's number once it starts. A job with parameters is refused with 400:
    use trigger_build_with_parameters.
    """
    return _queue(below(job_path, "/build"), given(delay=_seconds(delay), token=token, cause=cause))


@CONNECTOR.tool(writes=True)
def trigger_build_with_parameters(
    job_path: JobPath,
    parameters: Annotated[
        Annotated[dict[str, _Value], Meta(max_length=200)] | None,
        Meta(description="Values by the parameters' names, as get_job shows them under `property`; others: defaults."),
    ] = None,
    delay: Delay = None,
    token: TriggerToken = None,
) -> Request:
    """Queue a build of a job that has parameters and return the queue item; each call queues another.

    get_queue_item tells the build's number once it starts. File parameters cannot be given.
    """
    values, settings = parameters or {}, given(delay=_seconds(delay), token=token)
    if clash := sorted({"delay", "token", "json"} & values.keys()):
        raise Invalid([Fault(f"parameters.{clash[0]}", "is a name that Jenkins reads as a setting of the request")])
    return _queue(below(job_path, "/buildWithParameters"), {**values, **settings})


@CONNECTOR.tool(items="allBuilds")
def list_builds(job_path: JobPath, tree: ItemTree = None) -> Request:
    """Return a job's builds, newest first: number, result (null while it runs), start, duration, description."""
    members = "number,displayName,result,building,timestamp,duration,description,url"
    # `builds` ends with the hundredth, `allBuilds` does not.
    return get(below(job_path, "/api/json"), tree=ranged("allBuilds", members, tree))


@CONNECTOR.tool()
def get_build(job_path: JobPath, build_number: AnyBuild, tree: Tree = None, depth: Depth = None) -> Request:
    """Return one build: result, causes and parameters (`actions`), changes, artifacts, times in milliseconds."""
    return get(below(job_path, f"/{build_number}/api/json"), tree=tree, depth=depth)


@CONNECTOR.tool()
def get_last_build(job_path: JobPath, tree: Tree = None) -> Request:
    """Return a job's newest build, which may still run; 404 if there was none. get_build knows others by name."""
    return get(below(job_path, "/lastBuild/api/json"), tree=tree)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def stop_build(job_path: JobPath, build_number: BuildNumber) -> Request:
    """Abort a build that runs; returns nothing, and changes nothing where it is over."""
    return Request(method="POST", path=below(job_path, f"/{build_number}/stop"))


@CONNECTOR.tool(writes=True, idempotent=True)
def update_build_info(
    job_path: JobPath,
    build_number: BuildNumber,
    description: Annotated[str, Meta(max_length=50_000, description="The new description; empty removes it.")],
) -> Request:
    """Replace the description that Jenkins shows with a build; returns nothing."""
    path = below(job_path, f"/{build_number}/submitDescription")
    return Request(method="POST", path=path, form={"description": description})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_build(job_path: JobPath, build_number: BuildNumber) -> Request:
    """Remove one build with its log and artifacts for good; one that is kept forever is refused. Returns nothing."""
    return Request(method="POST", path=below(job_path, f"/{build_number}/doDelete"))


@CONNECTOR.tool(writes=True)
def replay_build(
    job_path: JobPath,
    build_number: BuildNumber,
    main_script: Annotated[
        str, Meta(min_length=1, max_length=500_000, description="The whole Jenkinsfile with which to run it this time.")
    ],
) -> Request:
    """Run a Pipeline build again with its parameters and a changed script; each call queues another build.

    The job's own script stays as it is. Returns nothing: list_builds shows the new build. Needs the right Run/Replay.
    """
    path = below(job_path, f"/{build_number}/replay/run")
    # A form of Jenkins' pages: what it reads stands as JSON in one of its fields.
    script = json.dumps({"mainScript": main_script})
    return Request(method="POST", path=path, form={"json": script})


def _seconds(delay: int | None) -> str | None:
    """Return the delay with its unit: a bare number is milliseconds to Jenkins (its class TimeDuration)."""
    return None if delay is None else f"{delay}sec"


def _queue(path: str, values: dict[str, _Value]) -> Request:
    """Return the POST that queues a build; what it takes goes into its body, for a token is a secret."""
    form = {name: written(value) for name, value in values.items()}
    return Request(method="POST", path=path, form=form or None)
