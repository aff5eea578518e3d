"""Files and trees, and the commits that change one file."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Markdown, Owner, Repo, Sha, Text
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, send, url

_FILE = "/repos/{owner}/{repo}/contents/{+path}"

FilePath = Annotated[
    str, Meta(min_length=1, max_length=4096, description="Path of the file from the repository's root.")
]
Message = Annotated[Markdown, Meta(min_length=1, description="The commit message.")]
Branch = Annotated[Text | None, Meta(description="Branch to commit to; omitted: the default branch.")]


@CONNECTOR.tool()
def get_file_contents(
    owner: Owner,
    repo: Repo,
    path: Annotated[
        str,
        Meta(max_length=4096, description="Path of the file or directory from the repository's root; `/` is the root."),
    ],
    ref: Annotated[Text | None, Meta(description="Branch, tag or commit; omitted: the default branch.")] = None,
    raw: Annotated[
        bool, Meta(description="True: the file's bare text. False: base64 with its sha, which changing it takes.")
    ] = False,
) -> Request:
    """Return a file (base64 `content` and `sha`, or with `raw` its text), or a directory's entries."""
    inside = path.strip("/")
    route = (
        url(_FILE, owner=owner, repo=repo, path=inside)
        if inside
        else url("/repos/{owner}/{repo}/contents/", owner=owner, repo=repo)
    )
    headers = {"accept": "application/vnd.github.raw+json"} if raw else {}
    return Request(method="GET", path=route, query=given(ref=ref), headers=headers)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_or_update_file(
    owner: Owner,
    repo: Repo,
    path: FilePath,
    message: Message,
    content: Annotated[str, Meta(description="The file's whole new content, in the encoding that `encoding` says.")],
    encoding: Annotated[
        Literal["utf-8", "base64"], Meta(description="utf-8: `content` is the text itself. base64: for binary files.")
    ] = "utf-8",
    sha: Annotated[
        Sha | None, Meta(description="To change a file: the sha it has now (get_file_contents). Omitted: a new file.")
    ] = None,
    branch: Branch = None,
) -> Request:
    """Create or replace one file in one commit and return the commit and the file's new sha.

    A stale `sha` is refused with 409 and changes nothing.
    """
    body = given(message=message, content=_base64(content, encoding), sha=sha, branch=branch)
    return send("PUT", url(_FILE, owner=owner, repo=repo, path=path.strip("/")), body)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_file(
    owner: Owner,
    repo: Repo,
    path: FilePath,
    message: Message,
    sha: Annotated[Sha, Meta(description="The sha that the file has now, from get_file_contents.")],
    branch: Branch = None,
) -> Request:
    """Delete one file in one commit and return the commit; a stale `sha` is refused with 409."""
    body = given(message=message, sha=sha, branch=branch)
    return send("DELETE", url(_FILE, owner=owner, repo=repo, path=path.strip("/")), body)


@CONNECTOR.tool()
def get_repository_tree(
    owner: Owner,
    repo: Repo,
    tree_sha: Annotated[Text, Meta(description="Sha of a tree or commit, or a branch or tag name.")],
    recursive: Annotated[bool, Meta(description="True: everything below, not only the first level.")] = False,
) -> Request:
    """Return a git tree's entries (path, type, sha, size); `truncated` says whether GitHub left some out."""
    route = url("/repos/{owner}/{repo}/git/trees/{+tree_sha}", owner=owner, repo=repo, tree_sha=tree_sha)
    # Any value at all means recursive to GitHub, `false` too.
    return get(route, recursive="1" if recursive else None)


def _base64(content: str, encoding: str) -> str:
    """Return the content in base64, the only form in which GitHub takes it."""
    if encoding == "utf-8":
        return base64.b64encode(content.encode()).decode()
    try:
        base64.b64decode("".join(content.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid([Fault("content", "is no base64; for text leave `encoding` at utf-8")]) from None
    return content
