"""The arguments that many of Artifactory's tools share, and the paths and properties that are made of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated
from urllib.parse import quote

from msgspec import Meta

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import plain_path, url

# Beside the repositories stand the server's own routes: no repository has one of these names.
NOT_REPOSITORIES = frozenset({"access", "api", "list", "mc", "service", "simple", "ui", "v1", "v2", "webapp", "xray"})

Text = Annotated[str, Meta(min_length=1, max_length=1000)]
RepoKey = Annotated[
    str,
    Meta(
        description="Key of the repository, from list_repositories.",
        pattern="^[A-Za-z0-9_][A-Za-z0-9_.-]*$",
        max_length=200,
        examples=["libs-release-local"],
    ),
]
ItemPath = Annotated[
    str,
    Meta(
        min_length=1, max_length=4096, description="Path of the file or folder within the repository; `/` is its root."
    ),
]
FilePath = Annotated[str, Meta(min_length=1, max_length=4096, description="Path of the file within the repository.")]
RepoList = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=200, pattern="^[^,]+$")]] | None,
    Meta(description="Only in these repositories; omitted: all that the credential may read."),
]
Project = Annotated[Text | None, Meta(description="Key of the project; omitted: the default one.")]
BuildName = Annotated[Text, Meta(description="Name of the build, from list_builds.")]
BuildNumber = Annotated[
    Text, Meta(description="Number of the run, from list_build_runs; it may hold letters.", examples=["17"])
]
PropertyName = Annotated[
    str, Meta(min_length=1, max_length=255, pattern=r"^[^)(}{\]\[*+^$\\/~`!@#%&<>;=,|±§\s]+$", examples=["qa.status"])
]
_Values = str | list[str]
Properties = Annotated[
    dict[PropertyName, _Values],
    Meta(description="Values by the properties' names; a list for several values of one."),
]
Recursive = Annotated[bool | None, Meta(description="False: a folder alone; omitted: what is in it too.")]
Dry = Annotated[bool | None, Meta(description="True: change nothing, only tell what would happen. Do this first.")]
SuppressLayouts = Annotated[
    bool | None, Meta(description="True: keep the path as it is where the repositories' layouts differ.")
]


def item(repo_key: str, path: str, template: str, argument: str = "path", repo_argument: str = "repo_key") -> str:
    """Return the path of an item below `template`, which ends where the repository begins; `/` is its root.

    Raises Invalid, naming the argument, for a repository that is a route of the server's, and for a path with an
    empty, `.` or `..` segment, encoded or not.
    """
    if repo_key.lower() in NOT_REPOSITORIES:
        raise Invalid([Fault(repo_argument, "is a route of Artifactory's, and no repository")])
    root = url(f"{template}/{{{repo_argument}}}", **{repo_argument: repo_key})
    inside = path.strip("/")
    if not inside:
        return root
    return root + plain_path(url(f"/{{+{argument}}}", **{argument: inside}), argument)


def file(repo_key: str, path: str) -> str:
    """Return the path of the file's content; Invalid for a repository's root, too."""
    if not path.strip("/"):
        raise Invalid([Fault("path", "must name a file within the repository")])
    return item(repo_key, path, "/artifactory")


def joined(values: Sequence[str] | None) -> str | None:
    """Return the values as one comma-separated text, None for none."""
    return ",".join(values) if values else None


def flag(value: bool | None) -> int | None:
    """Return the value as Artifactory reads it: 1 or 0, None where it was left out."""
    return None if value is None else int(value)


def listed(properties: Mapping[str, _Values]) -> str:
    r"""Return the properties as `a=1;b=2,3`, with a backslash before what would part them (Set Item Properties).

    Raises Invalid, naming the argument, where there are none.
    """
    if not properties:
        raise Invalid([Fault("properties", "name at least one")])
    return ";".join(f"{name}={','.join(map(_escaped, several(values)))}" for name, values in properties.items())


def matrix(properties: Mapping[str, _Values] | None) -> str:
    """Return the properties as they follow a path, `;a=1;b=2;b=3`, percent-encoded."""
    pairs = [(name, value) for name, values in (properties or {}).items() for value in several(values)]
    try:
        return "".join(f";{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    except UnicodeEncodeError:
        raise Invalid([Fault("properties", "hold half of a surrogate pair, which is no character")]) from None


def several(values: _Values) -> list[str]:
    """Return the values of one property as a list."""
    return [values] if isinstance(values, str) else values


def _escaped(value: str) -> str:
    return re.sub(r"([\\,;|=])", r"\\\1", value)
