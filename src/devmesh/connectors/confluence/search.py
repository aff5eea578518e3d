"""Content and people found by CQL, and the credential's own account."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.confluence.arguments import Cql, joined
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get


@CONNECTOR.tool()
def get_current_user(
    expand: Annotated[
        list[Literal["operations", "personalSpace", "isExternalCollaborator"]] | None,
        Meta(description="What else to return."),
    ] = None,
) -> Request:
    """Return the account that the credential belongs to: account id, name, e-mail; `type` is `known`."""
    return get("/wiki/rest/api/user/current", expand=joined(expand))


@CONNECTOR.tool(items="results")
def search_content(
    cql: Annotated[
        Cql,
        Meta(
            description='CQL, as `type = page AND space = "DOCS" AND text ~ "release notes"`; quote values that have '
            "spaces or signs."
        ),
    ],
    excerpt: Annotated[
        Literal["highlight", "indexed", "none", "highlight_unescaped", "indexed_unescaped"] | None,
        Meta(description="Which piece of the text to return; omitted: around the hit, marked."),
    ] = None,
) -> Request:
    """Return pages, blog posts, attachments and comments that CQL finds, with ids, titles and a piece of the text.

    For the whole text use get_page; for people search_users.
    """
    return get("/wiki/rest/api/search", cql=cql, excerpt=excerpt)


@CONNECTOR.tool(items="results")
def search_users(
    cql: Annotated[Cql, Meta(description='CQL of people, as `user.fullname ~ "jane"`; quote values.')],
) -> Request:
    """Return people that CQL finds, with their account ids."""
    return get("/wiki/rest/api/search/user", cql=cql)
