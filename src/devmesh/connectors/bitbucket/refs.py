"""Branches and tags."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import Markdown, Query, RepoSlug, Sort, Text, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_CODE, WRITES_CODE
from devmesh.upstream.model import Request, get, given, send, url

_REFS = "/2.0/repositories/{workspace}/{repo_slug}/refs"

Target = Annotated[Text, Meta(description="Hash of the commit, or the name of a branch for its present one.")]


@CONNECTOR.tool(items="values", needs=READS_CODE)
def list_branches(workspace: Workspace, repo_slug: RepoSlug, q: Query = None, sort: Sort = None) -> Request:
    """Return a repository's branches: name, head commit (`target`), ways to merge into it."""
    return get(url(f"{_REFS}/branches", workspace=workspace, repo_slug=repo_slug), q=q, sort=sort)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_CODE)
def create_branch(
    workspace: Workspace,
    repo_slug: RepoSlug,
    name: Annotated[Text, Meta(description="Name of the new branch, such as feature/login.")],
    target: Target,
) -> Request:
    """Create a branch and return it; a name that exists is refused with 400."""
    branch = {"name": name, "target": {"hash": target}}
    return send("POST", url(f"{_REFS}/branches", workspace=workspace, repo_slug=repo_slug), branch)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES_CODE)
def delete_branch(
    workspace: Workspace,
    repo_slug: RepoSlug,
    name: Annotated[Text, Meta(description="Name of the branch.", examples=["feature-login"])],
) -> Request:
    """Delete a branch; its commits stay only where another branch or tag has them. Returns nothing."""
    route = url(f"{_REFS}/branches/{{name}}", workspace=workspace, repo_slug=repo_slug, name=name)
    return send("DELETE", route)


@CONNECTOR.tool(items="values", needs=READS_CODE)
def list_tags(workspace: Workspace, repo_slug: RepoSlug, q: Query = None, sort: Sort = None) -> Request:
    """Return a repository's tags: name, commit (`target`), message, date."""
    return get(url(f"{_REFS}/tags", workspace=workspace, repo_slug=repo_slug), q=q, sort=sort)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES_CODE)
def create_tag(
    workspace: Workspace,
    repo_slug: RepoSlug,
    name: Annotated[Text, Meta(description="Name of the tag.")],
    target: Target,
    message: Annotated[
        Markdown | None, Meta(description="The annotated tag's message; omitted: Bitbucket's own.")
    ] = None,
) -> Request:
    """Create a tag and return it; a name that exists is refused with 400. It may start a tag pipeline."""
    tag = given(name=name, target={"hash": target}, message=message)
    return send("POST", url(f"{_REFS}/tags", workspace=workspace, repo_slug=repo_slug), tag)
