"""Security hotspots: code that somebody has to look at."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import Branch, HotspotKey, Key, Members, PullRequest, joined, post
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get

Status = Literal["TO_REVIEW", "REVIEWED"]
Resolution = Literal["FIXED", "SAFE", "ACKNOWLEDGED"]


@CONNECTOR.tool(items="hotspots")
def search_hotspots(
    project: Annotated[Key | None, Meta(description="Key of the project (since 10.2).")] = None,
    project_key: Annotated[
        Key | None, Meta(description="The same for SonarQube Cloud and for servers before 10.2.")
    ] = None,
    hotspots: Annotated[Members | None, Meta(description="Only these, by their keys; goes without a project.")] = None,
    status: Annotated[Status | None, Meta(description="Only in this status.")] = None,
    resolution: Annotated[
        Resolution | None, Meta(description="Only with this resolution; goes with the status REVIEWED.")
    ] = None,
    branch: Branch = None,
    pull_request: PullRequest = None,
    files: Annotated[Members | None, Meta(description="Only in these files, by their paths.")] = None,
    only_mine: Annotated[bool | None, Meta(description="True: only those assigned to the token's owner.")] = None,
    in_new_code_period: Annotated[bool | None, Meta(description="True: only in new code.")] = None,
) -> Request:
    """Return security hotspots: key, file, line, message, category, probability, status.

    SonarQube takes exactly one of project, project_key and hotspots.
    """
    return get(
        "/api/hotspots/search",
        project=project,
        projectKey=project_key,
        hotspots=joined(hotspots),
        status=status,
        resolution=resolution,
        branch=branch,
        pullRequest=pull_request,
        files=joined(files),
        onlyMine=only_mine,
        inNewCodePeriod=in_new_code_period,
    )


@CONNECTOR.tool()
def get_hotspot(hotspot: HotspotKey) -> Request:
    """Return one hotspot with its rule's explanation of the risk, its comments, and whether the token may change it."""
    return get("/api/hotspots/show", hotspot=hotspot)


@CONNECTOR.tool(writes=True)
def change_hotspot_status(
    hotspot: HotspotKey,
    status: Annotated[Status, Meta(description="The new status.")],
    resolution: Annotated[
        Resolution | None, Meta(description="What the review found: needed for REVIEWED, otherwise not given.")
    ] = None,
    comment: Annotated[
        Annotated[str, Meta(min_length=1, max_length=4000)] | None, Meta(description="Why, for whoever reads it later.")
    ] = None,
) -> Request:
    """Record the review of a hotspot, or ask for a new one; returns nothing."""
    if (resolution is not None) != (status == "REVIEWED"):
        raise Invalid([Fault("resolution", "goes with the status REVIEWED, and is needed for it")])
    return post("/api/hotspots/change_status", hotspot=hotspot, status=status, resolution=resolution, comment=comment)
