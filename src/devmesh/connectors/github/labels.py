"""Labels of a repository, and on its issues and pull requests."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.github.arguments import IssueNumber, LabelNames, Owner, Repo
from devmesh.connectors.github.declaration import CONNECTOR
from devmesh.connectors.github.scopes import WRITES
from devmesh.upstream.model import Request, get, given, send, url

_LABELS = "/repos/{owner}/{repo}/issues/{issue_number}/labels"

LabelName = Annotated[str, Meta(min_length=1, max_length=100)]


@CONNECTOR.tool(items="")
def list_labels(owner: Owner, repo: Repo) -> Request:
    """Return the labels that a repository has: name, color, description."""
    return get(url("/repos/{owner}/{repo}/labels", owner=owner, repo=repo))


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def create_label(
    owner: Owner,
    repo: Repo,
    name: Annotated[LabelName, Meta(description="Name of the label.")],
    color: Annotated[
        Annotated[str, Meta(pattern="^[0-9a-fA-F]{6}$")] | None,
        Meta(description="Color as six hexadecimal digits, without #.", examples=["d73a4a"]),
    ] = None,
    description: Annotated[
        Annotated[str, Meta(max_length=100)] | None, Meta(description="What the label is for.")
    ] = None,
) -> Request:
    """Add a label to a repository and return it; a name that exists is refused with 422."""
    label = given(name=name, color=color, description=description)
    return send("POST", url("/repos/{owner}/{repo}/labels", owner=owner, repo=repo), label)


@CONNECTOR.tool(writes=True, idempotent=True, needs=WRITES)
def add_issue_labels(
    owner: Owner,
    repo: Repo,
    issue_number: IssueNumber,
    labels: Annotated[
        LabelNames, Meta(min_length=1, description="Names of the labels to add; unknown ones are created.")
    ],
) -> Request:
    """Put labels on an issue or pull request, beside those it has, and return all of them."""
    return send("POST", url(_LABELS, owner=owner, repo=repo, issue_number=issue_number), {"labels": labels})


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True, needs=WRITES)
def remove_issue_label(
    owner: Owner,
    repo: Repo,
    issue_number: IssueNumber,
    name: Annotated[LabelName, Meta(description="Name of the label to take off.")],
) -> Request:
    """Take one label off an issue or pull request and return those that remain; the repository keeps the label."""
    return send("DELETE", url(f"{_LABELS}/{{name}}", owner=owner, repo=repo, issue_number=issue_number, name=name))
