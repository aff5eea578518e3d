"""Branches, commits and tags."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.github.arguments import Owner, Repo, Sha, Since, Text, Time, moment
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.upstream.model import Request, get, given, send, url

_MEDIA = {"diff": "application/vnd.github.diff", "patch": "application/vnd.github.patch"}


@CONNECTOR.tool(items="")
def list_branches(
    owner: Owner,
    repo: Repo,
    protected: Annotated[
        bool | None, Meta(description="True: only protected branches; false: only the others; omitted: all.")
    ] = None,
) -> Request:
    """Return a repository's branches: name, head commit, whether protected."""
    return get(url("/repos/{owner}/{repo}/branches", owner=owner, repo=repo), protected=protected)


@CONNECTOR.tool()
def get_branch(
    owner: Owner, repo: Repo, branch: Annotated[Text, Meta(description="Name of the branch, such as feature/login.")]
) -> Request:
    """Return a branch: its head commit and its protection."""
    # Encoded whole: with its slash kept, `x/protection` would be another route.
    return get(url("/repos/{owner}/{repo}/branches/{branch}", owner=owner, repo=repo, branch=branch))


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_branch(
    owner: Owner,
    repo: Repo,
    ref: Annotated[
        Text, Meta(description="Name of the new branch, bare or as refs/heads/NAME; a tag is refs/tags/NAME.")
    ],
    sha: Annotated[Sha, Meta(description="Full sha of the commit that it starts at (get_branch tells a branch's).")],
) -> Request:
    """Create a branch (or lightweight tag) at a commit and return the ref; one that exists is refused with 422."""
    body = {"ref": f"refs/{_short(ref)}", "sha": sha}
    return send("POST", url("/repos/{owner}/{repo}/git/refs", owner=owner, repo=repo), body)


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def delete_branch(
    owner: Owner,
    repo: Repo,
    ref: Annotated[Text, Meta(description="Name of the branch, bare or as heads/NAME; a tag is tags/NAME.")],
) -> Request:
    """Delete a branch (or tag). Commits on no other branch become hard to find again. Returns nothing."""
    return send("DELETE", url("/repos/{owner}/{repo}/git/refs/{+ref}", owner=owner, repo=repo, ref=_short(ref)))


@CONNECTOR.tool(items="")
def list_commits(
    owner: Owner,
    repo: Repo,
    sha: Annotated[
        Text | None, Meta(description="Branch, tag or commit to start at; omitted: the default branch.")
    ] = None,
    path: Annotated[Text | None, Meta(description="Only commits that touch this file or directory.")] = None,
    author: Annotated[Text | None, Meta(description="Only commits by this login or e-mail address.")] = None,
    since: Since = None,
    until: Annotated[Time | None, Meta(description="Only commits before this time (RFC 3339).")] = None,
) -> Request:
    """Return the commit history, newest first: sha, message, author, date, parents."""
    route = url("/repos/{owner}/{repo}/commits", owner=owner, repo=repo)
    return get(route, sha=sha, path=path, author=author, since=moment(since), until=moment(until))


@CONNECTOR.tool()
def get_commit(
    owner: Owner,
    repo: Repo,
    ref: Annotated[Text, Meta(description="Sha of the commit, or a branch or tag: its latest.")],
    format: Annotated[  # noqa: A002
        Literal["json", "diff", "patch"], Meta(description="json: data; diff and patch: text, as git shows it.")
    ] = "json",
) -> Request:
    """Return one commit with its message, author, statistics and changed files, or as a diff."""
    # Encoded whole: with its slash kept, `x/status` would be another route.
    route = url("/repos/{owner}/{repo}/commits/{ref}", owner=owner, repo=repo, ref=ref)
    return Request(method="GET", path=route, headers=media(format))


@CONNECTOR.tool(items="commits")
def compare_commits(
    owner: Owner,
    repo: Repo,
    basehead: Annotated[
        str,
        Meta(
            description="BASE...HEAD: two branches, tags or commits; OWNER:BRANCH for one in a fork.",
            pattern=r"^[^\s]+\.\.\.[^\s]+$",
            max_length=1000,
            examples=["main...feature/login"],
        ),
    ],
) -> Request:
    """Return what HEAD has over BASE: the commits as items, and on the first page the changed `files` beside them."""
    return get(url("/repos/{owner}/{repo}/compare/{+basehead}", owner=owner, repo=repo, basehead=basehead))


@CONNECTOR.tool(items="")
def list_tags(owner: Owner, repo: Repo) -> Request:
    """Return a repository's tags, each with its commit."""
    return get(url("/repos/{owner}/{repo}/tags", owner=owner, repo=repo))


def media(name: str) -> dict[str, str]:
    """Return the headers that ask for that form; none for JSON."""
    return given(accept=_MEDIA.get(name))


def _short(ref: str) -> str:
    """Return the ref as `heads/NAME` or `tags/NAME`; a bare name is a branch."""
    ref = ref.removeprefix("refs/")
    return ref if ref.startswith(("heads/", "tags/")) else f"heads/{ref}"
