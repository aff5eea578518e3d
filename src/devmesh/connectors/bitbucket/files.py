"""Files and directories, and the commits that change them."""

from __future__ import annotations

from typing import Annotated, Literal
from urllib.parse import urlencode

from msgspec import Meta

from devmesh.connectors.bitbucket.arguments import Markdown, Query, RepoSlug, Text, Workspace
from devmesh.connectors.bitbucket.declaration import CONNECTOR
from devmesh.connectors.bitbucket.scopes import READS_CODE, WRITES_CODE
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get, given, url

_SOURCE = "/2.0/repositories/{workspace}/{repo_slug}/src"

Path = Annotated[str, Meta(min_length=1, max_length=4096)]


@CONNECTOR.tool(items="values", needs=READS_CODE)
def get_file_contents(
    workspace: Workspace,
    repo_slug: RepoSlug,
    commit: Annotated[Text, Meta(description="Hash of a commit, or the name of a branch or tag.", examples=["main"])],
    path: Annotated[
        str,
        Meta(
            max_length=4096,
            description="Path of the file or directory from the repository's root; `/` is the root.",
            examples=["README.md"],
        ),
    ],
    format: Annotated[  # noqa: A002
        Literal["meta", "rendered"] | None,
        Meta(description="meta: size, commit and attributes instead of the content; rendered: Markdown as HTML."),
    ] = None,
    q: Query = None,
) -> Request:
    """Return a file's bare content, or a directory's entries (path, type, size) as a list."""
    inside = path.strip("/")
    route = url(f"{_SOURCE}/{{commit}}/", workspace=workspace, repo_slug=repo_slug, commit=commit)
    if inside:
        route += url("{+path}", path=inside) + ("/" if path.endswith("/") else "")
    return get(route, format=format, q=q)


@CONNECTOR.tool(writes=True, needs=WRITES_CODE)
def commit_files(
    workspace: Workspace,
    repo_slug: RepoSlug,
    files: Annotated[
        Annotated[dict[Path, str | None], Meta(min_length=1, max_length=1000)],
        Meta(description="The whole new text of each file by its path; null deletes the file."),
    ],
    message: Annotated[Markdown | None, Meta(description="The commit message; omitted: Bitbucket's own.")] = None,
    branch: Annotated[
        Text | None, Meta(description="Branch to commit to, a new one too; omitted: the main branch.")
    ] = None,
    author: Annotated[Text | None, Meta(description="As `Name <e-mail>`; omitted: the person.")] = None,
    parents: Annotated[
        Annotated[list[Text], Meta(min_length=1, max_length=10)] | None,
        Meta(description="Hash of the commit to build on: with one that is no longer the head of `branch`, refused."),
    ] = None,
) -> Request:
    """Add, replace and delete text files in one commit; returns nothing, list_commits shows the commit.

    Give `parents`, lest another's change be overwritten. Binary files cannot be written so.
    """
    values = given(message=message, branch=branch, author=author, parents=",".join(parents) if parents else None)
    form = [*values.items(), *(_field(path, text) for path, text in files.items())]
    return Request(
        method="POST",
        path=url(_SOURCE, workspace=workspace, repo_slug=repo_slug),
        content=urlencode(form, errors="strict").encode(),
        headers={"content-type": "application/x-www-form-urlencoded"},
    )


def _field(path: str, text: str | None) -> tuple[str, str]:
    """Return the form's field for one file; with the slash before it no path is taken for `message` or `branch`."""
    inside = path.strip("/")
    try:
        url("{+path}", path=inside)
    except Invalid as refusal:
        raise Invalid([Fault("files", f"{path[:100]!r}: {refusal.faults[0].message}")]) from None
    return ("files", f"/{inside}") if text is None else (f"/{inside}", text)
