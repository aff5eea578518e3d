"""Repositories: find, read, create, change, fork, delete."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Org, Owner, Repo, Text, joined
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import DELETES_REPOSITORIES, WRITES
from devmesh.upstream.model import Request, get, given, send, url

Name = Annotated[
    str,
    Meta(description="Name of the repository.", pattern="^[A-Za-z0-9._-]+$", max_length=100, examples=["hello-world"]),
]
Description = Annotated[
    Annotated[str, Meta(max_length=350)] | None, Meta(description="What the repository is for, in a line.")
]
Private = Annotated[bool | None, Meta(description="True: only people with access see it. GitHub's default: false.")]
AutoInit = Annotated[bool | None, Meta(description="True: start with a first commit that holds a README.")]
Sort = Annotated[
    Literal["created", "updated", "pushed", "full_name"] | None, Meta(description="What to sort the repositories by.")
]


@CONNECTOR.tool()
def get_repository(owner: Owner, repo: Repo) -> Request:
    """Return a repository: description, default branch, visibility, language, counts, the caller's permissions."""
    return get(url("/repos/{owner}/{repo}", owner=owner, repo=repo))


@CONNECTOR.tool(items="")
def list_my_repositories(
    visibility: Annotated[
        Literal["all", "public", "private"] | None, Meta(description="Only repositories of this visibility.")
    ] = None,
    affiliation: Annotated[
        Annotated[list[Literal["owner", "collaborator", "organization_member"]], Meta(min_length=1)] | None,
        Meta(description="Only repositories that the person has these ties to; omitted: any."),
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return the repositories that the token's owner can reach: own, shared and of organizations."""
    return get("/user/repos", visibility=visibility, affiliation=joined(affiliation), sort=sort)


@CONNECTOR.tool(items="")
def list_org_repositories(
    org: Org,
    type: Annotated[  # noqa: A002
        Literal["all", "public", "private", "forks", "sources", "member"] | None,
        Meta(description="Only repositories of this kind."),
    ] = None,
    sort: Sort = None,
) -> Request:
    """Return an organization's repositories, as far as the token sees them."""
    return get(url("/orgs/{org}/repos", org=org), type=type, sort=sort)


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_repository(
    name: Name, description: Description = None, private: Private = None, auto_init: AutoInit = None
) -> Request:
    """Create a repository owned by the token's owner and return it.

    For one owned by an organization use create_org_repository. It is public unless `private` is true.
    """
    body = given(name=name, description=description, private=private, auto_init=auto_init)
    return send("POST", "/user/repos", body)


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_org_repository(
    org: Org,
    name: Name,
    description: Description = None,
    private: Private = None,
    visibility: Annotated[
        Literal["public", "private"] | None, Meta(description="Visibility; comes before `private`.")
    ] = None,
    auto_init: AutoInit = None,
) -> Request:
    """Create a repository owned by an organization and return it; it is public unless told otherwise."""
    body = given(name=name, description=description, private=private, visibility=visibility, auto_init=auto_init)
    return send("POST", url("/orgs/{org}/repos", org=org), body)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_repository(
    owner: Owner,
    repo: Repo,
    name: Annotated[
        Annotated[str, Meta(pattern="^[A-Za-z0-9._-]+$", max_length=100)] | None,
        Meta(description="The repository's new name.", examples=["hello-world"]),
    ] = None,
    description: Description = None,
    private: Annotated[bool | None, Meta(description="True makes it private, false makes it public.")] = None,
    default_branch: Annotated[Text | None, Meta(description="The new default branch; it must exist.")] = None,
    archived: Annotated[bool | None, Meta(description="True makes it read-only, false opens it again.")] = None,
) -> Request:
    """Change a repository's settings and return it; what is left out stays as it is."""
    body = given(name=name, description=description, private=private, default_branch=default_branch, archived=archived)
    return send("PATCH", url("/repos/{owner}/{repo}", owner=owner, repo=repo), body)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=DELETES_REPOSITORIES)
def delete_repository(owner: Owner, repo: Repo) -> Request:
    """Delete a repository with its issues, pull requests and releases, for good. Returns nothing.

    Only on the person's explicit word; update_repository with `archived` is the reversible way.
    """
    return send("DELETE", url("/repos/{owner}/{repo}", owner=owner, repo=repo))


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def fork_repository(
    owner: Owner,
    repo: Repo,
    organization: Annotated[
        Text | None, Meta(description="Organization to fork into; omitted: the token's owner.")
    ] = None,
    name: Annotated[Text | None, Meta(description="Name of the fork; omitted: the same name.")] = None,
    default_branch_only: Annotated[bool | None, Meta(description="True: only the default branch.")] = None,
) -> Request:
    """Fork a repository and return the fork, which GitHub fills in the background: it may be empty for a minute."""
    body = given(organization=organization, name=name, default_branch_only=default_branch_only)
    return send("POST", url("/repos/{owner}/{repo}/forks", owner=owner, repo=repo), body or None)
