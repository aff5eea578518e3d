"""Commits and what they change."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import RepoSlug, Text, Texts, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_CODE
from devmesh.upstream.model import Request, get, url

_REPOSITORY = "/2.0/repositories/{workspace}/{repo_slug}"

Spec = Annotated[
    Text,
    Meta(
        description="One commit (against its parent), or A..B: what A has and B has not. Branches and tags will do.",
        examples=["feature-login..main"],
    ),
]
Paths = Annotated[Texts | None, Meta(description="Only these files.")]


@CONNECTOR.tool(items="values", needs=READS_CODE)
def list_commits(
    workspace: Workspace,
    repo_slug: RepoSlug,
    include: Annotated[
        Texts | None, Meta(description="Only commits that these branches, tags or commits have.")
    ] = None,
    exclude: Annotated[Texts | None, Meta(description="Without the commits that these have.")] = None,
    path: Annotated[Text | None, Meta(description="Only commits that touch this file or directory.")] = None,
) -> Request:
    """Return commits, newest first: hash, message, author, date; of all branches unless `include` names some."""
    route = url(f"{_REPOSITORY}/commits", workspace=workspace, repo_slug=repo_slug)
    return get(route, include=include, exclude=exclude, path=path)


@CONNECTOR.tool(needs=READS_CODE)
def get_commit(
    workspace: Workspace,
    repo_slug: RepoSlug,
    commit: Annotated[Text, Meta(description="Hash of the commit.", examples=["f7591a13"])],
) -> Request:
    """Return one commit: message, author, date, parents; its changes come from get_diff or get_diffstat."""
    return get(url(f"{_REPOSITORY}/commit/{{commit}}", workspace=workspace, repo_slug=repo_slug, commit=commit))


@CONNECTOR.tool(projects=False, needs=READS_CODE)
def get_diff(
    workspace: Workspace,
    repo_slug: RepoSlug,
    spec: Spec,
    path: Paths = None,
    context: Annotated[
        Annotated[int, Meta(ge=0, le=1000)] | None, Meta(description="Lines around each change; omitted: 3.")
    ] = None,
) -> Request:
    """Return the changes of a commit or range as a git diff (text); get_diffstat tells first how much that is."""
    route = url(f"{_REPOSITORY}/diff/{{spec}}", workspace=workspace, repo_slug=repo_slug, spec=spec)
    return get(route, path=path, context=context)


@CONNECTOR.tool(items="values", needs=READS_CODE)
def get_diffstat(workspace: Workspace, repo_slug: RepoSlug, spec: Spec, path: Paths = None) -> Request:
    """Return the files that a commit or range changes: status, old and new path, lines added and removed."""
    route = url(f"{_REPOSITORY}/diffstat/{{spec}}", workspace=workspace, repo_slug=repo_slug, spec=spec)
    return get(route, path=path)
