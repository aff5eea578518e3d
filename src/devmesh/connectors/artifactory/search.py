"""Finding artifacts: by Artifactory's query language, by name, coordinates, properties and checksum."""

from __future__ import annotations

import re
from typing import Annotated

from msgspec import Meta

from devmesh.connectors.artifactory.arguments import Properties, RepoList, Text, flag, joined, several
from devmesh.connectors.artifactory.declaration import CONNECTOR
from devmesh.connectors.artifactory.paging import QueryPaging
from devmesh.errors import Fault, Invalid
from devmesh.upstream.model import Request, get

# AQL also knows delete and update: a query here finds, and does nothing else.
_FINDS = re.compile(r"\s*[A-Za-z_]+(\.[A-Za-z_]+)?\s*\.\s*find\s*\(")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_STEP = re.compile(r"\.\s*([A-Za-z]+)\s*\(")
_STEPS = frozenset({"find", "include", "sort", "distinct", "transitive"})

Coordinate = Annotated[str, Meta(min_length=1, max_length=1000)]
Md5 = Annotated[
    Annotated[str, Meta(pattern="^[0-9a-fA-F]{32}$", examples=["0cc175b9c0f1b6a831c399e269772661"])] | None,
    Meta(description="MD5 of the file."),
]
Sha1 = Annotated[
    Annotated[str, Meta(pattern="^[0-9a-fA-F]{40}$", examples=["86f7e437faa5a7fce15d1ddcb9eaeaea377667b8"])] | None,
    Meta(description="SHA-1 of the file."),
]
Sha256 = Annotated[
    Annotated[str, Meta(pattern="^[0-9a-fA-F]{64}$", examples=["ca978112" + "00" * 28])] | None,
    Meta(description="SHA-256 of the file."),
]


@CONNECTOR.tool(items="results", paging=QueryPaging())
def search_aql(
    query: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=50_000,
            description="The query, without offset and limit.",
            examples=[
                'items.find({"repo":"libs-release-local","name":{"$match":"*.jar"}}).include("name","path","size")'
            ],
        ),
    ],
) -> Request:
    """Search with AQL: `items.find({…}).include(…).sort(…)`, also over builds, modules, properties and the like.

    Without an administrator's rights `include` of items must hold "repo", "path" and "name".
    """
    plain = _STRING.sub('""', query)
    steps = _STEP.findall(plain)
    if not _FINDS.match(query) or steps.count("find") != 1 or not set(steps) <= _STEPS:
        raise Invalid(
            [Fault("query", f"must be one find, followed by none but {', '.join(sorted(_STEPS - {'find'}))}")]
        )
    if plain.count("(") != plain.count(")") or not plain.rstrip().endswith(")"):
        raise Invalid([Fault("query", "must close each bracket, and end with one")])
    return Request(
        method="POST",
        path="/artifactory/api/search/aql",
        content=_octets(query.strip()),
        headers={"content-type": "text/plain"},
    )


@CONNECTOR.tool()
def search_artifacts(
    name: Annotated[Text, Meta(description="Name of the file, or part of it; may hold * and ?.")],
    repos: RepoList = None,
) -> Request:
    """Return where files of a name are (`uri`), 1,000 or so at most; search_aql finds by more, and pages."""
    return get("/artifactory/api/search/artifact", name=name, repos=joined(repos))


@CONNECTOR.tool()
def search_gavc(
    g: Annotated[Coordinate | None, Meta(description="Group id; may hold * and ?.")] = None,
    a: Annotated[Coordinate | None, Meta(description="Artifact id; may hold * and ?.")] = None,
    v: Annotated[Coordinate | None, Meta(description="Version; may hold * and ?.")] = None,
    c: Annotated[Coordinate | None, Meta(description="Classifier; may hold * and ?.")] = None,
    repos: RepoList = None,
) -> Request:
    """Return where artifacts of these Maven coordinates are (`uri`); give at least one."""
    if not (g or a or v or c):
        raise Invalid([Fault("", "give at least one of g, a, v and c")])
    return get("/artifactory/api/search/gavc", g=g, a=a, v=v, c=c, repos=joined(repos))


@CONNECTOR.tool()
def search_properties(properties: Properties, repos: RepoList = None) -> Request:
    """Return where items with all of these properties are (`uri`); a value may hold * and ?."""
    if not properties or "repos" in properties:
        raise Invalid([Fault("properties", "name at least one, and none that is called repos: search_aql finds that")])
    asked = {name: ",".join(several(values)) for name, values in properties.items()}
    return Request(method="GET", path="/artifactory/api/search/prop", query={**asked, "repos": joined(repos)})


@CONNECTOR.tool()
def search_checksum(md5: Md5 = None, sha1: Sha1 = None, sha256: Sha256 = None, repos: RepoList = None) -> Request:
    """Return where files of this checksum are (`uri`); give one of the three."""
    if not (md5 or sha1 or sha256):
        raise Invalid([Fault("", "give one of md5, sha1 and sha256")])
    return get("/artifactory/api/search/checksum", md5=md5, sha1=sha1, sha256=sha256, repos=joined(repos))


@CONNECTOR.tool(projects=False)
def get_latest_version(
    g: Annotated[Text, Meta(description="Group id, or organization.")],
    a: Annotated[Text, Meta(description="Artifact id, or module.")],
    v: Annotated[Text | None, Meta(description="Only versions like this: 1.0-SNAPSHOT, or 1.*.")] = None,
    repos: RepoList = None,
    remote: Annotated[bool | None, Meta(description="True: also ask the servers behind remote repositories.")] = None,
) -> Request:
    """Return the newest version of an artifact as bare text; 404 if there is none. Without `v` released ones alone."""
    return get("/artifactory/api/search/latestVersion", g=g, a=a, v=v, repos=joined(repos), remote=flag(remote))


def _octets(query: str) -> bytes:
    try:
        return query.encode()
    except UnicodeEncodeError:
        raise Invalid([Fault("query", "holds half of a surrogate pair, which is no character")]) from None
