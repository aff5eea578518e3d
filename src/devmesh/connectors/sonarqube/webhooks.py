"""Webhooks: whom SonarQube tells of analyses."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from devmesh.connectors.sonarqube.arguments import Key, Organization, post
from devmesh.connectors.sonarqube.declaration import CONNECTOR
from devmesh.upstream.model import Request, get

Project = Annotated[Key | None, Meta(description="Key of the project; omitted: those of the whole server.")]


@CONNECTOR.tool()
def list_webhooks(project: Project = None, organization: Organization = None) -> Request:
    """Return webhooks: key, name, address, whether they have a secret, and the last delivery; needs Administer."""
    return get("/api/webhooks/list", project=project, organization=organization)


@CONNECTOR.tool(writes=True)
def create_webhook(
    name: Annotated[Annotated[str, Meta(min_length=1, max_length=100)], Meta(description="Name that is shown.")],
    url: Annotated[
        Annotated[str, Meta(min_length=1, max_length=512, pattern="^https?://")],
        Meta(description="Where SonarQube POSTs after each analysis.", examples=["https://example.com/hook"]),
    ],
    project: Project = None,
    secret: Annotated[
        Annotated[str, Meta(min_length=1, max_length=200)] | None,
        Meta(description="What the receiver checks the signature with; newer servers want 16 characters or more."),
    ] = None,
    organization: Organization = None,
) -> Request:
    """Add a webhook and return it; each call adds another."""
    return post("/api/webhooks/create", name=name, url=url, project=project, secret=secret, organization=organization)
