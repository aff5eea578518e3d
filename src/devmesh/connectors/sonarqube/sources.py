"""Source code as SonarQube keeps it."""

from __future__ import annotations

from devmesh.connectors.sonarqube.arguments import Branch, FileKey, FirstLine, LastLine, PullRequest
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool(projects=False)
def get_raw_source(key: FileKey, branch: Branch = None, pull_request: PullRequest = None) -> Request:
    """Return a file's text as it was analyzed; needs the permission See Source Code."""
    return get("/api/sources/raw", key=key, branch=branch, pullRequest=pull_request)


@CONNECTOR.tool()
def get_source_lines(key: FileKey, from_: FirstLine = None, to: LastLine = None) -> Request:
    """Return lines of a file as [number, text with HTML markup]; get_raw_source has the plain text."""
    return get("/api/sources/show", **{"from": from_}, key=key, to=to)


@CONNECTOR.tool()
def get_scm_info(key: FileKey, from_: FirstLine = None, to: LastLine = None) -> Request:
    """Return who changed which lines of a file: [line, author, date, commit], where a change begins."""
    return get("/api/sources/scm", **{"from": from_}, key=key, to=to)


@CONNECTOR.tool()
def get_duplications(key: FileKey, branch: Branch = None, pull_request: PullRequest = None) -> Request:
    """Return a file's duplicated blocks, each with the files and lines where it stands again."""
    return get("/api/duplications/show", key=key, branch=branch, pullRequest=pull_request)
