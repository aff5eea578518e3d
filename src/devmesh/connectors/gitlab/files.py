"""Files and trees, and the commits that change one file."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.gitlab.arguments import READS, READS_FILES, WRITES, Markdown, ProjectId, Sha, Text
from devmesh.connectors.gitlab.declaration import CONNECTOR
from devmesh.connectors.gitlab.paging import KEYSET
from devmesh.upstream.model import Request, get, given, send, url

# Encoded whole, its slashes too.
_FILE = "/api/v4/projects/{id}/repository/files/{file_path}"

FilePath = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=4096,
        description="Path of the file from the repository's root (src/main.py), as it is.",
        examples=["README.md"],
    ),
]
Branch = Annotated[Text, Meta(description="Branch to commit to.")]
Content = Annotated[str, Meta(description="The file's whole new content, in the encoding that `encoding` says.")]
Message = Annotated[Markdown, Meta(min_length=1, description="The commit message.")]
Encoding = Annotated[
    Literal["text", "base64"] | None,
    Meta(description="How `content` is given; base64 for binary files; omitted: text."),
]
LastCommit = Annotated[
    Sha | None, Meta(description="Only if this is still the file's last commit (get_file: last_commit_id). Give it.")
]


@CONNECTOR.tool(needs=READS_FILES)
def get_file(
    id: ProjectId,  # noqa: A002
    file_path: FilePath,
    ref: Annotated[Text, Meta(description="Branch, tag or commit; HEAD is the default branch.")],
) -> Request:
    """Return a file: `content` in base64, size, blob_id, last_commit_id. For directories use list_repository_tree."""
    return get(url(_FILE, id=id, file_path=file_path), ref=ref)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_file(
    id: ProjectId,  # noqa: A002
    file_path: FilePath,
    branch: Branch,
    content: Content,
    commit_message: Message,
    encoding: Encoding = None,
    start_branch: Annotated[Text | None, Meta(description="Branch that a new `branch` starts at.")] = None,
) -> Request:
    """Add one new file in one commit and return its path and branch; a path that exists is refused with 400.

    For several files at once use create_commit.
    """
    file = given(
        branch=branch, content=content, commit_message=commit_message, encoding=encoding, start_branch=start_branch
    )
    return send("POST", url(_FILE, id=id, file_path=file_path), file)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def update_file(
    id: ProjectId,  # noqa: A002
    file_path: FilePath,
    branch: Branch,
    content: Content,
    commit_message: Message,
    last_commit_id: LastCommit = None,
    encoding: Encoding = None,
) -> Request:
    """Replace one file's whole content in one commit and return its path and branch; a stale commit id is 400."""
    file = given(
        branch=branch, content=content, commit_message=commit_message, last_commit_id=last_commit_id, encoding=encoding
    )
    return send("PUT", url(_FILE, id=id, file_path=file_path), file)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_file(
    id: ProjectId,  # noqa: A002
    file_path: FilePath,
    branch: Branch,
    commit_message: Message,
    last_commit_id: Annotated[
        Sha | None, Meta(description="The file's last commit; GitLab may not check it: create_commit's delete does.")
    ] = None,
) -> Request:
    """Delete one file in one commit; returns nothing."""
    removal = given(branch=branch, commit_message=commit_message, last_commit_id=last_commit_id)
    return send("DELETE", url(_FILE, id=id, file_path=file_path), removal)


@CONNECTOR.tool(items="", paging=KEYSET, needs=READS)
def list_repository_tree(
    id: ProjectId,  # noqa: A002
    path: Annotated[Text | None, Meta(description="Directory to list; omitted: the repository's root.")] = None,
    ref: Annotated[Text | None, Meta(description="Branch, tag or commit; omitted: the default branch.")] = None,
    recursive: Annotated[bool | None, Meta(description="True: everything below, not only the first level.")] = None,
) -> Request:
    """Return a directory's files (`blob`) and directories (`tree`): name, path, mode, id."""
    return get(url("/api/v4/projects/{id}/repository/tree", id=id), path=path, ref=ref, recursive=recursive)
