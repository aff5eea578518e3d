"""The arguments that many of Jenkins' tools share, and the paths that are made of them."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import plain_path, url

# What a configuration is sent with; without it Jenkins takes the body for a form.
XML = {"content-type": "application/xml; charset=utf-8"}
_MOST_FOLDERS = 30
_JobName = Annotated[str, Meta(min_length=1, max_length=2000)]

JobPath = Annotated[
    _JobName,
    Meta(
        description="Full name of the job, its folders before it: `app`, or `team/app`. A multibranch job's branch is "
        "a job too: `team/app/main`; a branch's own slash is written %2F, as Jenkins names it."
    ),
]
FolderPath = Annotated[
    _JobName | None, Meta(description="Full name of the folder: `team`, or `team/backend`; omitted: the top level.")
]
Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]
BuildNumber = Annotated[Number, Meta(description="Number of the build, from list_builds.")]
Permalink = Literal[
    "lastBuild",
    "lastCompletedBuild",
    "lastSuccessfulBuild",
    "lastStableBuild",
    "lastFailedBuild",
    "lastUnstableBuild",
    "lastUnsuccessfulBuild",
]
AnyBuild = Annotated[
    Number | Permalink, Meta(description="Number of the build, or one of Jenkins' names, such as lastBuild.")
]
_TreeText = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9_,\[\]{}:* ]+$", max_length=2000, examples=["name,lastBuild[number,result]"])
]
Tree = Annotated[
    _TreeText | None,
    Meta(description="Which members to return, nested ones in brackets; better than depth. Omitted: Jenkins' choice."),
]
ItemTree = Annotated[
    _TreeText | None,
    Meta(description="Which members of each item to return, nested ones in brackets; omitted: the usual ones."),
]
Depth = Annotated[
    Annotated[int, Meta(ge=0, le=10)] | None,
    Meta(description="How deep nested things are spelled out; large answers from 2 on. `tree` goes before it."),
]
Name = Annotated[str, Meta(min_length=1, max_length=255)]


def below(job_path: str, rest: str = "", argument: str = "job_path") -> str:
    """Return the path of the job, `/job/team/job/app`, with `rest` after it.

    Raises Invalid, naming the argument, for a name with an empty, `.` or `..` segment, encoded or not.
    """
    names = job_path.split("/")
    if len(names) > _MOST_FOLDERS:
        raise Invalid([Fault(argument, f"must not lie deeper than {_MOST_FOLDERS} folders")])
    path = "".join(url(f"/job/{{{argument}}}", **{argument: name}) for name in names)
    # Looked at once more, decoded: a branch's name holds escapes, and a proxy may undo them.
    return plain_path(path, argument) + rest


def octets(text: str, argument: str) -> bytes:
    """Return the text in UTF-8; Invalid, naming the argument, for half of a surrogate pair, which is no character."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise Invalid([Fault(argument, "holds half of a surrogate pair, which is no character")]) from None


def written(value: object) -> str:
    """Return the value as a field of a form holds it: `true` and `false` in lower case, as Java reads them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def inside(folder_path: str | None, rest: str) -> str:
    """Return the path of `rest` in the folder, or at the top level."""
    return rest if folder_path is None else below(folder_path, rest, "folder_path")


def ranged(items: str, members: str, tree: str | None) -> str:
    """Return the tree of a list, to which the range of a page is added; Invalid where `tree` is no list of members."""
    chosen = members if tree is None else tree
    if not _is_whole(chosen):
        raise Invalid([Fault("tree", "must close each bracket that it opens, and no other")])
    return f"{items}[{chosen}]"


def _is_whole(tree: str) -> bool:
    depth = 0
    for character in tree:
        depth += (character == "[") - (character == "]")
        if depth < 0:
            return False
    return depth == 0
