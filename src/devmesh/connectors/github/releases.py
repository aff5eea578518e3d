"""Releases."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.github.arguments import Owner, Repo, Text
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.upstream.model import Request, get, given, send, url


@CONNECTOR.tool(items="")
def list_releases(owner: Owner, repo: Repo) -> Request:
    """Return a repository's releases, newest first: tag, name, notes, assets; drafts only to who may push."""
    return get(url("/repos/{owner}/{repo}/releases", owner=owner, repo=repo))


@CONNECTOR.tool(writes=True, needs=WRITES)
def create_release(
    owner: Owner,
    repo: Repo,
    tag_name: Annotated[Text, Meta(description="Tag of the release, made if it does not exist.")],
    target_commitish: Annotated[
        Text | None, Meta(description="Branch or commit for a new tag; omitted: the default branch.")
    ] = None,
    name: Annotated[Text | None, Meta(description="Title of the release.")] = None,
    body: Annotated[
        Annotated[str, Meta(max_length=125000)] | None, Meta(description="The release notes, in Markdown.")
    ] = None,
    draft: Annotated[bool | None, Meta(description="True: not published yet.")] = None,
    prerelease: Annotated[bool | None, Meta(description="True: marked as not ready for production.")] = None,
) -> Request:
    """Publish a release (or keep it as a draft) and return it; everyone who watches is told of a published one."""
    release = given(
        tag_name=tag_name,
        target_commitish=target_commitish,
        name=name,
        body=body,
        draft=draft,
        prerelease=prerelease,
    )
    return send("POST", url("/repos/{owner}/{repo}/releases", owner=owner, repo=repo), release)
