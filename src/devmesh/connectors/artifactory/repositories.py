"""Repositories: list, read, make, change, remove."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import Project, RepoKey, Text
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_REPOSITORY = "/artifactory/api/repositories/{repo_key}"

Kind = Literal["local", "remote", "virtual", "federated"]
PackageType = Annotated[
    str,
    Meta(
        min_length=1, max_length=50, pattern="^[A-Za-z][A-Za-z0-9_-]*$", examples=["maven", "docker", "npm", "generic"]
    ),
]
Description = Annotated[Text | None, Meta(description="What the repository is for.")]


@CONNECTOR.tool()
def list_repositories(
    type: Annotated[  # noqa: A002
        Kind | None,
        Meta(description="Only of this kind: local keeps files, remote caches another server's, virtual joins others."),
    ] = None,
    package_type: Annotated[PackageType | None, Meta(description="Only of this package type.")] = None,
    project: Annotated[Text | None, Meta(description="Only of the project with this key.")] = None,
) -> Request:
    """Return the repositories that the credential may see: key, kind, package type, address, description."""
    return get("/artifactory/api/repositories", type=type, packageType=package_type, project=project)


@CONNECTOR.tool()
def get_repository(repo_key: RepoKey) -> Request:
    """Return a repository's configuration; all of it only for administrators."""
    return get(url(_REPOSITORY, repo_key=repo_key))


@CONNECTOR.tool(writes=True)
def create_repository(
    repo_key: Annotated[
        str,
        Meta(
            pattern="^[A-Za-z0-9][A-Za-z0-9_.-]*$",
            max_length=64,
            description="Key of the new repository.",
            examples=["libs-release-local"],
        ),
    ],
    rclass: Annotated[
        Kind, Meta(description="local keeps files, remote caches another server's, virtual joins others under one key.")
    ],
    package_type: Annotated[PackageType, Meta(description="maven, npm, docker, pypi, generic and so on.")],
    description: Description = None,
    url_: Annotated[
        Annotated[str, Meta(pattern="^https?://", max_length=2000, examples=["https://repo1.maven.org/maven2"])] | None,
        Meta(
            description="For remote: address of the server whose files are cached.",
            examples=["https://repo1.maven.org/maven2"],
        ),
    ] = None,
    repositories: Annotated[
        list[RepoKey] | None, Meta(description="For virtual: the repositories to join, by their keys, in this order.")
    ] = None,
    project: Project = None,
) -> Request:
    """Create a repository and return nothing but a message; needs an administrator and Artifactory Pro."""
    if rclass == "remote" and url_ is None:
        raise Invalid([Fault("url", "is needed for a remote repository")])
    body = given(
        key=repo_key,
        rclass=rclass,
        packageType=package_type,
        description=description,
        url=url_,
        repositories=repositories,
        projectKey=project,
    )
    return send("PUT", url(_REPOSITORY, repo_key=repo_key), body)


@CONNECTOR.tool(writes=True, idempotent=True)
def update_repository(
    repo_key: RepoKey,
    description: Description = None,
    includes_pattern: Annotated[
        Text | None, Meta(description="Only paths like these: com/acme/**,org/acme/**.")
    ] = None,
    excludes_pattern: Annotated[Text | None, Meta(description="No paths like these.")] = None,
) -> Request:
    """Change a repository's configuration where an argument is given, and return nothing but a message."""
    body = given(description=description, includesPattern=includes_pattern, excludesPattern=excludes_pattern)
    if not body:
        raise Invalid([Fault("", "give what is to be changed")])
    return send("POST", url(_REPOSITORY, repo_key=repo_key), body)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_repository(repo_key: RepoKey) -> Request:
    """Remove a repository with everything in it, for good; returns nothing but a message."""
    return send("DELETE", url(_REPOSITORY, repo_key=repo_key))
