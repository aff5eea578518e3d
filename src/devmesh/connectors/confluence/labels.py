"""Labels of pages."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from devmesh.connectors.confluence.arguments import PageId
from devmesh.connectors.confluence.declaration import CONNECTOR
from devmesh.upstream.model import Request, get, send, url

_LABEL = "/wiki/rest/api/content/{id}/label"

Label = Annotated[str, Meta(pattern="^[^\\s]{1,255}$", examples=["release-notes"])]


@CONNECTOR.tool(items="results")
def list_page_labels(
    id: PageId,  # noqa: A002
    prefix: Annotated[
        Literal["my", "team", "global", "system"] | None, Meta(description="Only labels of this kind.")
    ] = None,
) -> Request:
    """Return a page's labels with their ids, names and kinds."""
    return get(url("/wiki/api/v2/pages/{id}/labels", id=id), prefix=prefix)


@CONNECTOR.tool(writes=True, idempotent=True)
def add_label(
    id: PageId,  # noqa: A002
    labels: Annotated[
        list[Label], Meta(min_length=1, max_length=20, description="Names of labels, in lower case without spaces.")
    ],
) -> Request:
    """Add labels to a page, beside those that it has, and return all."""
    return send("POST", url(_LABEL, id=id), [{"prefix": "global", "name": name} for name in labels])


@CONNECTOR.tool(writes=True, destructive=True, idempotent=True)
def remove_label(
    id: PageId,  # noqa: A002
    name: Annotated[Label, Meta(description="Name of the label.")],
) -> Request:
    """Take a label off a page; the label itself stays where else it is used."""
    return send("DELETE", url(_LABEL, id=id), None, name=name)
