"""Repositories, their branch rules and webhooks, and the search of their code."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import Markdown, Query, RepoSlug, Sort, Text, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import ADMINISTERS, DELETES, READS_CODE, READS_WEBHOOKS, WRITES_CODE
from devmesh.upstream.model import Request, get, given, send, url

_REPOSITORY = "/2.0/repositories/{workspace}/{repo_slug}"

Description = Annotated[Markdown | None, Meta(description="Short description.")]


@CONNECTOR.tool(items="values", needs=READS_CODE)
def list_repositories(
    workspace: Workspace,
    role: Annotated[
        Literal["member", "contributor", "admin", "owner"] | None,
        Meta(description="Only those that the person reads (member), writes to, administers or owns."),
    ] = None,
    q: Query = None,
    sort: Sort = None,
) -> Request:
    """Return a workspace's repositories that the credential sees: slug, full_name, project, main branch."""
    return get(url("/2.0/repositories/{workspace}", workspace=workspace), role=role, q=q, sort=sort)


@CONNECTOR.tool(needs=READS_CODE)
def get_repository(workspace: Workspace, repo_slug: RepoSlug) -> Request:
    """Return a repository: description, main branch, project, language, size, whether it is private."""
    return get(url(_REPOSITORY, workspace=workspace, repo_slug=repo_slug))


@CONNECTOR.tool(writes=True, idempotent=True, needs=ADMINISTERS)
def create_repository(
    workspace: Workspace,
    repo_slug: RepoSlug,
    scm: Annotated[Literal["git"] | None, Meta(description="Kind of repository; git is the only one.")] = None,
    is_private: Annotated[bool | None, Meta(description="True makes it private, false public.")] = None,
    description: Description = None,
    project: Annotated[
        Text | None, Meta(description="Key of the project to put it in (list_projects); omitted: the oldest one.")
    ] = None,
) -> Request:
    """Create a repository and return it; a slug that the workspace has already is refused with 400."""
    repository = given(
        scm=scm,
        is_private=is_private,
        description=description,
        project=None if project is None else {"key": project},
    )
    return send("POST", url(_REPOSITORY, workspace=workspace, repo_slug=repo_slug), repository or None)


# Once it is renamed, the same call would make another one in its former place.
@CONNECTOR.tool(writes=True, needs=ADMINISTERS)
def update_repository(
    workspace: Workspace,
    repo_slug: RepoSlug,
    name: Annotated[
        Text | None, Meta(description="The new name; the slug, and with it the address, follow it.")
    ] = None,
    description: Description = None,
    is_private: Annotated[bool | None, Meta(description="True makes it private, false public.")] = None,
) -> Request:
    """Change a repository's settings and return it; what is left out stays. One that is not there is created."""
    change = given(name=name, description=description, is_private=is_private)
    return send("PUT", url(_REPOSITORY, workspace=workspace, repo_slug=repo_slug), change)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=DELETES)
def delete_repository(workspace: Workspace, repo_slug: RepoSlug) -> Request:
    """Delete a repository with its pull requests and pipelines, for good; forks stay. Returns nothing.

    Only on the person's explicit word.
    """
    return send("DELETE", url(_REPOSITORY, workspace=workspace, repo_slug=repo_slug))


@CONNECTOR.tool(writes=True, needs=WRITES_CODE)
def fork_repository(
    workspace: Workspace,
    repo_slug: RepoSlug,
    name: Annotated[Text | None, Meta(description="Name of the fork; omitted: the same name.")] = None,
    workspace_target: Annotated[
        Text | None, Meta(description="Slug of the workspace to fork into; into the same one only with a new `name`.")
    ] = None,
) -> Request:
    """Fork a repository and return the fork; a name that the target has already is refused with 400."""
    fork = given(name=name, workspace=None if workspace_target is None else {"slug": workspace_target})
    return send("POST", url(f"{_REPOSITORY}/forks", workspace=workspace, repo_slug=repo_slug), fork)


@CONNECTOR.tool(items="values", needs=ADMINISTERS)
def list_branch_restrictions(
    workspace: Workspace,
    repo_slug: RepoSlug,
    kind: Annotated[
        Text | None, Meta(description="Only rules of this kind, such as push or require_approvals_to_merge.")
    ] = None,
    pattern: Annotated[Text | None, Meta(description="Only rules for this branch name or pattern.")] = None,
) -> Request:
    """Return a repository's branch rules: kind, branches, who is exempt; needs admin permission."""
    route = url(f"{_REPOSITORY}/branch-restrictions", workspace=workspace, repo_slug=repo_slug)
    return get(route, kind=kind, pattern=pattern)


@CONNECTOR.tool(items="values", needs=READS_WEBHOOKS)
def list_webhooks(workspace: Workspace, repo_slug: RepoSlug) -> Request:
    """Return a repository's webhooks: uuid, url, events, whether active; their secrets are never told."""
    return get(url(f"{_REPOSITORY}/hooks", workspace=workspace, repo_slug=repo_slug))


@CONNECTOR.tool(items="values", needs=READS_CODE)
def search_code(
    workspace: Workspace,
    search_query: Annotated[
        Text, Meta(description="Words and qualifiers, such as `parse_link repo:hello-world ext:py`.")
    ],
) -> Request:
    """Return pieces of files that match in a workspace's repositories, on main branches only."""
    return get(url("/2.0/workspaces/{workspace}/search/code", workspace=workspace), search_query=search_query)
