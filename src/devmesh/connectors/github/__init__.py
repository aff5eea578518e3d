"""GitHub, github.com and Enterprise: https://docs.github.com/rest (version 2022-11-28)."""

from devmesh.connectors.github import (
    account,
    actions,
    anything,
    commits,
    contents,
    issues,
    labels,
    pulls,
    releases,
    repositories,
    reviews,
    search,
    security,
)
from devmesh.connectors.github.declaration import CONNECTOR

__all__ = [
    "CONNECTOR",
    "account",
    "actions",
    "anything",
    "commits",
    "contents",
    "issues",
    "labels",
    "pulls",
    "releases",
    "repositories",
    "reviews",
    "search",
    "security",
]
