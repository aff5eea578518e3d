"""Files and folders as Artifactory describes them: listings, properties, downloads' counts, copies and moves."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import (
    Dry,
    ItemPath,
    Properties,
    PropertyName,
    Recursive,
    RepoKey,
    SuppressLayouts,
    flag,
    item,
    joined,
    listed,
)
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, send

_STORAGE = "/artifactory/api/storage"

SourceRepo = Annotated[RepoKey, Meta(description="Key of the repository where it is.")]
SourcePath = Annotated[
    str, Meta(min_length=1, max_length=4096, description="Path of the file or folder there; `/` is the root.")
]
Target = Annotated[
    str,
    Meta(
        pattern="^/[A-Za-z0-9_][A-Za-z0-9_.-]*(/.*)?$",
        max_length=4096,
        description="Where to, the repository first: /libs-release-local/com/acme/app.jar.",
        examples=["/libs-release-local/com/acme/app.jar"],
    ),
]


@CONNECTOR.tool()
def get_folder_info(repo_key: RepoKey, path: ItemPath) -> Request:
    """Return what a folder holds (one level), or a file's size, checksums, type, and who made it when."""
    return get(item(repo_key, path, _STORAGE))


@CONNECTOR.tool()
def list_files(
    repo_key: RepoKey,
    path: ItemPath,
    deep: Annotated[bool | None, Meta(description="True: everything below, not only the first level.")] = None,
    depth: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None, Meta(description="With `deep`: no more levels than this.")
    ] = None,
    list_folders: Annotated[bool | None, Meta(description="True: folders too.")] = None,
) -> Request:
    """Return the files below a folder in one list: path, size, checksum, time. Narrow it where there are many.

    search_aql pages, and finds by more than the place.
    """
    return get(item(repo_key, path, _STORAGE), list="", deep=flag(deep), depth=depth, listFolders=flag(list_folders))


@CONNECTOR.tool()
def get_item_properties(
    repo_key: RepoKey,
    path: ItemPath,
    properties: Annotated[list[PropertyName] | None, Meta(description="Only these; omitted: all.")] = None,
) -> Request:
    """Return the properties of a file or folder with their values; 404 if it has none."""
    return get(item(repo_key, path, _STORAGE), properties=joined(properties) or "")


@CONNECTOR.tool(writes=True, idempotent=True)
def set_item_properties(
    repo_key: RepoKey, path: ItemPath, properties: Properties, recursive: Recursive = None
) -> Request:
    """Give a file or folder properties, in place of values that these have; others stay. Returns nothing."""
    query = {"properties": listed(properties), "recursive": flag(recursive)}
    return send("PUT", item(repo_key, path, _STORAGE), None, **query)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def delete_item_properties(
    repo_key: RepoKey,
    path: ItemPath,
    properties: Annotated[list[PropertyName], Meta(min_length=1, description="Names of the properties to remove.")],
    recursive: Recursive = None,
) -> Request:
    """Take properties off a file or folder; returns nothing."""
    query = {"properties": joined(properties), "recursive": flag(recursive)}
    return send("DELETE", item(repo_key, path, _STORAGE), None, **query)


@CONNECTOR.tool()
def get_item_stats(repo_key: RepoKey, path: ItemPath) -> Request:
    """Return how often a file was downloaded, when last and by whom."""
    return get(item(repo_key, path, _STORAGE), stats="")


@CONNECTOR.tool()
def get_latest_modified(repo_key: RepoKey, path: ItemPath) -> Request:
    """Return the item below a folder that changed last, and when."""
    return get(item(repo_key, path, _STORAGE), lastModified="")


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def copy_item(
    src_repo_key: SourceRepo,
    src_path: SourcePath,
    to: Target,
    dry: Dry = None,
    suppress_layouts: SuppressLayouts = None,
) -> Request:
    """Copy a file or folder to another place, over what is there, and return messages of what was done."""
    path = item(src_repo_key, src_path, "/artifactory/api/copy", "src_path", "src_repo_key")
    return send("POST", path, None, to=to, dry=flag(dry), suppressLayouts=flag(suppress_layouts))


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def move_item(
    src_repo_key: SourceRepo,
    src_path: SourcePath,
    to: Target,
    dry: Dry = None,
    suppress_layouts: SuppressLayouts = None,
) -> Request:
    """Move a file or folder to another place, over what is there, and return messages of what was done."""
    path = item(src_repo_key, src_path, "/artifactory/api/move", "src_path", "src_repo_key")
    return send("POST", path, None, to=to, dry=flag(dry), suppressLayouts=flag(suppress_layouts))
