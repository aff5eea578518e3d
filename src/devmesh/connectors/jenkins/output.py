"""What a build left: its log, artifacts, test results and stages."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.jenkins.arguments import AnyBuild, JobPath, Tree, below
from devmesh.connectors.jenkins.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, url


@CONNECTOR.tool(projects=False)
def get_build_log(job_path: JobPath, build_number: AnyBuild) -> Request:
    """Return a build's whole console log as text; the error mostly stands near its end.

    For a build that still runs, or a log of megabytes, take get_build_log_progressive.
    """
    return get(below(job_path, f"/{build_number}/consoleText"))


@CONNECTOR.tool(projects=False)
def get_build_log_progressive(
    job_path: JobPath,
    build_number: AnyBuild,
    start: Annotated[
        Annotated[int, Meta(ge=0, le=2**53 - 1)] | None,
        Meta(description="Byte at which to begin: the next_start of the call before; omitted: the beginning."),
    ] = None,
) -> Request:
    """Return the console log from an offset: `text`, `next_start` for the next call, `more` while the build runs."""
    return get(below(job_path, f"/{build_number}/logText/progressiveText"), start=start or 0)


@CONNECTOR.tool(projects=False)
def get_build_artifact(
    job_path: JobPath,
    build_number: AnyBuild,
    artifact_path: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=4096,
            description="`relativePath` of the artifact, from get_build's artifacts.",
            examples=["target/app.jar"],
        ),
    ],
) -> Request:
    """Return one file that a build archived, as it is."""
    rest = url("/{+artifact_path}", artifact_path=artifact_path)
    return get(below(job_path, f"/{build_number}/artifact{rest}"))


@CONNECTOR.tool()
def get_test_report(job_path: JobPath, build_number: AnyBuild, tree: Tree = None) -> Request:
    """Return a build's test results: counts, suites, cases with their errors; 404 if it published none.

    For the failures alone: tree `failCount,suites[cases[className,name,status,errorDetails]]`.
    """
    return get(below(job_path, f"/{build_number}/testReport/api/json"), tree=tree)


@CONNECTOR.tool()
def list_pipeline_stages(job_path: JobPath, build_number: AnyBuild) -> Request:
    """Return a Pipeline build's stages: name, status, duration; shows which stage failed.

    Needs the plugin Pipeline: REST API (404 without); not for freestyle jobs.
    """
    return get(below(job_path, f"/{build_number}/wfapi/describe"))
