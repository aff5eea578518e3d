"""Docker images in Artifactory's registries."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import RepoKey
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.connectors.artifactory.paging import RegistryPaging
from devmesh.upstream.model import Request, get, given, send, url

_IMAGE = r"^[a-z0-9]+([._/-]+[a-z0-9]+)*$"
_PAGING = RegistryPaging()

DockerRepo = Annotated[RepoKey, Meta(description="Key of the Docker repository, from list_repositories.")]
Image = Annotated[
    str,
    Meta(
        pattern=_IMAGE,
        max_length=255,
        description="Name of the image, from list_docker_repositories.",
        examples=["team/app"],
    ),
]
_Tag = Annotated[str, Meta(pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", examples=["1.2.3"])]


@CONNECTOR.tool(items="repositories", paging=_PAGING)
def list_docker_repositories(repo_key: DockerRepo) -> Request:
    """Return the names of the images in a Docker repository."""
    return get(url("/artifactory/api/docker/{repo_key}/v2/_catalog", repo_key=repo_key))


@CONNECTOR.tool(items="tags", paging=_PAGING)
def list_docker_tags(repo_key: DockerRepo, image: Image) -> Request:
    """Return the tags of an image, by name; get_folder_info of IMAGE/TAG tells when one was made."""
    return get(url("/artifactory/api/docker/{repo_key}/v2/{+image}/tags/list", repo_key=repo_key, image=image))


@CONNECTOR.tool(writes=True)
def promote_docker_image(
    repo_key: DockerRepo,
    target_repo: Annotated[RepoKey, Meta(description="Key of the Docker repository to put it into.")],
    docker_repository: Image,
    tag: Annotated[_Tag | None, Meta(description="Only this tag; omitted: all.", examples=["1.2.3"])] = None,
    target_tag: Annotated[_Tag | None, Meta(description="Its tag there; omitted: the same.")] = None,
    target_docker_repository: Annotated[Image | None, Meta(description="Its name there; omitted: the same.")] = None,
    copy: Annotated[bool | None, Meta(description="True: copy it; omitted: move it.")] = None,
) -> Request:
    """Move (or copy) an image to another repository, and return a message."""
    body = given(
        targetRepo=target_repo,
        dockerRepository=docker_repository,
        targetDockerRepository=target_docker_repository,
        tag=tag,
        targetTag=target_tag,
        copy=copy,
    )
    return send("POST", url("/artifactory/api/docker/{repo_key}/v2/promote", repo_key=repo_key), body)
