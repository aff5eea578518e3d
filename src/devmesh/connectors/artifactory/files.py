"""The files themselves: download, deploy, delete."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import FilePath, ItemPath, Properties, RepoKey, file, item, matrix
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get

_HEADERS = {32: "x-checksum-md5", 40: "x-checksum-sha1", 64: "x-checksum-sha256"}
_CHECKSUM = Annotated[
    str,
    Meta(
        pattern="^([0-9a-fA-F]{32}|[0-9a-fA-F]{40}|[0-9a-fA-F]{64})$",
        examples=["2ef7bde608ce5404e97d5f042f95f89f1c232871"],
    ),
]
_SHA = Annotated[
    str,
    Meta(
        pattern="^([0-9a-fA-F]{40}|[0-9a-fA-F]{64})$",
        description="SHA-256 or SHA-1 of the content that Artifactory has already.",
        examples=["2ef7bde608ce5404e97d5f042f95f89f1c232871"],
    ),
]
NewProperties = Annotated[
    Properties | None, Meta(description="Properties to give the file, as set_item_properties does.")
]


@CONNECTOR.tool(projects=False)
def download_artifact(repo_key: RepoKey, path: FilePath) -> Request:
    """Return a file as it is: text as text; get_folder_info tells its size and type first."""
    return get(file(repo_key, path))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def deploy_artifact(
    repo_key: RepoKey,
    path: FilePath,
    content: Annotated[str, Meta(description="The file's whole content, in the encoding that `encoding` says.")],
    encoding: Annotated[
        Literal["utf-8", "base64"], Meta(description="utf-8: `content` is the text itself. base64: for binary files.")
    ] = "utf-8",
    properties: NewProperties = None,
    checksum: Annotated[
        _CHECKSUM | None,
        Meta(description="SHA-256, SHA-1 or MD5 of the file: one that does not fit is refused with 409."),
    ] = None,
) -> Request:
    """Upload a file, over the one that is there if that may be overwritten, and return its checksums and address."""
    headers = {"content-type": "application/octet-stream", **_checked(checksum)}
    path = file(repo_key, path) + matrix(properties)
    return Request(method="PUT", path=path, content=_bytes(content, encoding), headers=headers)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def deploy_by_checksum(
    repo_key: RepoKey,
    path: FilePath,
    checksum: _SHA,
    properties: NewProperties = None,
) -> Request:
    """Put a file where Artifactory has its content already, without sending that; 404 if it has not."""
    headers = {"x-checksum-deploy": "true", **_checked(checksum)}
    return Request(method="PUT", path=file(repo_key, path) + matrix(properties), headers=headers)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_artifact(repo_key: RepoKey, path: ItemPath) -> Request:
    """Remove a file, or a folder with everything in it; the whole repository is refused. Returns nothing."""
    if not path.strip("/"):
        raise Invalid([Fault("path", "must not be the whole repository: delete its folders, or use delete_repository")])
    return Request(method="DELETE", path=item(repo_key, path, "/artifactory"))


def _checked(checksum: str | None) -> dict[str, str]:
    if checksum is None:
        return {}
    digest = checksum.strip().lower()
    return {_HEADERS[len(digest)]: digest}


def _bytes(content: str, encoding: str) -> bytes:
    try:
        return content.encode() if encoding == "utf-8" else base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid([Fault("content", f"is no {encoding}; for text leave `encoding` at utf-8")]) from None
